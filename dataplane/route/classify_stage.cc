// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/classify_stage.h"

#include <utility>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"

namespace towpath::route {
namespace {

constexpr Ipv4Address kLimitedBroadcast{0xFFFFFFFFU};
constexpr std::uint8_t kAnswerTtl = 64;

// A packet under decision. Every rule puts it into a lane itself: an answer to be acted upon later
// would go through memory.
struct Question {
    ClassifyState& state;
    Batch& batch;
    PacketIndex index;
    Packet& packet;
    Ipv4Header& ip;
    const Interface& ingress;
    const LocalPolicy& local;

    void drop(DropReason reason) const noexcept { batch.drop(index, reason); }
    void put(Lane lane) const noexcept { batch.put(index, lane); }
};

void pass_on(const Question& question, Lane lane) noexcept {
    // Before any NAT makes state for a packet that goes nowhere (14.1).
    if (question.ip.ttl <= 1) {
        question.batch.reject(question.index, DropReason::ttl_expired,
                              static_cast<std::uint8_t>(IcmpType::time_exceeded), 0);
    } else {
        question.put(lane);
    }
}

bool has_ports(const Packet& packet) noexcept {
    return packet.transport == TransportKind::tcp || packet.transport == TransportKind::udp;
}

// N10. What the host may not say on an address that it shares with mappings.
void decide_from_host(const Question& question) noexcept {
    question.packet.egress = question.packet.ingress;
    if (!question.ingress.is_up) {
        question.drop(DropReason::port_down);
    } else if (has_ports(question.packet) &&
               question.local.use_of(Ipv4Address{question.ip.source}).is_pool &&
               !question.local.is_reserved(question.packet.source_port)) {
        question.drop(DropReason::host_port_not_reserved);
    } else {
        // Into a tunnel they have to be sealed; elsewhere they are frames already.
        question.put(question.ingress.is_tunnel ? Lane::link : Lane::transmit);
    }
}

// BAD-IP-10 to 12, 16.
DropReason check_source(Ipv4Address source, const Interface& ingress,
                        const LocalPolicy& local) noexcept {
    if (local.use_of(source).is_ours()) {
        return DropReason::source_is_pool;
    }
    if (ingress.role == InterfaceRole::inside && !local.inside_sources().contains(source)) {
        return DropReason::source_not_inside;
    }
    if (ingress.role == InterfaceRole::outside && local.inside_sources().contains(source)) {
        return DropReason::source_is_inside;
    }
    return DropReason::none;
}

std::uint8_t icmp_type_of(const Packet& packet) noexcept {
    return packet.header<IcmpHeader>(packet.l4).type;
}

bool is_icmp_query_of(const Packet& packet, IcmpType type) noexcept {
    return packet.transport == TransportKind::icmp_query &&
           packet.fragment != FragmentKind::later &&
           icmp_type_of(packet) == static_cast<std::uint8_t>(type);
}

// The request becomes its own answer (RFC 1122 section 3.2.2.6): addresses swapped, back to the
// station that sent it. Swapping changes no checksum; type and TTL do.
void answer_echo(Packet& packet, Ipv4Header& ip) noexcept {
    auto& icmp = packet.header<IcmpHeader>(packet.l4);
    const auto before = be16{static_cast<std::uint16_t>(icmp.type << 8U | icmp.code)};
    icmp.type = static_cast<std::uint8_t>(IcmpType::echo_reply);
    const auto after = be16{static_cast<std::uint16_t>(icmp.type << 8U | icmp.code)};
    icmp.checksum = update_checksum(icmp.checksum, ChecksumDelta{}.replace(before, after));

    const auto old_ttl = be16{static_cast<std::uint16_t>(ip.ttl << 8U | ip.protocol)};
    ip.ttl = kAnswerTtl;
    const auto new_ttl = be16{static_cast<std::uint16_t>(ip.ttl << 8U | ip.protocol)};
    ip.checksum = update_checksum(ip.checksum, ChecksumDelta{}.replace(old_ttl, new_ttl));
    std::swap(ip.source, ip.destination);

    auto& ethernet = packet.header<EthernetHeader>(0);
    std::swap(ethernet.source, ethernet.destination);
    packet.egress = packet.ingress;
}

// Answers to what the host itself began: they need no rule. UDP to its ephemeral ports cannot be
// told from a stranger's; the kernel has a socket there only if the host opened one.
bool is_answer_to_host(const Packet& packet, const LocalPolicy& local) noexcept {
    switch (packet.transport) {
        case TransportKind::udp:
            return local.is_host_port(packet.destination_port);
        case TransportKind::tcp:
            if (!local.is_host_port(packet.destination_port)) {
                return false;
            }
            return packet.fragment == FragmentKind::later ||
                   (packet.header<TcpHeader>(packet.l4).flags & (kTcpSyn | kTcpAck)) != kTcpSyn;
        case TransportKind::icmp_error:
            return true;
        case TransportKind::icmp_query:
            return is_icmp_query_of(packet, IcmpType::echo_reply) ||
                   is_icmp_query_of(packet, IcmpType::timestamp_reply);
        case TransportKind::unknown:
            break;
    }
    return false;
}

void decide_host(const Question& question) noexcept {
    const Packet& packet = question.packet;
    if (!question.local.allows(question.ingress, Ipv4Address{question.ip.source},
                               question.ip.protocol, packet.destination_port) &&
        !is_answer_to_host(packet, question.local)) {
        question.drop(DropReason::local_denied);
    } else if (question.ingress.has_host) {
        question.put(Lane::punt);
    } else {
        question.drop(DropReason::local_no_host);
    }
}

void decide_echo_request(const Question& question, AddressUse use, Now now) noexcept {
    if (question.packet.fragment != FragmentKind::whole) {
        if (use.is_own) {  // the host reassembles, if there is one
            decide_host(question);
        } else {
            question.drop(DropReason::local_denied);
        }
        return;
    }
    ClassifyState& state = question.state;
    if (question.ingress.role != InterfaceRole::inside &&
        !state.echo_bucket.take(state.echo_limit, now)) {
        question.drop(DropReason::local_rate_limited);
        return;
    }
    answer_echo(question.packet, question.ip);
    if (question.ingress.is_tunnel) {
        question.packet.is_originated = true;  // the TTL is as we wrote it
        question.put(Lane::link);
    } else {
        question.put(Lane::transmit);
    }
}

// Whoever knows a key may talk to a tunnel: that is all the permission there is.
bool is_for_tunnel(const Packet& packet, AddressUse use, const LocalPolicy& local) noexcept {
    return use.is_own && packet.transport == TransportKind::udp &&
           local.is_tunnel_port(packet.destination_port);
}

// Whether it may answer a peer that was translated to this address, and no port of it is the
// host's for certain. A packet that answers nobody comes back here.
bool may_answer_peer(const Question& question, AddressUse use) noexcept {
    const Packet& packet = question.packet;
    return use.is_realm && !use.is_pool && !packet.is_unmapped &&
           packet.transport != TransportKind::unknown &&
           question.ingress.owns(Ipv4Address{question.ip.destination}) &&
           !(has_ports(packet) && question.local.is_reserved(packet.destination_port));
}

void decide_local(const Question& question, AddressUse use, Now now) noexcept {
    const Packet& packet = question.packet;
    if (is_icmp_query_of(packet, IcmpType::echo_request)) {
        decide_echo_request(question, use, now);
        return;
    }
    if (is_for_tunnel(packet, use, question.local)) {
        question.put(packet.fragment == FragmentKind::whole ? Lane::open : Lane::reassemble);
        return;
    }
    if (may_answer_peer(question, use)) {
        question.put(Lane::nat_inbound);
        return;
    }
    const bool is_for_host =
        use.is_own && (!use.is_pool || packet.transport == TransportKind::unknown ||
                       (has_ports(packet) && question.local.is_reserved(packet.destination_port)));
    if (is_for_host) {
        decide_host(question);
    } else if (packet.transport != TransportKind::unknown) {
        pass_on(question, Lane::nat_inbound);
    } else if (question.ingress.role == InterfaceRole::inside) {
        question.batch.reject(question.index, DropReason::protocol_unsupported,
                              static_cast<std::uint8_t>(IcmpType::destination_unreachable),
                              kIcmpProtocolUnreachable);
    } else {
        question.drop(DropReason::protocol_unsupported);
    }
}

// A DHCP server's answer to the host's client, which has no address yet (RFC 2131 section 4.1).
bool is_for_dhcp_client(const Packet& packet, Ipv4Address destination,
                        const Interface& ingress) noexcept {
    constexpr Port kClientPort{std::uint16_t{68}};
    return packet.transport == TransportKind::udp && packet.destination_port == kClientPort &&
           packet.fragment == FragmentKind::whole && ingress.has_host &&
           (destination == kLimitedBroadcast || ingress.address_count == 0);
}

[[gnu::noinline]] void decide(const Question& question, Now now) noexcept {
    const Packet& packet = question.packet;
    if (packet.from_host) {
        decide_from_host(question);
        return;
    }
    const Ipv4Address destination{question.ip.destination};
    if (is_for_dhcp_client(packet, destination, question.ingress)) {
        question.put(Lane::punt);
        return;
    }
    if (destination == kLimitedBroadcast) {
        question.drop(DropReason::ipv4_bad_destination);
        return;
    }
    if (const DropReason reason =
            check_source(Ipv4Address{question.ip.source}, question.ingress, question.local);
        reason != DropReason::none) {
        question.drop(reason);
        return;
    }
    const AddressUse use = question.local.use_of(destination);
    if (use.is_ours()) {
        decide_local(question, use, now);
    } else if (use.is_broadcast) {
        question.drop(DropReason::directed_broadcast);
    } else if (packet.transport == TransportKind::unknown &&
               question.ingress.role == InterfaceRole::outside) {
        question.drop(DropReason::protocol_unsupported);
    } else {
        pass_on(question, Lane::route);
    }
}

// Almost every packet from inside: a translatable one that passes from a host that may be there to
// a stranger. One look at all that the rules above ask; what is not ordinary goes through them.
bool is_ordinary_outbound(const Packet& packet, const Ipv4Header& ip, const Interface& ingress,
                          const LocalPolicy& local) noexcept {
    const Ipv4Address source{ip.source};
    const Ipv4Address destination{ip.destination};
    return ingress.role == InterfaceRole::inside && !packet.from_host &&
           packet.transport != TransportKind::unknown && ip.ttl > 1 && ingress.address_count != 0 &&
           destination != kLimitedBroadcast && local.is_stranger(source) &&
           local.is_stranger(destination) && local.inside_sources().contains(source);
}

// Almost every packet from outside: TCP or UDP of a stranger to a pool address, for a port that the
// host does not keep. Again one look; the rules above say the same, one by one.
bool is_ordinary_inbound(const Packet& packet, const Ipv4Header& ip, const Interface& ingress,
                         const LocalPolicy& local) noexcept {
    const Ipv4Address source{ip.source};
    if (ingress.role != InterfaceRole::outside || packet.from_host || !has_ports(packet) ||
        ip.ttl <= 1 || ingress.address_count == 0 || !local.is_stranger(source) ||
        local.inside_sources().contains(source)) {
        return false;
    }
    const AddressUse use = local.use_of(Ipv4Address{ip.destination});
    return use.is_pool && !(use.is_own && local.is_reserved(packet.destination_port));
}

}  // namespace

[[gnu::noinline]] void classify_stage(ClassifyState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::classify);
    const LocalPolicy& local = *state.view.local;
    const InterfaceTable& interfaces = *state.view.interfaces;
    for (const PacketIndex index : lane) {
        Packet& packet = batch[index];
        auto& ip = packet.header<Ipv4Header>(packet.l3);
        const Interface& ingress = interfaces[packet.ingress];
        if (is_ordinary_outbound(packet, ip, ingress, local)) {
            batch.put(index, Lane::route);
        } else if (is_ordinary_inbound(packet, ip, ingress, local)) {
            batch.put(index, Lane::nat_inbound);
        } else {
            decide({state, batch, index, packet, ip, ingress, local}, now);
        }
    }
    lane.clear();
}

}  // namespace towpath::route
