// SPDX-License-Identifier: BSD-3-Clause
// The gateway of ipv6_gateway.h with a tunnel (interface 3, inside, 10.99.0.1/24 and
// 2001:db8:57::1/64, port 51820), and what a peer of it does: seals packets into datagrams.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/crypto/hash.h"
#include "dataplane/wire/wireguard.h"
#include "dataplane/wireguard/allowed_ips.h"
#include "tests/builders/ipv6_gateway.h"

namespace towpath::builders {

inline constexpr InterfaceId kTunnel{3};
inline constexpr Port kTunnelPort{std::uint16_t{51820}};
inline constexpr MacAddress kTunnelMac{{0x02, 0x57, 0, 0, 0, 2}};
inline constexpr crypto::Hash kTunnelMac1Key{std::byte{0x33}};

// `allowed_ips` outlives the generation.
inline std::shared_ptr<const pipeline::Generation> make_tunnel_generation(
    const GatewayOptions& options, const wireguard::AllowedIps& allowed_ips,
    const crypto::Hash& mac1_key = kTunnelMac1Key) {
    using route::RouteKind;
    const std::shared_ptr<pipeline::Generation> generation = make_ipv6_generation(options);
    InterfaceTable& interfaces = generation->interfaces;
    interfaces.count = 4;
    Interface& tunnel = interfaces.storage[3];
    tunnel =
        make_interface(kTunnel, InterfaceRole::inside, kTunnelMac, "10.99.0.1", "10.99.0.0/24");
    give_ipv6(tunnel, "2001:db8:57::1", "2001:db8:57::/64");
    tunnel.is_tunnel = true;
    tunnel.mtu_bytes = 1420;
    tunnel.has_host = options.has_host;
    generation->tunnels.storage[3] = {&allowed_ips, kTunnelPort, true, mac1_key};
    const std::array<route::RouteEntry, 4> routes{{
        {prefix("10.77.1.0/24"), {RouteKind::connected, kInside, Ipv4Address{}}},
        {prefix("192.0.2.0/24"), {RouteKind::connected, kOutside, Ipv4Address{}}},
        {prefix("0.0.0.0/0"), {RouteKind::via, kOutside, address("192.0.2.1")}},
        {prefix("10.99.0.0/24"), {RouteKind::connected, kTunnel, Ipv4Address{}}},
    }};
    generation->routes = *route::RouteTable::build(routes);
    generation->underlay = *route::RouteTable::build(std::span{routes}.first(3));
    std::vector<ipv6::RouteEntry> routes6;
    for (const Interface& interface : interfaces.all()) {
        const Ipv6InterfaceAddress& own = interface.ipv6_storage[0];
        routes6.push_back({own.prefix, {RouteKind::connected, interface.id, {}}});
        routes6.push_back({Ipv6Prefix{own.address, 128}, {RouteKind::local, interface.id, {}}});
    }
    generation->ipv6_routes = *ipv6::RouteTable::build(routes6);
    std::erase_if(routes6, [](const auto& entry) { return entry.route.interface == kTunnel; });
    generation->ipv6_underlay = *ipv6::RouteTable::build(routes6);
    nat::Policy& nat = generation->nat;
    nat.sources.push_back(prefix("10.99.0.0/24"));
    nat.reserved_ports.set(kTunnelPort.number());
    nat.has_tunnel_flows = options.hides_peers || options.tracks_peers;
    nat.tunnel_flows[3].is_translated = options.hides_peers;
    nat.tunnel_flows[3].is_stateful = options.tracks_peers;
    route::LocalSettings local;
    if (options.hides_peers) {
        nat.realm_addresses[0] = interfaces.storage[0].address_storage[0].address;
        local.realm_addresses = {nat.realm_addresses[0]};
    }
    local.inside_sources = nat.sources;
    local.pool = nat.pool;
    local.reserved_ports = nat.reserved_ports;
    local.tunnel_ports = {kTunnelPort};
    generation->local = route::LocalPolicy{local, interfaces};
    return generation;
}

// The far end of a session whose two directions have one key.
class SealingPeer {
public:
    explicit SealingPeer(std::byte key) { std::ranges::fill(key_.bytes(), key); }
    [[nodiscard]] std::span<const std::byte, 32> key() const { return key_.bytes(); }
    // From now on under the session of this index.
    void use_session(std::uint32_t index) {
        index_ = index;
        counter_ = 0;
    }

    // An IP packet, or anything, as transport data, padded to 16 bytes; nothing is a keepalive.
    [[nodiscard]] std::vector<std::byte> sealed(std::span<const std::byte> inner) {
        using wireguard::TransportHeader;
        const std::size_t padded_bytes = (inner.size() + 15) / 16 * 16;
        std::vector<std::byte> message(sizeof(TransportHeader) + padded_bytes +
                                       wireguard::kTagLength_bytes);
        *header_at<TransportHeader>(std::span<std::byte>{message}, 0) = {
            wireguard::type_word(wireguard::MessageType::transport_data), le32{index_},
            le64{counter_}};
        std::ranges::copy(inner, message.begin() + sizeof(TransportHeader));
        const crypto::AeadPacket packet{message.data() + sizeof(TransportHeader), &key_, counter_++,
                                        static_cast<std::uint32_t>(padded_bytes)};
        aead_.seal_batch({&packet, 1});
        return message;
    }
    // Whether transport data that the gateway sealed is authentic; what is inside is left in place
    // behind the header.
    [[nodiscard]] bool open(std::span<std::byte> message) {
        using wireguard::TransportHeader;
        const crypto::AeadPacket packet{
            message.data() + sizeof(TransportHeader), &key_,
            header_at<TransportHeader>(message, 0)->counter.host(),
            static_cast<std::uint32_t>(message.size() - wireguard::kTransportLength_min_bytes)};
        bool is_authentic = false;
        aead_.open_batch({&packet, 1}, {&is_authentic, 1});
        return is_authentic;
    }

private:
    crypto::Aead aead_ = std::move(*crypto::Aead::create());
    crypto::Key key_;
    std::uint32_t index_ = 0;
    std::uint64_t counter_ = 0;
};

// Gives a handshake message the mac1 that the tunnel asks for; one that is too short is left alone.
inline void write_mac1(std::span<std::byte> message,
                       const crypto::Hash& mac1_key = kTunnelMac1Key) {
    if (message.size() >= 2 * wireguard::kMacLength_bytes) {
        const std::size_t covered_bytes = message.size() - 2 * wireguard::kMacLength_bytes;
        const crypto::Mac mac = crypto::keyed_mac(mac1_key, {message.first(covered_bytes)});
        std::ranges::copy(mac, message.begin() + static_cast<std::ptrdiff_t>(covered_bytes));
    }
}

// A message to the tunnel's port, IPv4 or IPv6 as the addresses are.
inline Frame tunnel_datagram(std::span<const std::byte> message, std::string_view source,
                             std::string_view destination, std::uint16_t source_port = 40000) {
    const bool is_ipv6 = source.find(':') != std::string_view::npos;
    Frame frame = is_ipv6 ? udp6({.source = source,
                                  .destination = destination,
                                  .source_port = source_port,
                                  .destination_port = kTunnelPort.number(),
                                  .payload_bytes = message.size(),
                                  .ingress = kOutside,
                                  .destination_mac = kOutsideMac})
                          : udp({.source = source,
                                 .source_port = source_port,
                                 .destination = destination,
                                 .destination_port = kTunnelPort.number(),
                                 .payload_bytes = message.size(),
                                 .ingress = kOutside,
                                 .source_mac = kRouterMac,
                                 .destination_mac = kOutsideMac});
    std::ranges::copy(message, frame.transport().begin() + sizeof(UdpHeader));
    if (is_ipv6) {
        seal_transport6(frame, 17, frame.udp().checksum);
    } else {
        frame.seal_transport();
    }
    return frame;
}

}  // namespace towpath::builders
