// SPDX-License-Identifier: BSD-3-Clause
// What both stages do alike: the question that a packet puts to admission.h, and where a packet
// goes that is not translated here and now.
#pragma once

#include "dataplane/nat/admission.h"
#include "dataplane/nat/rewrite.h"
#include "dataplane/packet/batch.h"

namespace towpath::nat {

// Anything but an ICMP reply.
[[nodiscard]] inline bool opens_query(const Packet& packet) noexcept {
    if (packet.transport != TransportKind::icmp_query || !has_transport_header(packet)) {
        return true;
    }
    const auto type = static_cast<IcmpType>(packet.header<IcmpHeader>(packet.l4).type);
    return type == IcmpType::echo_request || type == IcmpType::timestamp_request;
}

// Of a TCP, UDP or ICMP query packet, as it is now. Written in place: a copy of what was just
// written in parts would wait for them all.
inline void read_flow(const Translator& translator, const Packet& packet, Realm realm,
                      Flow& flow) noexcept {
    const Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    const Ipv4Address source{ip.source};
    flow.protocol = protocol_of(packet);
    flow.key = inside_key(source, packet.source_port, flow.protocol, realm);
    flow.hash = translator.tables.hash_of(flow.key);
    flow.owner = translator.tables.ownership().owner_of(source);
    flow.tcp_flags = tcp_flags_of(packet);
    flow.may_create = opens_query(packet);
    flow.remote.address = Ipv4Address{ip.destination};
    flow.remote.port = packet.destination_port;
    flow.guess = kNoEntry;
}

// Every fate but translate. `resume` is the lane in which the owner goes on.
[[gnu::noinline]] void settle(Translator& translator, Batch& batch, PacketIndex index,
                              const Verdict& verdict, WorkerId owner, Lane resume,
                              std::uint32_t now_s) noexcept;

// The Identification of a packet that now leaves from an outside address: fresh unless the packet
// is atomic, common to all pieces of a fragmented one.
inline void renew_identification(Translator& translator, Packet& packet) noexcept {
    if (!translator.policy->rewrite_identification) {
        return;
    }
    Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    if (packet.fragment == FragmentKind::whole && !ip.dont_fragment()) {
        packet.replacement_identification =
            translator.identification.next(Ipv4Address{ip.destination}, ip.protocol);
    } else if (!packet.replaces_identification) {
        return;
    }
    packet.was_reidentified = true;
    packet.replacement_identification =
        rewrite_identification(ip, packet.replacement_identification);
}

// The MSS of a SYN that passes between two interfaces.
[[gnu::noinline]] void lower_mss(Translator& translator, Packet& packet) noexcept;
inline void clamp_mss_of(Translator& translator, Packet& packet, std::uint8_t tcp_flags) noexcept {
    if (is_syn(tcp_flags) && packet.transport == TransportKind::tcp &&
        translator.policy->clamp_mss) {
        lower_mss(translator, packet);
    }
}

}  // namespace towpath::nat
