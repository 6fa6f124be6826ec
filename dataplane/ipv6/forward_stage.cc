// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/forward_stage.h"

#include <cstring>
#include <utility>

#include "dataplane/packet/ipv6_next_hop.h"
#include "dataplane/packet/quoted_udp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmpv6.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace towpath::ipv6 {
namespace {

constexpr std::uint8_t kAnswerHopLimit = 64;
constexpr auto kUnreachable = static_cast<std::uint8_t>(Icmpv6Type::destination_unreachable);

// A packet under decision. Every rule puts it into a lane itself.
struct Question {
    ForwardState& state;
    Batch& batch;
    PacketIndex index;
    Packet& packet;
    Ipv6Header& ip;
    const Interface& ingress;

    void drop(DropReason reason) const noexcept { batch.drop(index, reason); }
    void put(Lane lane) const noexcept { batch.put(index, lane); }
};

// BAD-IP-10 to 12. A source belongs on the side that the way back to it leads to. Link-local ones
// belong to the link that they came from.
DropReason check_source(const Ipv6Header& ip, const Interface& ingress, const View& view) noexcept {
    if (is_link_local(ip.source)) {
        return ip.source == ingress.link_local ? DropReason::source_is_pool : DropReason::none;
    }
    const Route& back = view.routes->find(ip.source);
    if (back.kind == route::RouteKind::local) {
        return DropReason::source_is_pool;
    }
    if (ingress.is_tunnel) {
        return DropReason::none;  // allowed IPs have said so
    }
    const bool is_inside = back.interface != kNoInterface &&
                           (*view.interfaces)[back.interface].role == InterfaceRole::inside;
    if (ingress.role == InterfaceRole::inside) {
        return is_inside ? DropReason::none : DropReason::source_not_inside;
    }
    return is_inside ? DropReason::source_is_inside : DropReason::none;
}

bool is_echo(const Packet& packet, Icmpv6Type type) noexcept {
    return packet.transport == TransportKind::icmp_query &&
           packet.header<Icmpv6Header>(packet.l4).type == static_cast<std::uint8_t>(type);
}

// The request becomes its own answer (RFC 4443 section 4.2): addresses swapped, back to the station
// that sent it. Swapping changes no checksum, and the hop limit is in none.
void answer_echo(Packet& packet, Ipv6Header& ip) noexcept {
    auto& icmp = packet.header<Icmpv6Header>(packet.l4);
    const auto before = be16{static_cast<std::uint16_t>(icmp.type << 8U | icmp.code)};
    icmp.type = static_cast<std::uint8_t>(Icmpv6Type::echo_reply);
    const auto after = be16{static_cast<std::uint16_t>(icmp.type << 8U | icmp.code)};
    icmp.checksum = update_checksum(icmp.checksum, ChecksumDelta{}.replace(before, after));
    ip.hop_limit = kAnswerHopLimit;
    std::swap(ip.source, ip.destination);
    auto& ethernet = packet.header<EthernetHeader>(0);
    std::swap(ethernet.source, ethernet.destination);
    packet.egress = packet.ingress;
}

// Answers to what the host itself began: they need no rule (classify_stage.cc says why).
bool is_answer_to_host(const Packet& packet, const route::LocalPolicy& local) noexcept {
    switch (packet.transport) {
        case TransportKind::udp:
            return local.is_host_port(packet.destination_port);
        case TransportKind::tcp:
            return local.is_host_port(packet.destination_port) &&
                   (packet.header<TcpHeader>(packet.l4).flags & (kTcpSyn | kTcpAck)) != kTcpSyn;
        case TransportKind::icmp_error:
            return true;
        case TransportKind::icmp_query:
            return is_echo(packet, Icmpv6Type::echo_reply);
        case TransportKind::unknown:
            break;
    }
    return false;
}

void decide_host(const Question& question) noexcept {
    const Packet& packet = question.packet;
    const route::LocalPolicy& local = *question.state.view.local;
    // In local.allow `icmp` means that of either family.
    const std::uint8_t protocol =
        packet.ip_protocol == static_cast<std::uint8_t>(NextHeader::icmpv6)
            ? static_cast<std::uint8_t>(Protocol::icmp)
            : packet.ip_protocol;
    if (!local.allows_any_source(question.ingress, protocol, packet.destination_port) &&
        !is_answer_to_host(packet, local)) {
        question.drop(DropReason::local_denied);
    } else if (question.ingress.has_host) {
        question.put(Lane::punt);
    } else {
        question.drop(DropReason::local_no_host);
    }
}

// A tunnel's datagrams are put together (decisions.md W8). Later fragments tell no port: they wait
// there for the first. Nobody sends extension headers beside that of the fragment.
void decide_local_fragment(const Question& question) noexcept {
    const Packet& packet = question.packet;
    const route::LocalPolicy& local = *question.state.view.local;
    const bool is_plain =
        question.ip.next_header == static_cast<std::uint8_t>(NextHeader::fragment) &&
        packet.l4 == packet.l3 + sizeof(Ipv6Header) + sizeof(Ipv6FragmentHeader) &&
        packet.ip_protocol == static_cast<std::uint8_t>(Protocol::udp);
    const bool may_be_for_tunnel = packet.fragment == FragmentKind::later
                                       ? local.has_tunnel_ports()
                                       : local.is_tunnel_port(packet.destination_port);
    if (is_plain && may_be_for_tunnel) {
        question.put(Lane::reassemble);
    } else {
        question.drop(DropReason::ipv6_local_fragment);
    }
}

// A router says that what left a tunnel's port is too big (decisions.md W8): the tunnel knows
// whether it did.
bool is_about_tunnel(const Packet& packet, const route::LocalPolicy& local) noexcept {
    if (packet.transport != TransportKind::icmp_error || !local.has_tunnel_ports() ||
        packet.header<Icmpv6Header>(packet.l4).type !=
            static_cast<std::uint8_t>(Icmpv6Type::packet_too_big)) {
        return false;
    }
    const std::optional<QuotedUdp> quoted = quoted_udp6(packet);
    return quoted && local.is_tunnel_port(quoted->source.port);
}

void decide_local(const Question& question, Now now) noexcept {
    if (question.packet.fragment != FragmentKind::whole) {
        decide_local_fragment(question);
        return;
    }
    if (question.packet.transport == TransportKind::udp &&
        question.state.view.local->is_tunnel_port(question.packet.destination_port)) {
        question.put(Lane::open);  // whoever knows a key may talk to a tunnel
        return;
    }
    if (is_about_tunnel(question.packet, *question.state.view.local)) {
        question.put(Lane::open);
        return;
    }
    if (!is_echo(question.packet, Icmpv6Type::echo_request)) {
        decide_host(question);
        return;
    }
    ForwardState& state = question.state;
    if (question.ingress.role != InterfaceRole::inside &&
        !state.echo_bucket.take(state.echo_limit, now)) {
        question.drop(DropReason::local_rate_limited);
        return;
    }
    answer_echo(question.packet, question.ip);
    if (question.ingress.is_tunnel) {
        question.packet.is_originated = true;  // the hop limit is as we wrote it
        question.put(Lane::link6);
    } else {
        question.put(Lane::transmit);
    }
}

// To senders that are not outside; outside hears nothing of what is routed here.
void refuse(const Question& question, DropReason reason) noexcept {
    question.batch.reject6(question.index, reason, kUnreachable, kIcmpv6NoRoute);
}

void send_along(const Question& question, const Route& route) noexcept {
    Packet& packet = question.packet;
    packet.egress = route.interface;
    set_ipv6_next_hop(
        packet, route.kind == route::RouteKind::via ? route.next_hop : question.ip.destination);
    question.put(Lane::link6);
}

// decisions.md W13. Where no route leads, an exit node says so.
bool is_out_of_reach(const Question& question, const Route& route) noexcept {
    const View& view = question.state.view;
    const bool is_internet = route.kind == route::RouteKind::unreachable ||
                             (*view.interfaces)[route.interface].role == InterfaceRole::outside;
    return !view.local->reach().permits(question.packet.ingress, question.ip.destination,
                                        is_internet);
}

void forward(const Question& question, const Route& route) noexcept {
    const Packet& packet = question.packet;
    if (question.ingress.role == InterfaceRole::outside) {
        question.drop(DropReason::ipv6_from_outside);
        return;
    }
    if (is_link_local(question.ip.source) || is_link_local(question.ip.destination)) {
        question.drop(DropReason::ipv6_link_local_transit);  // RFC 4291 section 2.5.6
        return;
    }
    if (question.ingress.is_tunnel && is_out_of_reach(question, route)) {
        question.drop(DropReason::admit_not_advertised);
        return;
    }
    if (question.ip.hop_limit <= 1) {
        question.batch.reject6(question.index, DropReason::ttl_expired,
                               static_cast<std::uint8_t>(Icmpv6Type::time_exceeded), 0);
        return;
    }
    if (route.kind == route::RouteKind::unreachable) {
        refuse(question, DropReason::route_none);
        return;
    }
    const Interface& egress = (*question.state.view.interfaces)[route.interface];
    if (egress.role == InterfaceRole::outside) {
        refuse(question, DropReason::ipv6_no_exit);
        return;
    }
    if (packet.length - std::size_t{packet.l3} > egress.mtu_bytes) {
        question.batch.reject6(question.index, DropReason::route_too_big,
                               static_cast<std::uint8_t>(Icmpv6Type::packet_too_big), 0,
                               egress.mtu_bytes);
        return;
    }
    send_along(question, route);
}

// The address of ours that the far end of a tunnel is to know us by on the way to `next_hop`.
Ipv6Address source_towards(const Interface& egress, const Ipv6Address& next_hop,
                           const Ipv6Address& destination) noexcept {
    if (is_link_local(destination) || egress.ipv6_address_count == 0) {
        return is_link_local(destination) ? egress.link_local : Ipv6Address{};
    }
    const Ipv6Address beside = own_address_beside(egress, next_hop);
    return is_link_local(beside) ? egress.ipv6_storage[0].address : beside;
}

bool is_ours(const InterfaceTable& interfaces, const Ipv6Address& address) noexcept {
    for (const Interface& interface : interfaces.all()) {
        if (interface.owns(address)) {
            return true;
        }
    }
    return false;
}

// Of a datagram whose UDP checksum has been computed: IPv6 always has one.
void set_source(Packet& packet, Ipv6Header& ip, const Ipv6Address& source) noexcept {
    ChecksumDelta delta;
    for (std::size_t word = 0; word < 16; word += 4) {
        be32 before{};
        be32 after{};
        std::memcpy(&before, ip.source.bytes().data() + word, sizeof before);
        std::memcpy(&after, source.bytes().data() + word, sizeof after);
        delta.replace(before, after);
    }
    ip.source = source;
    auto& udp = packet.header<UdpHeader>(packet.l4);
    udp.checksum = update_udp_checksum(udp.checksum, delta);
}

// decisions.md W6: by the underlay alone, so that no tunnel swallows the way to its own far end.
void decide_originated(const Question& question) noexcept {
    const View& view = question.state.view;
    const Route& route = view.underlay->find(question.ip.destination);
    if (route.kind != route::RouteKind::connected && route.kind != route::RouteKind::via) {
        const Route& through = view.routes->find(question.ip.destination);
        const bool is_in_tunnel =
            through.interface != kNoInterface && (*view.interfaces)[through.interface].is_tunnel;
        question.drop(is_in_tunnel ? DropReason::seal_endpoint_in_tunnel
                                   : DropReason::seal_no_route);
        return;
    }
    if (!is_ours(*view.interfaces, question.ip.source)) {
        const Ipv6Address source = source_towards((*view.interfaces)[route.interface],
                                                  route.next_hop, question.ip.destination);
        if (is_unspecified(source)) {
            question.drop(DropReason::seal_no_route);
            return;
        }
        set_source(question.packet, question.ip, source);
    }
    send_along(question, route);
}

void decide_from_host(const Question& question) noexcept {
    question.packet.egress = question.packet.ingress;
    if (!question.ingress.is_up) {
        question.drop(DropReason::port_down);
    } else if (question.ingress.is_tunnel) {
        question.put(Lane::link6);  // to be sealed; elsewhere it is a frame already
    } else {
        question.put(Lane::transmit);
    }
}

void decide(const Question& question, Now now) noexcept {
    const View& view = question.state.view;
    if (question.packet.from_host) {
        decide_from_host(question);
        return;
    }
    if (question.packet.is_originated) {
        decide_originated(question);
        return;
    }
    if (const DropReason reason = check_source(question.ip, question.ingress, view);
        reason != DropReason::none) {
        question.drop(reason);
        return;
    }
    const Route& route = view.routes->find(question.ip.destination);
    // The link-local address is that of the link that the packet came from.
    if (route.kind == route::RouteKind::local || question.ingress.owns(question.ip.destination)) {
        decide_local(question, now);
    } else {
        forward(question, route);
    }
}

}  // namespace

void forward_stage(ForwardState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::forward6);
    for (const PacketIndex index : lane) {
        Packet& packet = batch[index];
        decide({state, batch, index, packet, packet.header<Ipv6Header>(packet.l3),
                (*state.view.interfaces)[packet.ingress]},
               now);
    }
    lane.clear();
}

}  // namespace towpath::ipv6
