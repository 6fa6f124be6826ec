// SPDX-License-Identifier: BSD-3-Clause
// Two boxes with a tunnel between them, in one process and without a handshake: `near` and `far`
// have one peer each, sessions with crossed keys, and what one seals the other opens.
//
//   10.99.1.0/24, 2001:db8:1::/48 behind near (192.0.2.1) === (198.51.100.1) far: 10.99.2.0/24,
//   2001:db8:2::/48
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/wireguard/allowed_ips.h"
#include "dataplane/wireguard/inner_packet.h"
#include "dataplane/wireguard/open_stage.h"
#include "dataplane/wireguard/seal_stage.h"
#include "dataplane/wireguard/slice.h"
#include "tests/builders/packet_builder.h"

namespace towpath::wireguard {

using builders::Frame;

inline constexpr InterfaceId kWan{0};
inline constexpr InterfaceId kTunnel{1};
inline constexpr Port kListenPort{std::uint16_t{51820}};
inline constexpr MacAddress kTunnelMac{{0x02, 0x77, 0, 0, 0, 0x10}};
inline constexpr std::uint64_t kIndexKey = 0x5DEECE66D;
inline constexpr std::size_t kFront_bytes = 14;

inline IpAddress ip(std::string_view text) {
    return parse_ip_address(text).value();
}
inline IpEndpoint endpoint(std::string_view text) {
    return parse_ip_endpoint(text).value();
}
inline IpPrefix ip_prefix(std::string_view text) {
    return parse_ip_prefix(text).value();
}
// A key of one repeated byte.
inline std::array<std::byte, 32> key_of(int value) {
    std::array<std::byte, 32> key{};
    key.fill(static_cast<std::byte>(value));
    return key;
}
inline std::uint32_t index_of(std::uint32_t slot, std::uint32_t generation = 0) {
    return crypto::IndexPermutation{kIndexKey}.index_of({slot, generation});
}

// One box: tables, and a state per worker.
class Box {
public:
    explicit Box(Capacity capacity = {.peers = 64,
                                      .sessions = 256,
                                      .prefixes = 256,
                                      .workers = 1,
                                      .staged_packets_per_worker = 256}) {
        tables = std::move(Tables::create(capacity, {kIndexKey, 77}, quiescence).value());
        allowed = std::make_unique<AllowedIps>(capacity.prefixes, capacity.peers, quiescence);
        interfaces.count = 2;
        Interface& wan = interfaces.storage[0];
        wan.id = kWan;
        wan.mac = builders::kOurMac;
        wan.is_up = true;
        Interface& inside = interfaces.storage[1];
        inside.id = kTunnel;
        inside.mac = kTunnelMac;
        inside.mtu_bytes = 1420;
        inside.is_up = true;
        inside.is_tunnel = true;
        Tunnel& tunnel = tunnels.storage[1];
        tunnel.allowed_ips = allowed.get();
        tunnel.listen_port = kListenPort;
        tunnel.has_identity = true;
        tunnel.mac1_key.fill(std::byte{0x33});
        for (std::size_t worker = 0; worker < capacity.workers; ++worker) {
            const auto id = static_cast<WorkerId>(worker);
            identifications.emplace_back(id, capacity.workers, 5);
            states.push_back(std::make_unique<State>(*tables, id, crypto::Aead::create().value(),
                                                     identifications.back(), released));
            states.back()->set_interfaces(&interfaces, &tunnels);
        }
    }

    // The lane in which the packet ended, after its stage.
    struct Exit {
        Lane lane = Lane::count;
        DropReason verdict = DropReason::none;
        friend bool operator==(const Exit&, const Exit&) = default;
    };
    static Exit exit_of(const Batch& batch, PacketIndex wanted) {
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            for (const PacketIndex index : batch.lane(static_cast<Lane>(lane))) {
                if (index == wanted) {
                    return {static_cast<Lane>(lane), batch[wanted].verdict};
                }
            }
        }
        ADD_FAILURE() << "the packet is in no lane";
        return {};
    }

    // Passes one packet through a stage; the frame's window follows.
    Exit seal(Frame& frame, Now now, WorkerId worker = 0) {
        return run(frame, Lane::seal, now, worker, seal_stage);
    }
    Exit open(Frame& frame, Now now, WorkerId worker = 0) {
        return run(frame, Lane::open, now, worker, open_stage);
    }

    void add_peer(PeerId peer, std::initializer_list<std::string_view> prefixes,
                  std::string_view remote = {}, std::uint16_t keepalive_s = 0) {
        tables->configure_peer(peer, {kTunnel, keepalive_s});
        for (const std::string_view text : prefixes) {
            EXPECT_TRUE(allowed->insert(ip_prefix(text), peer).has_value());
        }
        if (!remote.empty()) {
            EXPECT_TRUE(tables->apply_configured_endpoint(peer, endpoint(remote), 1, Now{}));
        }
    }
    Peer& peer(PeerId id = 0) { return tables->peers()[id]; }
    Session& session(std::uint32_t slot) { return tables->sessions()[slot]; }
    // All events of the worker since the last call.
    std::vector<TunnelEvent> events(WorkerId worker = 0) {
        std::vector<TunnelEvent> all(kEventRingEntries);
        all.resize(tables->events(worker).pop(all));
        return all;
    }
    std::vector<TunnelEventKind> event_kinds(WorkerId worker = 0) {
        std::vector<TunnelEventKind> kinds;
        for (const TunnelEvent& event : events(worker)) {
            kinds.push_back(event.kind);
        }
        return kinds;
    }

    Quiescence quiescence;
    std::unique_ptr<Tables> tables;
    std::unique_ptr<AllowedIps> allowed;
    InterfaceTable interfaces;
    TunnelTable tunnels;
    Counter released;
    std::deque<IdentificationSource> identifications;
    std::vector<std::unique_ptr<State>> states;
    Batch batch;

private:
    template <class Stage>
    Exit run(Frame& frame, Lane lane, Now now, WorkerId worker, Stage stage) {
        batch.clear();
        EXPECT_TRUE(batch.admit(frame.packet, lane));
        stage(*states[worker], batch, now);
        EXPECT_TRUE(batch.lane(lane).empty());
        frame.packet = batch[0];
        return exit_of(batch, 0);
    }
};

class TunnelTest : public testing::Test {
protected:
    static constexpr PeerId kPeer = 0;
    using Exit = Box::Exit;

    TunnelTest() {
        near.add_peer(kPeer, {"10.99.2.0/24", "2001:db8:2::/48"}, "198.51.100.1:51820");
        far.add_peer(kPeer, {"10.99.1.0/24", "2001:db8:1::/48"}, "192.0.2.1:51820");
    }

    // Sessions of slot `slot` on both sides; near initiated, and sends at once. `confirm`: far has
    // had a packet, so it may send too.
    void connect(std::uint32_t slot = 1, bool confirm = true) {
        ASSERT_EQ(install(near, slot, true), InstallResult::installed);
        ASSERT_EQ(install(far, slot, false), InstallResult::installed);
        if (confirm) {
            Frame first = inner("10.99.1.5", "10.99.2.5");
            ASSERT_EQ(near.seal(first, now).lane, Lane::underlay);
            travel(first);
            ASSERT_EQ(far.open(first, now).lane, Lane::parse);
            static_cast<void>(far.events());
        }
    }
    InstallResult install(Box& box, std::uint32_t slot, bool is_initiator, WorkerId owner = 0,
                          PeerId peer = kPeer, std::uint32_t generation = 0) {
        const auto one = key_of(static_cast<int>(slot * 2 + 1));
        const auto other = key_of(static_cast<int>(slot * 2 + 2));
        return box.tables->install({.index = index_of(slot, generation),
                                    .remote_index = index_of(slot, generation),
                                    .peer = peer,
                                    .owner = owner,
                                    .is_initiator = is_initiator,
                                    .birth = now,
                                    .send_key = is_initiator ? one : other,
                                    .receive_key = is_initiator ? other : one});
    }

    // A UDP packet on its way into the tunnel.
    static Frame inner(std::string_view source, std::string_view destination,
                       std::size_t payload_bytes = 16, std::uint8_t dscp_and_ecn = 0) {
        Frame frame = builders::udp({.source = source,
                                     .destination = destination,
                                     .dscp_and_ecn = dscp_and_ecn,
                                     .payload_bytes = payload_bytes});
        frame.packet.egress = kTunnel;
        return frame;
    }
    static Frame inner_ipv6(std::string_view source, std::string_view destination,
                            std::size_t payload_bytes = 32, std::uint8_t traffic_class = 0) {
        Frame frame{kFront_bytes + sizeof(Ipv6Header) + payload_bytes};
        frame.packet.l3 = kFront_bytes;
        frame.packet.egress = kTunnel;
        frame.packet.header<Ipv6Header>(kFront_bytes) = {
            ipv6_first_word(traffic_class),
            be16{static_cast<std::uint16_t>(payload_bytes)},
            59,  // no next header
            64,
            ip(source).ipv6(),
            ip(destination).ipv6()};
        builders::fill_payload(frame.bytes().subspan(kFront_bytes + sizeof(Ipv6Header)));
        return frame;
    }
    // From Lane::underlay of one box to Lane::open of the other: the underlay chooses the source if
    // it has to, and parse finds ports again.
    static void travel(Frame& frame, std::string_view source = "192.0.2.1:51820") {
        Packet& packet = frame.packet;
        packet.ingress = kWan;
        packet.is_originated = false;
        if (has_outer_ipv4(packet)) {
            auto& header = packet.header<Ipv4Header>(packet.l3);
            header.source = endpoint(source).address.ipv4().wire();
            frame.seal_checksum();
        }
        packet.source_port = endpoint(source).port;
        frame.udp().source_port = packet.source_port.wire();
    }
    // The inner bytes of a packet in front of the seal stage or behind the open stage.
    static std::vector<std::byte> inner_bytes(const Frame& frame) {
        const auto bytes = frame.packet.bytes().subspan(kFront_bytes);
        return {bytes.begin(), bytes.end()};
    }
    // Seals at near and carries to far.
    Frame sealed(Frame frame) {
        EXPECT_EQ(near.seal(frame, now), (Exit{Lane::underlay, DropReason::none}));
        travel(frame);
        return frame;
    }

    Now now{std::chrono::seconds{1000}};
    Box near;
    Box far;
};

}  // namespace towpath::wireguard
