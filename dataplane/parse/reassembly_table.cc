// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse/reassembly_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace towpath::parse {
namespace {

std::uint64_t mix(std::uint64_t value, std::uint64_t key) noexcept {
    value = (value ^ key) * 0x9E3779B97F4A7C15U;
    value = (value ^ value >> 32U) * 0xBF58476D1CE4E5B9U;
    return value ^ value >> 29U;
}

std::uint64_t mix(const IpAddress& address, std::uint64_t key) noexcept {
    std::uint64_t halves[2] = {};
    const auto bytes = address.bytes();
    std::memcpy(halves, bytes.data(), bytes.size());
    return mix(halves[1], mix(halves[0], key));
}

// Room behind the headers in front of l4, to the end of the buffer.
std::size_t room_of(const Packet& packet) noexcept {
    return std::size_t{packet.capacity} - packet.head - packet.l4;
}

}  // namespace

ReassemblyTable::ReassemblyTable(const ReassemblyLimits& limits, std::uint64_t key)
    : limits_{limits},
      key_{key},
      contexts_(limits.datagrams),
      buckets_(std::bit_ceil(limits.datagrams * 2 + 1), kNone),
      leaving_(limits.datagrams) {
    for (Slot slot = 0; slot < contexts_.size(); ++slot) {
        contexts_[slot].hash_next = free_;
        free_ = slot;
    }
}

ReassemblyTable::Slot& ReassemblyTable::bucket_of(const ReassemblyKey& key) noexcept {
    const std::uint64_t hash = mix(key.identification, mix(key.destination, mix(key.source, key_)));
    return buckets_[hash & (buckets_.size() - 1)];
}

ReassemblyTable::Slot ReassemblyTable::find(const ReassemblyKey& key) noexcept {
    Slot slot = bucket_of(key);
    while (slot != kNone && contexts_[slot].key != key) {
        slot = contexts_[slot].hash_next;
    }
    return slot;
}

ReassemblyTable::Slot ReassemblyTable::create(const ReassemblyKey& key, Now now) noexcept {
    // Packets on their way out count: there is a place for each in `leaving_`.
    if (free_ == kNone || held_count_ == limits_.datagrams) {
        return kNone;
    }
    const Slot slot = free_;
    Context& context = contexts_[slot];
    free_ = context.hash_next;
    context.key = key;
    context.ranges.clear();
    context.received_bytes = 0;
    context.total_bytes = 0;
    context.end_bytes = 0;
    context.born = now;
    context.refusal = DropReason::none;
    context.has_first = false;
    context.has_congestion = false;
    Slot& bucket = bucket_of(key);
    context.hash_next = bucket;
    bucket = slot;
    context.age_previous = newest_;
    context.age_next = kNone;
    (newest_ == kNone ? oldest_ : contexts_[newest_].age_next) = slot;
    newest_ = slot;
    return slot;
}

void ReassemblyTable::release(Slot slot) noexcept {
    Context& context = contexts_[slot];
    (context.age_previous == kNone ? oldest_ : contexts_[context.age_previous].age_next) =
        context.age_next;
    (context.age_next == kNone ? newest_ : contexts_[context.age_next].age_previous) =
        context.age_previous;
    Slot* link = &bucket_of(context.key);
    while (*link != slot) {
        link = &contexts_[*link].hash_next;
    }
    *link = context.hash_next;
    context.hash_next = free_;
    free_ = slot;
}

// Where the fragments of the datagram contradict each other (RFC 5722), or are too many. A
// duplicate is none of these: DropReason::count.
DropReason ReassemblyTable::check(Context& context, std::uint32_t first, std::uint32_t end,
                                  bool more_follow) const noexcept {
    const bool contradicts =
        more_follow
            ? context.total_bytes != 0 && end > context.total_bytes
            : (context.total_bytes != 0 && end != context.total_bytes) || end < context.end_bytes;
    if (contradicts) {
        return DropReason::fragment_overlap;
    }
    switch (context.ranges.record(first, end)) {
        case FragmentRanges::Verdict::overlap:
            return DropReason::fragment_overlap;
        case FragmentRanges::Verdict::full:
            return DropReason::fragment_queue_full;
        case FragmentRanges::Verdict::duplicate:
            return DropReason::count;
        case FragmentRanges::Verdict::fresh:
            break;
    }
    return DropReason::none;
}

ReassemblyTable::Verdict ReassemblyTable::take(const ReassemblyKey& key, const Packet& fragment,
                                               const FragmentPlace& place, Now now) noexcept {
    const std::uint32_t first = place.offset_bytes;
    const auto length = static_cast<std::uint32_t>(fragment.length - fragment.l4);
    const std::uint32_t end = first + length;
    Slot slot = find(key);
    const bool is_new = slot == kNone;
    if (is_new) {
        slot = create(key, now);
        if (slot == kNone) {
            return {Outcome::refused, DropReason::reassembly_full, false};
        }
    }
    Context& context = contexts_[slot];
    if (context.refusal != DropReason::none) {
        return {Outcome::refused, context.refusal, false};
    }
    Packet& whole = context.packet;
    if (end > limits_.datagram_bytes || end > room_of(is_new ? fragment : whole)) {
        give_up(context, DropReason::reassembly_too_long);
        return {Outcome::refused, DropReason::reassembly_too_long, is_new};
    }
    const DropReason reason = check(context, first, end, place.more_follow);
    if (reason == DropReason::count) {
        return {Outcome::copied, DropReason::none, false};
    }
    if (reason != DropReason::none) {
        give_up(context, reason);
        return {Outcome::refused, reason, is_new};
    }
    const std::byte* const payload = fragment.data() + fragment.l4;
    if (is_new) {
        whole = fragment;
        ++held_count_;
    }
    std::memmove(whole.data() + whole.l4 + first, payload, length);
    context.received_bytes += length;
    context.end_bytes = std::max(context.end_bytes, end);
    context.has_congestion |= place.has_congestion;
    if (!place.more_follow) {
        context.total_bytes = end;
    }
    if (first == 0) {
        context.has_first = true;
        whole.transport = fragment.transport;
        whole.source_port = fragment.source_port;
        whole.destination_port = fragment.destination_port;
    }
    if (context.total_bytes == 0 || context.received_bytes != context.total_bytes) {
        return {is_new ? Outcome::kept : Outcome::copied, DropReason::none, is_new};
    }
    whole.length = static_cast<std::uint16_t>(whole.l4 + context.total_bytes);
    whole.fragment = FragmentKind::whole;
    whole.verdict = DropReason::none;
    leave(whole, context.has_congestion);
    release(slot);
    return {Outcome::complete, DropReason::none, false};
}

void ReassemblyTable::give_up(Context& context, DropReason reason) noexcept {
    if (context.refusal == DropReason::none && context.received_bytes != 0) {
        context.packet.verdict = reason;
        leave(context.packet, false);
    }
    context.refusal = reason;
}

void ReassemblyTable::leave(const Packet& packet, bool has_congestion) noexcept {
    leaving_[(leaving_begin_ + leaving_count_++) % leaving_.size()] = {packet, has_congestion};
}

ReassemblyTable::Leaving ReassemblyTable::take_leaving() noexcept {
    const Leaving leaving = leaving_[leaving_begin_];
    leaving_begin_ = (leaving_begin_ + 1) % leaving_.size();
    --leaving_count_;
    --held_count_;
    return leaving;
}

void ReassemblyTable::expire(Now now, std::size_t budget) noexcept {
    for (std::size_t ended = 0;
         ended < budget && oldest_ != kNone && now - contexts_[oldest_].born >= limits_.timeout;
         ++ended) {
        give_up(contexts_[oldest_], DropReason::reassembly_timeout);
        release(oldest_);
    }
}

void ReassemblyTable::end_all() noexcept {
    while (oldest_ != kNone) {
        give_up(contexts_[oldest_], DropReason::reassembly_timeout);
        release(oldest_);
    }
}

}  // namespace towpath::parse
