// SPDX-License-Identifier: BSD-3-Clause
// Tunnels in the whole pipeline: what a peer sends goes on in the burst that opened it, however
// oddly it is addressed, and every packet leaves by an exit.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "dataplane/wire/wireguard.h"
#include "dataplane/wireguard/allowed_ips.h"
#include "tests/builders/gateway.h"

namespace towpath::pipeline {
namespace {

using namespace builders;

constexpr InterfaceId kTunnel{2};
constexpr Port kListenPort{std::uint16_t{51820}};
constexpr Now kNow{std::chrono::seconds{10}};
constexpr wireguard::PeerId kPeer = 0;

// The gateway of gateway.h with a tunnel (interface 2, inside, 10.99.0.1) and one peer, 10.99.0.2
// behind 192.0.2.77, that has a session.
class TunnelPipeline : public testing::Test {
protected:
    TunnelPipeline() {
        EXPECT_TRUE(nat_->bind_pool(generation_->nat.pool).has_value());
        quiescence_.come_online(0);
        add_tunnel();
        neighbors_.confirm({kOutside, address("192.0.2.77")}, kRouterMac, 1);
        neighbors_.confirm({kInside, address("10.77.1.2")}, kPeerMac, 1);
        tunnels_->configure_peer(kPeer, {kTunnel, 0});
        EXPECT_TRUE(allowed_ips_.insert(*parse_ip_prefix("10.99.0.2/32"), kPeer).has_value());
        key_.bytes()[0] = std::byte{0x5A};
        const crypto::Key other;
        EXPECT_EQ(tunnels_->install({.index = kIndex,
                                     .remote_index = 7,
                                     .peer = kPeer,
                                     .owner = 0,
                                     .is_initiator = true,
                                     .birth = kNow,
                                     .send_key = other.bytes(),
                                     .receive_key = key_.bytes()}),
                  wireguard::InstallResult::installed);
        pipeline_.adopt(*generation_);
        for (std::size_t spare = 0; spare < kSparesMax; ++spare) {
            spares_.emplace_back(std::size_t{0}, 2304);
            batch_->add_spare(spares_.back().packet);
        }
    }
    void add_tunnel() {
        InterfaceTable& interfaces = generation_->interfaces;
        interfaces.count = 3;
        interfaces.storage[2] =
            make_interface(kTunnel, InterfaceRole::inside, {{0x02, 0x57, 0, 0, 0, 2}}, "10.99.0.1",
                           "10.99.0.0/24");
        interfaces.storage[2].is_tunnel = true;
        interfaces.storage[2].mtu_bytes = 1420;
        const std::array<route::RouteEntry, 4> routes{{
            {prefix("10.77.1.0/24"), {route::RouteKind::connected, kInside, Ipv4Address{}}},
            {prefix("192.0.2.0/24"), {route::RouteKind::connected, kOutside, Ipv4Address{}}},
            {prefix("0.0.0.0/0"), {route::RouteKind::via, kOutside, address("192.0.2.1")}},
            {prefix("10.99.0.0/24"), {route::RouteKind::connected, kTunnel, Ipv4Address{}}},
        }};
        generation_->routes = *route::RouteTable::build(routes);
        generation_->underlay = *route::RouteTable::build(std::span{routes}.first(3));
        generation_->tunnels.storage[2] = {&allowed_ips_, kListenPort, true, {}};
        generation_->nat.sources.push_back(prefix("10.99.0.0/24"));
        set_local({});
    }
    void set_local(const std::vector<Ipv4Address>& realm_addresses) {
        route::LocalSettings local;
        local.inside_sources = generation_->nat.sources;
        local.pool = generation_->nat.pool;
        local.realm_addresses = realm_addresses;
        local.reserved_ports = generation_->nat.reserved_ports;
        local.tunnel_ports = {kListenPort};
        generation_->local = route::LocalPolicy{local, generation_->interfaces};
    }
    // Peers get the inside interface's address, 10.77.1.1, towards private hosts (W13).
    void hide_peers() {
        nat::Policy& nat = generation_->nat;
        nat.has_tunnel_flows = true;
        nat.tunnel_flows[2].is_translated = true;
        nat.realm_addresses[0] = address("10.77.1.1");
        EXPECT_TRUE(nat_->bind_pool(nat.pool, nat.realm_addresses).has_value());
        generation_->interfaces.storage[0].has_host = true;
        set_local({nat.realm_addresses[0]});
        pipeline_.adopt(*generation_);
    }
    void track_peers() {
        generation_->nat.has_tunnel_flows = true;
        generation_->nat.tunnel_flows[2].is_stateful = true;
        pipeline_.adopt(*generation_);
    }

    // The IP packet of `inner` as transport data of the peer.
    std::vector<std::byte> sealed(Frame& inner) {
        const auto text = inner.packet.bytes().subspan(inner.packet.l3);
        const std::size_t padded = (text.size() + 15) / 16 * 16;
        std::vector<std::byte> message(sizeof(towpath::wireguard::TransportHeader) + padded +
                                       towpath::wireguard::kTagLength_bytes);
        towpath::wireguard::TransportHeader header;
        header.receiver_index = le32{kIndex};
        header.counter = le64{counter_};
        std::memcpy(message.data(), &header, sizeof header);
        std::copy(text.begin(), text.end(), message.begin() + sizeof header);
        const crypto::AeadPacket packet{message.data() + sizeof header, &key_, counter_++,
                                        static_cast<std::uint32_t>(padded)};
        aead_.seal_batch({&packet, 1});
        return message;
    }
    // A datagram to the tunnel's port.
    static Frame datagram(const std::vector<std::byte>& message, const char* source,
                          const char* destination) {
        Frame frame = udp({.source = source,
                           .source_port = 40000,
                           .destination = destination,
                           .destination_port = kListenPort.number(),
                           .payload_bytes = message.size()});
        std::copy(message.begin(), message.end(), frame.transport().begin() + sizeof(UdpHeader));
        frame.seal_transport();
        return frame;
    }
    // What the peer sends.
    Batch& from_peer(Frame inner) {
        return receive(datagram(sealed(inner), "192.0.2.77", "192.0.2.10"));
    }
    // From the peer's endpoint, or from a private host, through the wire.
    Batch& receive(Frame frame, InterfaceId ingress = kOutside) {
        frames_.push_back(std::move(frame));
        Packet& packet = frames_.back().packet;
        packet.ingress = ingress;
        frames_.back().ethernet().destination = ingress == kOutside ? kOutsideMac : kInsideMac;
        batch_->clear();
        EXPECT_TRUE(batch_->admit(packet, Lane::parse));
        pipeline_.run(*batch_, kNow);  // asserts that every packet has left
        return *batch_;
    }
    // The only packet that left.
    [[nodiscard]] const Packet& sent() const {
        TOWPATH_ASSERT(batch_->lane(Lane::transmit).size() == 1);
        return (*batch_)[batch_->lane(Lane::transmit)[0]];
    }
    // The inner IP packet of a sealed one; our session sends with a key of zeros.
    std::vector<std::byte> opened(const Packet& outer) {
        const auto message =
            outer.bytes().subspan(outer.l3 + sizeof(Ipv4Header) + sizeof(UdpHeader));
        towpath::wireguard::TransportHeader header;
        std::memcpy(&header, message.data(), sizeof header);
        std::vector<std::byte> text(message.begin() + sizeof header, message.end());
        const crypto::Key key;
        const crypto::AeadPacket packet{
            text.data(), &key, header.counter.host(),
            static_cast<std::uint32_t>(text.size() - towpath::wireguard::kTagLength_bytes)};
        bool is_authentic = false;
        aead_.open_batch({&packet, 1}, {&is_authentic, 1});
        EXPECT_TRUE(is_authentic);
        return text;
    }
    [[nodiscard]] std::uint64_t drops(DropReason reason) const {
        return counters_.drops[static_cast<std::size_t>(reason)].value();
    }

    static constexpr std::uint64_t kIndexKey = 11;
    static constexpr std::uint32_t kIndex = crypto::IndexPermutation{kIndexKey}.index_of({3, 1});

    Quiescence quiescence_;
    std::unique_ptr<pipeline::Generation> generation_ = make_generation({});
    std::unique_ptr<nat::Tables> nat_ = std::move(*nat::Tables::create(
        {.mappings = 64, .sessions = 64, .realm_addresses = 1, .fragment_contexts_per_worker = 8},
        nat::Keys{}, quiescence_));
    std::unique_ptr<wireguard::Tables> tunnels_ = std::move(*wireguard::Tables::create(
        {.peers = 4, .sessions = 16, .prefixes = 16, .workers = 1, .staged_packets_per_worker = 16},
        {kIndexKey, 12}, quiescence_));
    wireguard::AllowedIps allowed_ips_{16, 4, quiescence_};
    route::NeighborTable neighbors_;
    ipv6::NeighborTable ipv6_neighbors_;
    PipelineCounters counters_;
    PipelineShared shared_{*nat_, neighbors_, ipv6_neighbors_, 1, tunnels_.get()};
    Pipeline pipeline_{0, shared_, counters_, std::move(*crypto::Aead::create())};
    crypto::Aead aead_ = std::move(*crypto::Aead::create());
    crypto::Key key_;
    std::uint64_t counter_ = 0;
    std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
    std::vector<Frame> spares_;
    std::vector<Frame> frames_;
};

TEST_F(TunnelPipeline, WhatAPeerSendsGoesOnInTheSameBurst) {
    Frame inner = udp({.source = "10.99.0.2", .destination = "10.77.1.2"});
    const Batch& batch = receive(datagram(sealed(inner), "192.0.2.77", "192.0.2.10"));
    ASSERT_EQ(batch.lane(Lane::transmit).size(), 1U);
    EXPECT_EQ(batch[batch.lane(Lane::transmit)[0]].egress, kInside);
}

TEST_F(TunnelPipeline, RubbishForTheTunnelInsideTheTunnelIsDropped) {
    for (const char* own : {"10.99.0.1", "10.77.1.1", "192.0.2.10"}) {
        Frame inner = datagram(std::vector<std::byte>(5), "10.99.0.2", own);
        receive(datagram(sealed(inner), "192.0.2.77", "192.0.2.10"));
    }
    EXPECT_EQ(drops(DropReason::tunnel_malformed), 3U);
}

// A tunnel in the tunnel (wireguard.md 19, 7): each layer is opened; the packet gets shorter with
// each, so it ends.
TEST_F(TunnelPipeline, LayerUponLayerIsOpened) {
    Frame packet = udp({.source = "10.99.0.2", .destination = "10.77.1.2"});
    for (int layer = 0; layer < 6; ++layer) {
        packet = datagram(sealed(packet), "10.99.0.2", "10.99.0.1");
    }
    const Batch& batch = receive(datagram(sealed(packet), "192.0.2.77", "192.0.2.10"));
    ASSERT_EQ(batch.lane(Lane::transmit).size(), 1U);
    EXPECT_EQ(batch[batch.lane(Lane::transmit)[0]].egress, kInside);
}

// decisions.md W8. The last piece brings the whole datagram into the burst.
TEST_F(TunnelPipeline, ADatagramInFragmentsIsOpened) {
    Frame inner = udp({.source = "10.99.0.2", .destination = "10.77.1.2", .payload_bytes = 1200});
    Frame outer = datagram(sealed(inner), "192.0.2.77", "192.0.2.10");
    std::vector<Frame> pieces = fragments_of(outer, 512);
    ASSERT_EQ(pieces.size(), 3U);
    EXPECT_EQ(receive(std::move(pieces[2])).lane(Lane::hold).size(), 1U) << "before the first";
    receive(std::move(pieces[0]));
    EXPECT_TRUE(batch_->lane(Lane::transmit).empty());
    const Batch& batch = receive(std::move(pieces[1]));
    ASSERT_EQ(batch.lane(Lane::transmit).size(), 1U);
    EXPECT_EQ(batch[batch.lane(Lane::transmit)[0]].egress, kInside);
    EXPECT_EQ(counters_.dropped.value(), 0U);
}

// The same within a tunnel, and of nobody who may not be there.
TEST_F(TunnelPipeline, FragmentsInATunnelAreForATunnelToo) {
    Frame innermost =
        udp({.source = "10.99.0.2", .destination = "10.77.1.2", .payload_bytes = 1000});
    Frame layer = datagram(sealed(innermost), "10.99.0.2", "10.99.0.1");
    const Batch* batch = nullptr;
    for (Frame& piece : fragments_of(layer, 512)) {
        batch = &receive(datagram(sealed(piece), "192.0.2.77", "192.0.2.10"));
    }
    ASSERT_NE(batch, nullptr);
    ASSERT_EQ(batch->lane(Lane::transmit).size(), 1U);
    EXPECT_EQ((*batch)[batch->lane(Lane::transmit)[0]].egress, kInside);
}

TEST_F(TunnelPipeline, HalfADatagramIsGivenBackInTheEnd) {
    Frame inner = udp({.source = "10.99.0.2", .destination = "10.77.1.2", .payload_bytes = 1200});
    Frame outer = datagram(sealed(inner), "192.0.2.77", "192.0.2.10");
    receive(std::move(fragments_of(outer, 512)[0]));
    batch_->clear();
    pipeline_.housekeeping(*batch_, kNow + std::chrono::seconds{2});
    EXPECT_EQ(drops(DropReason::reassembly_timeout), 1U);
    receive(std::move(fragments_of(outer, 512)[0]));
    batch_->clear();
    EXPECT_FALSE(pipeline_.discard(*batch_));
    EXPECT_EQ(batch_->lane(Lane::drop).size(), 1U);
}

// Outer IPv4 may be cut by routers, so there is nothing to learn from them (decisions.md W8): what
// they say is the host's, as everything about ports that no mapping has.
TEST_F(TunnelPipeline, ATooBigOfIpv4ChangesNothing) {
    from_peer(udp({.source = "10.99.0.2", .destination = "10.77.1.2"}));  // where it is
    const auto send = [this] {
        receive(udp({.source = "10.77.1.2", .destination = "10.99.0.2", .payload_bytes = 1392}),
                kInside);
        const Packet& outer = sent();
        EXPECT_EQ(outer.length - outer.l3, 1480);
        EXPECT_FALSE(outer.header<Ipv4Header>(outer.l3).dont_fragment());
    };
    send();
    Frame about = udp({.source = "192.0.2.10",
                       .source_port = kListenPort.number(),
                       .destination = "192.0.2.77",
                       .destination_port = 40000,
                       .payload_bytes = 1400});
    receive(icmp_error({.source = "203.0.113.1", .destination = "192.0.2.10"}, about,
                       IcmpType::destination_unreachable, kIcmpFragmentationNeeded, 1300));
    EXPECT_EQ(batch_->lane(Lane::transmit).size(), 0U);
    EXPECT_EQ(batch_->lane(Lane::drop).size() + batch_->lane(Lane::punt).size(), 1U);
    send();
}

TEST_F(TunnelPipeline, AnErrorGoesBackThroughTheTunnel) {
    Frame inner = udp({.source = "10.99.0.2", .destination = "10.77.1.2", .ttl = 1});
    const Batch& batch = receive(datagram(sealed(inner), "192.0.2.77", "192.0.2.10"));
    EXPECT_EQ(drops(DropReason::ttl_expired), 1U);
    ASSERT_EQ(batch.lane(Lane::transmit).size(), 1U);
    const Packet& sent = batch[batch.lane(Lane::transmit)[0]];
    EXPECT_EQ(sent.egress, kOutside);
    EXPECT_EQ(sent.destination_port.number(), 40000);  // where the peer was heard
    EXPECT_EQ(sent.header<Ipv4Header>(sent.l3).destination, address("192.0.2.77").wire());
}

// decisions.md W13: private hosts need no way back to the peers.
TEST_F(TunnelPipeline, PeersHaveTheInterfacesAddressWhereTheOperatorWantsItSo) {
    hide_peers();
    from_peer(udp({.source = "10.99.0.2",
                   .source_port = 5000,
                   .destination = "10.77.1.2",
                   .destination_port = 53}));
    EXPECT_EQ(sent().egress, kInside);
    EXPECT_EQ(sent().header<Ipv4Header>(sent().l3).source, address("10.77.1.1").wire());
    EXPECT_EQ(sent().source_port, Port{std::uint16_t{5000}});
    receive(udp({.source = "10.77.1.2",
                 .source_port = 53,
                 .destination = "10.77.1.1",
                 .destination_port = 5000}),
            kInside);
    EXPECT_EQ(sent().egress, kOutside);
    const std::vector<std::byte> inner = opened(sent());
    const Ipv4Header& ip = *header_at<Ipv4Header>(inner, 0);
    EXPECT_EQ(ip.source, address("10.77.1.2").wire());
    EXPECT_EQ(ip.destination, address("10.99.0.2").wire());
    EXPECT_EQ(header_at<UdpHeader>(inner, 20)->destination_port, be16{std::uint16_t{5000}});
    EXPECT_EQ(ip.ttl, 63);
}

TEST_F(TunnelPipeline, TheHostKeepsWhatAnswersNoPeer) {
    hide_peers();
    from_peer(udp({.source = "10.99.0.2",
                   .source_port = 5000,
                   .destination = "10.77.1.2",
                   .destination_port = 53}));
    for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{5001}}) {
        const Batch& batch = receive(udp({.source = "10.77.1.3",
                                          .source_port = 53,
                                          .destination = "10.77.1.1",
                                          .destination_port = port,
                                          .ttl = 1}),
                                     kInside);
        EXPECT_EQ(batch.lane(Lane::punt).size(), 1U);
    }
}

TEST_F(TunnelPipeline, ErrorsAboutAnswersQuoteWhatTheHostSent) {
    hide_peers();
    from_peer(udp({.source = "10.99.0.2",
                   .source_port = 5000,
                   .destination = "10.77.1.2",
                   .destination_port = 53}));
    receive(udp({.source = "10.77.1.2",
                 .source_port = 53,
                 .destination = "10.77.1.1",
                 .destination_port = 5000,
                 .dont_fragment = true,
                 .payload_bytes = 1450}),
            kInside);
    EXPECT_EQ(drops(DropReason::route_too_big), 1U);
    EXPECT_EQ(sent().egress, kInside);
    EXPECT_EQ(sent().header<Ipv4Header>(sent().l3).destination, address("10.77.1.2").wire());
    const std::size_t quoted = sent().l4 + sizeof(IcmpHeader);
    EXPECT_EQ(sent().header<Ipv4Header>(quoted).destination, address("10.77.1.1").wire());
}

TEST_F(TunnelPipeline, StatefulLetsPeersBeginAndOthersAnswer) {
    track_peers();
    const auto answer = [this] {
        return receive(udp({.source = "10.77.1.2",
                            .source_port = 53,
                            .destination = "10.99.0.2",
                            .destination_port = 5000}),
                       kInside)
            .lane(Lane::transmit)
            .size();
    };
    EXPECT_EQ(answer(), 0U);
    EXPECT_EQ(drops(DropReason::tunnel_unsolicited), 1U);
    from_peer(udp({.source = "10.99.0.2",
                   .source_port = 5000,
                   .destination = "10.77.1.2",
                   .destination_port = 53}));
    EXPECT_EQ(sent().header<Ipv4Header>(sent().l3).source, address("10.99.0.2").wire());
    EXPECT_EQ(answer(), 1U);
    EXPECT_EQ(drops(DropReason::tunnel_unsolicited), 1U);
}

}  // namespace
}  // namespace towpath::pipeline
