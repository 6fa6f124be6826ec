// SPDX-License-Identifier: BSD-3-Clause
// The whole pipeline under a hostile link and hostile peers. An input is a sequence of records: one
// byte of flags (bit 0 interface, bit 1 from the host, bits 2 to 7 seconds to let pass), two bytes
// of length, whose upper five bits say how the bytes arrive (HowItArrives), the bytes: a frame, or
// what a peer of the tunnel sends. The length of the input says whether peers are hidden or tracked
// (decisions.md W13). Oracles: conservation (asserted by the pipeline in every burst);
// no byte outside the window and its head and tail room changes; what is transmitted has a valid
// IPv4 header, or an IPv6 header whose length is that of the frame; what leaves as transport data
// opens and is an IP packet.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "tests/builders/tunnel_gateway.h"

namespace {

using namespace towpath;
using namespace towpath::builders;
using wireguard::PeerId;

constexpr std::size_t kFramesMax = 24;
constexpr std::size_t kGuardBytes = 64;
constexpr std::byte kGuard{0xA5};
constexpr std::size_t kLengthMax_bytes = 2000;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// Upper five bits of a record's length. None: a frame on a link.
struct HowItArrives {
    explicit HowItArrives(std::uint8_t byte)
        : is_inner{(byte & 0x80U) != 0},
          is_message{(byte & 0x40U) != 0},
          layers{(byte & 0x30U) >> 4U},
          is_outer_ipv6{(byte & 8U) != 0} {}
    bool is_inner;    // what transport data of the first peer carries: it is sealed
    bool is_message;  // to the tunnel's port; gets a right mac1 if it is a handshake's
    unsigned layers;  // of the tunnel around that: datagrams to its port through itself
    bool is_outer_ipv6;
};

struct GuardedFrame {
    explicit GuardedFrame(std::span<const std::byte> bytes)
        : frame{bytes.size(), kHeadRoom + bytes.size() + kTailRoom + kGuardBytes} {
        std::ranges::copy(bytes, frame.bytes().begin());
        // The stages may use what lies before the guard.
        frame.packet.capacity = static_cast<std::uint16_t>(kHeadRoom + bytes.size() + kTailRoom);
        std::fill_n(frame.packet.buffer + frame.packet.capacity, kGuardBytes, kGuard);
    }
    [[nodiscard]] bool is_intact() const {
        return std::all_of(frame.packet.buffer + frame.packet.capacity,
                           frame.packet.buffer + frame.packet.capacity + kGuardBytes,
                           [](std::byte byte) { return byte == kGuard; });
    }
    Frame frame;
};

enum class Roles : std::uint8_t { plain, hides_peers, tracks_peers, count };

GatewayOptions small_gateway(Roles roles) {
    GatewayOptions options;
    options.capacity.realm_addresses = 1;
    options.hides_peers = roles == Roles::hides_peers;
    options.tracks_peers = roles == Roles::tracks_peers;
    options.capacity.mappings = 64;
    options.capacity.sessions = 64;
    options.capacity.pool_addresses = 1;
    options.has_host = true;
    options.reject_syns = true;
    return options;
}

// Of the tunnel: a peer with a session, one that gets one when it is wanted, one that never does,
// one whose place is unknown.
enum : PeerId { kConnected, kReachable, kDead, kUnknownPlace, kPeerCount };

// What all inputs share, because nothing of it changes.
struct World {
    explicit World(Roles roles) : options{small_gateway(roles)} {
        for (PeerId peer = 0; peer < kPeerCount; ++peer) {
            const std::string number = std::to_string(peer + 2);
            for (const std::string& text :
                 {"10.99.0." + number + "/32", "2001:db8:57::" + number + "/128"}) {
                require(allowed.insert(*parse_ip_prefix(text), peer).has_value());
            }
        }
        generation = make_tunnel_generation(options, allowed);
    }
    GatewayOptions options;
    Quiescence quiescence;
    wireguard::AllowedIps allowed{16, kPeerCount, quiescence};
    std::shared_ptr<const pipeline::Generation> generation;
};

class Box {
public:
    explicit Box(const World& world)
        : gateway_{world.options.capacity, world.generation, tunnels_.get()} {
        gateway_.neighbors.confirm({kOutside, address("192.0.2.77")}, kRouterMac, 1);
        gateway_.ipv6_neighbors.confirm({kOutside, address6("2001:db8:2::77")}, kRouterMac, 1);
        for (PeerId peer = 0; peer < kPeerCount; ++peer) {
            const auto keepalive_s = static_cast<std::uint16_t>(peer == kConnected ? 25 : 0);
            tunnels_->configure_peer(peer, {kTunnel, keepalive_s});
            if (peer != kUnknownPlace) {
                const auto port = static_cast<std::uint16_t>(40000 + peer);
                static_cast<void>(tunnels_->apply_configured_endpoint(
                    peer, {address("192.0.2.77"), Port{port}}, 1, now_));
            }
        }
        connect(kConnected);
    }

    void step(std::uint8_t flags, HowItArrives how, std::span<const std::byte> bytes) {
        now_ += std::chrono::seconds{flags >> 2U};
        GuardedFrame& guarded = frames_.emplace_back(arriving(how, bytes));
        Packet& packet = guarded.frame.packet;
        const bool is_for_tunnel = how.is_inner || how.is_message;
        packet.ingress = is_for_tunnel || (flags & 1U) != 0 ? kOutside : kInside;
        packet.from_host = !is_for_tunnel && (flags & 2U) != 0;
        gateway_.run(guarded.frame, now_);
        check_transmitted();
        serve();
        (void)gateway_.housekeeping(now_);
        check_transmitted();
    }
    void finish() {
        do {
            gateway_.batch().clear();
        } while (gateway_.pipeline.discard(gateway_.batch()));
        require(std::ranges::all_of(frames_, &GuardedFrame::is_intact));
    }
    [[nodiscard]] std::size_t frame_count() const { return frames_.size(); }

private:
    static constexpr std::uint32_t kSessions = 16;
    static constexpr std::uint64_t kIndexKey = 99;

    GuardedFrame arriving(HowItArrives how, std::span<const std::byte> bytes) {
        if (!how.is_inner && !how.is_message) {
            return GuardedFrame{bytes};
        }
        std::vector<std::byte> message{bytes.begin(), bytes.end()};
        if (how.is_inner) {
            message = peer_.sealed(bytes);
        } else {
            write_mac1(message);
        }
        for (unsigned layer = 0; layer < how.layers; ++layer) {
            Frame inner = how.is_outer_ipv6
                              ? tunnel_datagram(message, "2001:db8:57::2", "2001:db8:57::1")
                              : tunnel_datagram(message, "10.99.0.2", "10.99.0.1");
            message = peer_.sealed(inner.bytes().subspan(inner.packet.l3));
        }
        Frame outer = how.is_outer_ipv6
                          ? tunnel_datagram(message, "2001:db8:2::77", "2001:db8:2::1")
                          : tunnel_datagram(message, "192.0.2.77", "192.0.2.10");
        return GuardedFrame{outer.bytes()};
    }

    // What the server thread and control do about the tunnels.
    void serve() {
        wireguard::TunnelEvent event;
        while (tunnels_->events(0).pop({&event, 1}) == 1) {
            require(event.peer < kPeerCount);
            if (event.kind == wireguard::TunnelEventKind::session_ended) {
                tunnels_->retire(event.index);
            } else if (event.kind == wireguard::TunnelEventKind::handshake_wanted) {
                answer(event.peer);
            }
        }
        std::array<std::uint32_t, kSessions> freed{};
        static_cast<void>(tunnels_->collect(freed));
        wireguard::ReceivedHandshake received;
        while (tunnels_->handshakes(0).pop({&received, 1}) == 1) {
            require(wireguard::classify(received.message()).has_value());
        }
    }
    void answer(PeerId peer) {
        wireguard::Injection injection;
        injection.peer = peer;
        injection.tunnel = kTunnel;
        injection.kind = wireguard::InjectionKind::flush;
        if (peer == kDead) {
            injection.kind = wireguard::InjectionKind::send_to_peer;
            injection.length_bytes = sizeof(wireguard::Initiation);
            injection.bytes[0] = std::byte{1};
            static_cast<void>(tunnels_->injections(0).push({&injection, 1}));
            injection.kind = wireguard::InjectionKind::abandon;
        } else {
            connect(peer);
        }
        static_cast<void>(tunnels_->injections(0).push({&injection, 1}));
    }
    void connect(PeerId peer) {
        const std::uint32_t index = crypto::IndexPermutation{kIndexKey}.index_of(
            {sessions_made_ % kSessions, sessions_made_ / kSessions});
        ++sessions_made_;
        const wireguard::InstallResult result = tunnels_->install({.index = index,
                                                                   .remote_index = 1,
                                                                   .peer = peer,
                                                                   .owner = 0,
                                                                   .is_initiator = true,
                                                                   .birth = now_,
                                                                   .send_key = peer_.key(),
                                                                   .receive_key = peer_.key()});
        if (peer == kConnected && result == wireguard::InstallResult::installed) {
            peer_.use_session(index);
        }
    }

    void check_transmitted() {
        Batch& batch = gateway_.batch();
        for (const PacketIndex index : batch.lane(Lane::transmit)) {
            const Packet& packet = batch[index];
            const auto* const ethernet = header_at<EthernetHeader>(packet.bytes(), 0);
            if (ethernet == nullptr || packet.from_host) {
                continue;
            }
            if (ethernet->ether_type == be16{kEtherTypeIpv6}) {
                require(is_whole_ipv6(packet.bytes().subspan(sizeof(EthernetHeader))));
            } else if (ethernet->ether_type == be16{kEtherTypeIpv4}) {
                const auto ip = packet.bytes().subspan(sizeof(EthernetHeader));
                require(has_valid_ipv4(ip));
                check_sealed(ip);
            }
        }
    }
    static bool has_valid_ipv4(std::span<const std::byte> bytes) {
        const auto* const ip = header_at<Ipv4Header>(bytes, 0);
        return ip != nullptr && ip->header_length_bytes() <= bytes.size() &&
               checksum_is_valid(bytes.first(ip->header_length_bytes()));
    }
    static bool is_whole_ipv6(std::span<const std::byte> bytes) {
        const auto* const ip = header_at<Ipv6Header>(bytes, 0);
        return ip != nullptr && ip->version() == 6 && ip->hop_limit != 0 &&
               ip->payload_length_bytes.host() + sizeof(Ipv6Header) == bytes.size();
    }
    // Nobody else has our address and the tunnel's port: NAT does not give it away.
    void check_sealed(std::span<const std::byte> bytes) {
        const auto& ip = *header_at<Ipv4Header>(bytes, 0);
        const auto* const udp = header_at<UdpHeader>(bytes, ip.header_length_bytes());
        if (ip.source != address("192.0.2.10").wire() || ip.protocol != 17 || udp == nullptr ||
            udp->source_port != kTunnelPort.wire()) {
            return;
        }
        const auto payload = bytes.subspan(ip.header_length_bytes() + sizeof(UdpHeader));
        std::vector<std::byte> message{payload.begin(), payload.end()};
        const auto type = wireguard::classify(message);
        require(type == wireguard::MessageType::initiation ||
                type == wireguard::MessageType::transport_data);
        if (type == wireguard::MessageType::transport_data) {
            require(peer_.open(message));
            std::span<std::byte> inner{message};
            inner = inner.subspan(sizeof(wireguard::TransportHeader));
            inner = inner.first(inner.size() - wireguard::kTagLength_bytes);
            require(inner.empty() || is_ip(inner));
        }
    }
    static bool is_ip(std::span<std::byte> inner) {
        const unsigned version = std::to_integer<unsigned>(inner[0]) >> 4U;
        return version == 4 ? has_valid_ipv4(inner) : version == 6 && inner.size() >= 40;
    }

    Now now_{std::chrono::seconds{100}};
    Quiescence quiescence_;
    std::unique_ptr<wireguard::Tables> tunnels_ =
        std::move(*wireguard::Tables::create({.peers = kPeerCount,
                                              .sessions = kSessions,
                                              .prefixes = 16,
                                              .workers = 1,
                                              .staged_packets_per_worker = 4},
                                             {kIndexKey, 3}, quiescence_));
    Gateway gateway_;
    SealingPeer peer_{std::byte{7}};
    std::uint32_t sessions_made_ = 0;
    std::deque<GuardedFrame> frames_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    static const std::array<World, static_cast<std::size_t>(Roles::count)> worlds{
        World{Roles::plain}, World{Roles::hides_peers}, World{Roles::tracks_peers}};
    Box box{worlds[size_bytes % worlds.size()]};
    std::span input{reinterpret_cast<const std::byte*>(data), size_bytes};
    while (input.size() >= 3 && box.frame_count() < kFramesMax) {
        const auto flags = std::to_integer<std::uint8_t>(input[0]);
        const auto upper = std::to_integer<std::uint8_t>(input[1]);
        const std::size_t wanted_bytes =
            std::size_t{upper & 7U} << 8U | std::to_integer<std::size_t>(input[2]);
        input = input.subspan(3);
        const auto bytes = input.first(std::min({wanted_bytes, input.size(), kLengthMax_bytes}));
        box.step(flags, HowItArrives{upper}, bytes);
        input = input.subspan(bytes.size());
    }
    box.finish();
    return 0;
}
