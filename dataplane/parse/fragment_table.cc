// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse/fragment_table.h"

#include <algorithm>
#include <bit>

namespace towpath::parse {
namespace {

constexpr std::size_t kSourceCounters = 8192;

std::uint64_t mix(std::uint64_t value, std::uint64_t key) noexcept {
    value = (value ^ key) * 0x9E3779B97F4A7C15U;
    value = (value ^ value >> 32U) * 0xBF58476D1CE4E5B9U;
    return value ^ value >> 29U;
}

}  // namespace

FragmentTable::FragmentTable(const FragmentLimits& limits, std::uint64_t key)
    : limits_{limits},
      key_{key},
      contexts_(limits.contexts),
      buckets_(std::bit_ceil(limits.contexts * 2), kNoSlot),
      source_counts_(kSourceCounters, 0),
      held_(limits.held) {
    limits_.timeout = std::max<Duration>(limits_.timeout, std::chrono::seconds{2});
    for (FragmentSlot slot = 0; slot < contexts_.size(); ++slot) {
        contexts_[slot].hash_next = free_context_;
        free_context_ = slot;
    }
    for (FragmentSlot slot = 0; slot < held_.size(); ++slot) {
        held_[slot].next = free_held_;
        free_held_ = slot;
    }
}

std::size_t FragmentTable::bucket_of(const FragmentKey& key) const noexcept {
    const std::uint64_t addresses =
        std::uint64_t{key.source.bits()} << 32U | key.destination.bits();
    const std::uint64_t rest = std::uint64_t{key.identification} << 16U |
                               std::uint64_t{key.ip_protocol} << 8U |
                               static_cast<std::uint64_t>(key.side);
    return mix(mix(addresses, key_) ^ rest, key_) & (buckets_.size() - 1);
}

std::uint16_t& FragmentTable::count_of(Ipv4Address source) noexcept {
    return source_counts_[mix(source.bits(), key_) & (kSourceCounters - 1)];
}

FragmentContext* FragmentTable::find(const FragmentKey& key) noexcept {
    for (FragmentSlot slot = buckets_[bucket_of(key)]; slot != kNoSlot;
         slot = contexts_[slot].hash_next) {
        if (contexts_[slot].key == key) {
            return &contexts_[slot];
        }
    }
    return nullptr;
}

FragmentContext* FragmentTable::create(const FragmentKey& key, FragmentStanding standing,
                                       Now now) noexcept {
    if (count_of(key.source) >= limits_.contexts_per_source) {
        return nullptr;
    }
    if (free_context_ == kNoSlot && oldest_waiting_ != kNoSlot) {
        end(contexts_[oldest_waiting_], DropReason::fragment_contexts_full);
    }
    if (free_context_ == kNoSlot) {
        return nullptr;
    }
    const FragmentSlot slot = free_context_;
    FragmentContext& context = contexts_[slot];
    free_context_ = context.hash_next;
    context.key = key;
    context.standing = standing;
    context.born = now;
    context.is_counted = true;
    context.ranges.clear();
    context.head = context.tail = kNoSlot;
    context.queued = 0;
    FragmentSlot& bucket = buckets_[bucket_of(key)];
    context.hash_next = bucket;
    bucket = slot;
    context.age_previous = newest_;
    context.age_next = kNoSlot;
    (newest_ == kNoSlot ? oldest_ : contexts_[newest_].age_next) = slot;
    newest_ = slot;
    if (standing == FragmentStanding::waiting) {
        link_waiting(context);
    }
    ++count_of(key.source);
    ++context_count_;
    return &context;
}

void FragmentTable::link_waiting(FragmentContext& context) noexcept {
    const FragmentSlot slot = slot_of(context);
    context.waiting_previous = newest_waiting_;
    context.waiting_next = kNoSlot;
    (newest_waiting_ == kNoSlot ? oldest_waiting_ : contexts_[newest_waiting_].waiting_next) = slot;
    newest_waiting_ = slot;
}

void FragmentTable::unlink_waiting(FragmentContext& context) noexcept {
    (context.waiting_previous == kNoSlot ? oldest_waiting_
                                         : contexts_[context.waiting_previous].waiting_next) =
        context.waiting_next;
    (context.waiting_next == kNoSlot ? newest_waiting_
                                     : contexts_[context.waiting_next].waiting_previous) =
        context.waiting_previous;
}

void FragmentTable::end(FragmentContext& context, DropReason verdict) noexcept {
    const FragmentSlot slot = slot_of(context);
    give_up(context, verdict);
    if (context.standing == FragmentStanding::waiting) {
        unlink_waiting(context);
    }
    (context.age_previous == kNoSlot ? oldest_ : contexts_[context.age_previous].age_next) =
        context.age_next;
    (context.age_next == kNoSlot ? newest_ : contexts_[context.age_next].age_previous) =
        context.age_previous;
    FragmentSlot* link = &buckets_[bucket_of(context.key)];
    while (*link != slot) {
        link = &contexts_[*link].hash_next;
    }
    *link = context.hash_next;
    context.hash_next = free_context_;
    free_context_ = slot;
    if (context.is_counted) {
        --count_of(context.key.source);
    }
    --context_count_;
}

void FragmentTable::exempt(const FragmentKey& key) noexcept {
    FragmentContext* const context = find(key);
    if (context != nullptr && context->standing == FragmentStanding::resolved &&
        context->is_counted) {
        context->is_counted = false;
        --count_of(key.source);
    }
}

void FragmentTable::forget(const FragmentKey& key) noexcept {
    FragmentContext* const context = find(key);
    if (context != nullptr && context->standing == FragmentStanding::resolved) {
        end(*context, DropReason::none);
    }
}

FragmentSlot FragmentTable::keep(const Packet& packet) noexcept {
    if (free_held_ == kNoSlot || held_bytes_ + packet.length > limits_.held_bytes) {
        return kNoSlot;
    }
    const FragmentSlot slot = free_held_;
    free_held_ = held_[slot].next;
    held_[slot].packet = packet;
    held_[slot].next = kNoSlot;
    ++held_count_;
    held_bytes_ += packet.length;
    return slot;
}

DropReason FragmentTable::hold(FragmentContext& context, const Packet& packet) noexcept {
    if (context.queued >= limits_.held_per_datagram) {
        return DropReason::fragment_queue_full;
    }
    const FragmentSlot slot = keep(packet);
    if (slot == kNoSlot) {
        return DropReason::fragment_queue_full;
    }
    (context.tail == kNoSlot ? context.head : held_[context.tail].next) = slot;
    context.tail = slot;
    ++context.queued;
    return DropReason::none;
}

DropReason FragmentTable::hold_ready(const Packet& packet) noexcept {
    const FragmentSlot slot = keep(packet);
    if (slot == kNoSlot) {
        return DropReason::fragment_queue_full;
    }
    append(ready_, slot, slot);
    return DropReason::none;
}

void FragmentTable::append(Queue& queue, FragmentSlot first, FragmentSlot last) noexcept {
    (queue.tail == kNoSlot ? queue.head : held_[queue.tail].next) = first;
    queue.tail = last;
}

Packet FragmentTable::take(Queue& queue) noexcept {
    const FragmentSlot slot = queue.head;
    Held& held = held_[slot];
    queue.head = held.next;
    if (queue.head == kNoSlot) {
        queue.tail = kNoSlot;
    }
    held.next = free_held_;
    free_held_ = slot;
    --held_count_;
    held_bytes_ -= held.packet.length;
    return held.packet;
}

void FragmentTable::give_up(FragmentContext& context, DropReason verdict) noexcept {
    for (FragmentSlot slot = context.head; slot != kNoSlot; slot = held_[slot].next) {
        held_[slot].packet.verdict = verdict;
    }
    if (context.head != kNoSlot) {
        append(given_up_, context.head, context.tail);
    }
    context.head = context.tail = kNoSlot;
    context.queued = 0;
}

void FragmentTable::settle(FragmentContext& context, FragmentStanding standing,
                           DropReason verdict) noexcept {
    if (context.standing == FragmentStanding::waiting) {
        unlink_waiting(context);
    }
    context.standing = standing;
    if (standing != FragmentStanding::resolved) {
        give_up(context, verdict);
        return;
    }
    for (FragmentSlot slot = context.head; slot != kNoSlot; slot = held_[slot].next) {
        Packet& packet = held_[slot].packet;
        packet.transport = context.transport;
        packet.source_port = context.source_port;
        packet.destination_port = context.destination_port;
        packet.replacement_identification = context.replacement_identification;
        packet.replaces_identification = true;
    }
    if (context.head != kNoSlot) {
        append(ready_, context.head, context.tail);
    }
    context.head = context.tail = kNoSlot;
    context.queued = 0;
}

void FragmentTable::expire(Now now, std::size_t budget) noexcept {
    while (budget-- > 0 && oldest_ != kNoSlot && now - contexts_[oldest_].born >= limits_.timeout) {
        end(contexts_[oldest_], DropReason::fragment_timeout);
    }
}

void FragmentTable::end_all() noexcept {
    while (oldest_ != kNoSlot) {
        end(contexts_[oldest_], DropReason::fragment_timeout);
    }
}

}  // namespace towpath::parse
