// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse/reassembly_stage.h"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::parse {
namespace {

// Left free in the batch for what later stages originate.
constexpr std::size_t kRoomForOriginated = 32;
constexpr std::uint8_t kEcnMask = 0x03;  // both bits: congestion was experienced

bool is_ipv4(const Packet& packet) noexcept {
    return packet.header<Ipv4Header>(packet.l3).version() == 4;
}

Ipv6FragmentHeader& fragment_header(const Packet& packet) noexcept {
    return packet.header<Ipv6FragmentHeader>(packet.l3 + sizeof(Ipv6Header));
}

ReassemblyKey key_of(const Packet& packet) noexcept {
    if (is_ipv4(packet)) {
        const auto& ip = packet.header<Ipv4Header>(packet.l3);
        return {Ipv4Address{ip.source}, Ipv4Address{ip.destination}, ip.identification.host()};
    }
    const auto& ip = packet.header<Ipv6Header>(packet.l3);
    return {ip.source, ip.destination, fragment_header(packet).identification.host()};
}

FragmentPlace place_of(const Packet& packet) noexcept {
    if (is_ipv4(packet)) {
        const auto& ip = packet.header<Ipv4Header>(packet.l3);
        return {ip.fragment_offset_bytes(), ip.more_fragments(),
                (ip.dscp_and_ecn & kEcnMask) == kEcnMask};
    }
    const Ipv6FragmentHeader& header = fragment_header(packet);
    return {header.offset_bytes(), header.more_fragments(),
            (packet.header<Ipv6Header>(packet.l3).traffic_class() & kEcnMask) == kEcnMask};
}

// IPv4 fragments are where fragment_stage brought them.
WorkerId worker_of(const Packet& packet, const ReassemblyKey& key, std::uint8_t workers) noexcept {
    if (is_ipv4(packet)) {
        return fragment_worker(packet, workers);
    }
    std::uint64_t hash = key.identification;
    for (const IpAddress& address : {key.source, key.destination}) {
        for (std::size_t half = 0; half < 16; half += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, address.bytes().data() + half, sizeof word);
            hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
            hash ^= hash >> 31U;
        }
    }
    hash = (hash ^ hash >> 29U) * 0xBF58476D1CE4E5B9U >> 32U;
    return static_cast<WorkerId>(hash * workers >> 32U);
}

// The headers that the first arrival lent become those of the whole datagram. An IPv6 fragment
// header stays: one that says "all of it" (RFC 6946).
void write_headers(Packet& packet, bool has_congestion) noexcept {
    const std::uint8_t mark = has_congestion ? kEcnMask : 0;
    if (is_ipv4(packet)) {
        auto& ip = packet.header<Ipv4Header>(packet.l3);
        ip.total_length_bytes = be16{static_cast<std::uint16_t>(packet.length - packet.l3)};
        ip.flags_and_offset = be16{};
        ip.dscp_and_ecn |= mark;
        ip.checksum = be16{};
        ip.checksum = full_checksum(
            packet.bytes().subspan(packet.l3, static_cast<std::size_t>(packet.l4 - packet.l3)));
        packet.replaces_identification = false;
        return;
    }
    auto& ip = packet.header<Ipv6Header>(packet.l3);
    ip.payload_length_bytes =
        be16{static_cast<std::uint16_t>(packet.length - packet.l3 - sizeof(Ipv6Header))};
    ip.version_class_flow =
        be32{ip.version_class_flow.host() | static_cast<std::uint32_t>(mark) << 20U};
    fragment_header(packet).offset_and_more = be16{};
}

void release(ReassemblyState& state, Batch& batch, std::size_t room_kept) noexcept {
    while (batch.room() > room_kept && state.table.has_leaving()) {
        ReassemblyTable::Leaving leaving = state.table.take_leaving();
        const bool is_whole = leaving.packet.verdict == DropReason::none;
        if (is_whole) {
            write_headers(leaving.packet, leaving.has_congestion);
        }
        static_cast<void>(batch.admit(leaving.packet, is_whole ? Lane::open : Lane::drop));
        state.released->add();
    }
}

void take(ReassemblyState& state, Batch& batch, PacketIndex index, const ReassemblyKey& key,
          Now now) noexcept {
    const Packet& packet = batch[index];
    const auto [outcome, reason, is_new] = state.table.take(key, packet, place_of(packet), now);
    // From the first fragment on the datagram is bounded here, and not by what its source may have
    // under way there.
    if (is_ipv4(packet) && is_new) {
        state.fragments->table.exempt(fragment_key(*state.fragments, packet));
    }
    switch (outcome) {
        case ReassemblyTable::Outcome::kept:
            batch.put(index, Lane::hold);
            break;
        case ReassemblyTable::Outcome::complete:
            if (is_ipv4(packet)) {
                state.fragments->table.forget(fragment_key(*state.fragments, packet));
            }
            [[fallthrough]];
        case ReassemblyTable::Outcome::copied:
            batch.put(index, Lane::absorb);
            break;
        case ReassemblyTable::Outcome::refused:
            batch.drop(index, reason);
            break;
    }
}

}  // namespace

void reassembly_stage(ReassemblyState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::reassemble);
    for (const PacketIndex index : lane) {
        const ReassemblyKey key = key_of(batch[index]);
        const WorkerId worker = worker_of(batch[index], key, state.workers);
        if (worker == state.worker) {
            take(state, batch, index, key, now);
        } else {
            batch.hand_off(index, worker, Lane::reassemble);
        }
    }
    lane.clear();
    release(state, batch, kRoomForOriginated);
}

void reassembly_slice(ReassemblyState& state, Batch& batch, Now now, std::size_t budget) noexcept {
    state.table.expire(now, budget);
    release(state, batch, kBurstMax + kRoomForOriginated);
}

bool reassembly_discard(ReassemblyState& state, Batch& batch) noexcept {
    state.table.end_all();
    release(state, batch, 0);
    return state.table.has_leaving();
}

}  // namespace towpath::parse
