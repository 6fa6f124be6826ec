// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse/fragment_stage.h"

#include "dataplane/parse/transport.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::parse {
namespace {

// Left free in the batch for what later stages originate.
constexpr std::size_t kRoomForOriginated = 32;
constexpr std::size_t kDatagramMax_bytes = 65535;

bool is_translated(std::uint8_t protocol) noexcept {
    return protocol == static_cast<std::uint8_t>(Protocol::tcp) ||
           protocol == static_cast<std::uint8_t>(Protocol::udp) ||
           protocol == static_cast<std::uint8_t>(Protocol::icmp);
}

void poison(FragmentState& state, FragmentContext* context) noexcept {
    if (context != nullptr) {
        state.table.settle(*context, FragmentStanding::poisoned, DropReason::fragment_overlap);
    }
}

// Rules of 11.4 that need no context.
DropReason check_piece(const Packet& packet, const Ipv4Header& ip) noexcept {
    const std::size_t payload_bytes = packet.length - std::size_t{packet.l4};
    const std::size_t offset_bytes = ip.fragment_offset_bytes();
    if (payload_bytes == 0) {
        return DropReason::fragment_empty;
    }
    if (offset_bytes + payload_bytes > kDatagramMax_bytes) {
        return DropReason::fragment_overflow;
    }
    if (ip.more_fragments() && payload_bytes % 8 != 0) {
        return DropReason::fragment_bad_length;
    }
    // RFC 1858, RFC 3128: it would overwrite the flags of the first fragment.
    if (offset_bytes == 8 && ip.protocol == static_cast<std::uint8_t>(Protocol::tcp)) {
        return DropReason::fragment_tcp_offset_one;
    }
    return DropReason::none;
}

void annotate(Packet& packet, const FragmentContext& context) noexcept {
    packet.transport = context.transport;
    packet.source_port = context.source_port;
    packet.destination_port = context.destination_port;
    packet.replacement_identification = context.replacement_identification;
    packet.replaces_identification = true;
}

void release(FragmentState& state, Batch& batch, std::size_t room_kept) noexcept {
    while (batch.room() > room_kept && state.table.has_ready()) {
        static_cast<void>(batch.admit(state.table.take_ready(), Lane::classify));
        state.released->add();
    }
}

void hold(Batch& batch, PacketIndex index, DropReason refusal) noexcept {
    if (refusal == DropReason::none) {
        batch.put(index, Lane::hold);
    } else {
        batch.drop(index, refusal);
    }
}

// The piece that carries the ports. It needs no context to go on (BAD-FRAG-06).
void take_first(FragmentState& state, Batch& batch, PacketIndex index, const FragmentKey& key,
                FragmentContext* context, Now now) noexcept {
    Packet& packet = batch[index];
    packet.fragment = FragmentKind::first;
    const DropReason refusal = read_transport(packet);
    if (refusal != DropReason::none) {
        if (context == nullptr) {
            context = state.table.create(key, FragmentStanding::refused, now);
        }
        if (context != nullptr) {
            state.table.settle(*context, FragmentStanding::refused, DropReason::fragment_refused);
        }
        batch.drop(index, refusal);
        return;
    }
    if (context != nullptr && context->standing == FragmentStanding::resolved) {
        // The first fragment again: a duplicate if it says the same (BAD-FRAG-03).
        if (context->source_port != packet.source_port ||
            context->destination_port != packet.destination_port) {
            poison(state, context);
            batch.drop(index, DropReason::fragment_overlap);
            return;
        }
        annotate(packet, *context);
        batch.put(index, Lane::classify);
        return;
    }
    if ((*state.interfaces)[packet.ingress].role != InterfaceRole::outside) {  // to be translated
        packet.replacement_identification =
            state.identification->next(key.destination, packet.ip_protocol);
    }
    packet.replaces_identification = true;
    if (context == nullptr) {
        context = state.table.create(key, FragmentStanding::resolved, now);
        if (context != nullptr) {
            static_cast<void>(
                context->ranges.record(0, static_cast<std::uint32_t>(packet.length - packet.l4)));
        }
    }
    batch.put(index, Lane::classify);
    if (context != nullptr) {
        context->transport = packet.transport;
        context->source_port = packet.source_port;
        context->destination_port = packet.destination_port;
        context->replacement_identification = packet.replacement_identification;
        state.table.settle(*context, FragmentStanding::resolved, DropReason::none);
        release(state, batch, kRoomForOriginated);
    }
}

void take_later(FragmentState& state, Batch& batch, PacketIndex index, const FragmentKey& key,
                FragmentContext* context, std::uint32_t first, std::uint32_t end,
                Now now) noexcept {
    Packet& packet = batch[index];
    packet.fragment = FragmentKind::later;
    if (context == nullptr) {
        context = state.table.create(key, FragmentStanding::waiting, now);
        if (context == nullptr) {
            batch.drop(index, DropReason::fragment_contexts_full);
            return;
        }
        static_cast<void>(context->ranges.record(first, end));
    }
    if (context->standing == FragmentStanding::waiting) {
        hold(batch, index, state.table.hold(*context, packet));
        return;
    }
    annotate(packet, *context);
    if (state.table.has_ready()) {  // not past what is older
        hold(batch, index, state.table.hold_ready(packet));
        return;
    }
    batch.put(index, Lane::classify);
}

void take(FragmentState& state, Batch& batch, PacketIndex index, Now now) noexcept {
    Packet& packet = batch[index];
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    const Interface& ingress = (*state.interfaces)[packet.ingress];
    const FragmentKey key = fragment_key(state, packet);
    if (ingress.role == InterfaceRole::inside && state.inside_sources != nullptr &&
        !state.inside_sources->contains(key.source)) {
        batch.drop(index, DropReason::source_not_inside);
        return;
    }
    const std::uint32_t first = ip.fragment_offset_bytes();
    const std::uint32_t end = first + static_cast<std::uint32_t>(packet.length - packet.l4);
    FragmentContext* context = state.table.find(key);
    const DropReason refusal = check_piece(packet, ip);
    if (refusal != DropReason::none) {
        if (refusal == DropReason::fragment_overflow) {
            poison(state, context);
        }
        batch.drop(index, refusal);
        return;
    }
    if (!is_translated(ip.protocol)) {
        packet.fragment = first == 0 ? FragmentKind::first : FragmentKind::later;
        packet.transport = TransportKind::unknown;
        batch.put(index, Lane::classify);
        return;
    }
    if (context != nullptr) {
        if (context->standing == FragmentStanding::poisoned ||
            context->standing == FragmentStanding::refused) {
            batch.drop(index, context->standing == FragmentStanding::poisoned
                                  ? DropReason::fragment_overlap
                                  : DropReason::fragment_refused);
            return;
        }
        switch (context->ranges.record(first, end)) {
            case FragmentRanges::Verdict::overlap:
                poison(state, context);
                batch.drop(index, DropReason::fragment_overlap);
                return;
            case FragmentRanges::Verdict::full:
                batch.drop(index, DropReason::fragment_queue_full);
                return;
            case FragmentRanges::Verdict::fresh:
            case FragmentRanges::Verdict::duplicate:
                break;
        }
    }
    if (first == 0) {
        take_first(state, batch, index, key, context, now);
    } else {
        take_later(state, batch, index, key, context, first, end, now);
    }
}

void release_given_up(FragmentState& state, Batch& batch, std::size_t room_kept) noexcept {
    while (batch.room() > room_kept && state.table.has_given_up()) {
        static_cast<void>(batch.admit(state.table.take_given_up(), Lane::drop));
        state.released->add();
    }
}

}  // namespace

FragmentKey fragment_key(const FragmentState& state, const Packet& packet) noexcept {
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    return {Ipv4Address{ip.source}, Ipv4Address{ip.destination}, ip.identification.host(),
            ip.protocol, (*state.interfaces)[packet.ingress].role};
}

WorkerId fragment_worker(const Packet& packet, std::uint8_t workers) noexcept {
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    std::uint64_t hash = (std::uint64_t{ip.source.raw()} << 32U | ip.destination.raw()) ^
                         (std::uint64_t{ip.identification.raw()} << 16U | ip.protocol);
    hash = (hash ^ hash >> 31U) * 0x9E3779B97F4A7C15U;
    hash = (hash ^ hash >> 29U) * 0xBF58476D1CE4E5B9U >> 32U;
    return static_cast<WorkerId>(hash * workers >> 32U);
}

void fragment_stage(FragmentState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::fragment);
    for (const PacketIndex index : lane) {
        const WorkerId worker = fragment_worker(batch[index], state.workers);
        if (worker == state.worker) {
            take(state, batch, index, now);
        } else {
            batch.hand_off(index, worker, Lane::fragment);
        }
    }
    lane.clear();
}

void fragment_slice(FragmentState& state, Batch& batch, Now now, std::size_t budget) noexcept {
    constexpr std::size_t kRoomKept = kBurstMax + kRoomForOriginated;
    state.table.expire(now, budget);
    release(state, batch, kRoomKept);
    release_given_up(state, batch, kRoomKept);
}

bool fragment_discard(FragmentState& state, Batch& batch) noexcept {
    state.table.end_all();
    while (batch.room() > 0 && state.table.has_ready()) {
        Packet packet = state.table.take_ready();
        packet.verdict = DropReason::fragment_timeout;
        static_cast<void>(batch.admit(packet, Lane::drop));
        state.released->add();
    }
    release_given_up(state, batch, 0);
    return state.table.has_ready() || state.table.has_given_up();
}

}  // namespace towpath::parse
