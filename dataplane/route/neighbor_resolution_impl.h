// SPDX-License-Identifier: BSD-3-Clause
// What neighbor_resolution.h declares, for the one file of each family that instantiates it.
#pragma once

#include "dataplane/route/neighbor_resolution.h"

namespace towpath::route {

template <class Family>
typename NeighborResolution<Family>::Pending* NeighborResolution<Family>::find(
    const Key& key) noexcept {
    for (Pending& pending : *pending_) {
        if (pending.state != NeighborState::none && pending.key == key) {
            return &pending;
        }
    }
    return nullptr;
}

// A free place, or that of the failed next hop whose retry is due first: nobody waits there.
template <class Family>
typename NeighborResolution<Family>::Pending* NeighborResolution<Family>::claim(
    const Key& key) noexcept {
    Pending* found = nullptr;
    for (Pending& pending : *pending_) {
        if (pending.state == NeighborState::none) {
            found = &pending;
            break;
        }
        if (pending.state == NeighborState::failed && pending.queued == 0 &&
            (found == nullptr || pending.next_at < found->next_at)) {
            found = &pending;
        }
    }
    if (found != nullptr) {
        found->key = key;
        found->state = NeighborState::incomplete;
        found->requests = 0;
        found->backoff_s = 0;
        found->queued = 0;
    }
    return found;
}

template <class Family>
void NeighborResolution<Family>::reject(Batch& batch, PacketIndex index) noexcept {
    Packet& packet = batch[index];
    Family::note_unreachable(packet);
    batch.put(index, Family::is_told(view_, packet) ? Family::kError : Lane::drop);
}

template <class Family>
void NeighborResolution<Family>::resolve(Batch& batch, PacketIndex index, Now now) noexcept {
    const Packet& packet = batch[index];
    const Key key = Family::key_of(packet);
    Pending* pending = find(key);
    if (pending == nullptr) {
        pending = claim(key);
        if (pending == nullptr) {
            batch.drop(index, DropReason::neighbor_pending_full);
            return;
        }
    }
    if (pending->state == NeighborState::failed) {
        if (now < pending->next_at || pending->queued > 0) {
            reject(batch, index);
            return;
        }
        pending->state = NeighborState::incomplete;
        pending->requests = 0;
    }
    if (pending->queued == kPendingPackets) {
        batch.drop(index, DropReason::neighbor_pending_full);
        return;
    }
    pending->queue[pending->queued++] = packet;
    batch.put(index, Lane::hold);
    if (pending->requests == 0) {
        pending->next_at = now;
        advance(batch, *pending, now);
        pending_due_at_ = std::min(pending_due_at_, pending->next_at);
    }
}

template <class Family>
bool NeighborResolution<Family>::is_pending(const Key& key) const noexcept {
    return std::any_of(pending_->begin(), pending_->end(), [&](const Pending& pending) {
        return pending.state == NeighborState::incomplete && pending.key == key;
    });
}

template <class Family>
void NeighborResolution<Family>::learned(Batch& batch, const Key& key, MacAddress mac,
                                         Now now) noexcept {
    table_.confirm(key, mac, coarse_seconds(now));
    for (Probe& probe : probes_) {
        if (probe.is_active && probe.key == key) {
            probe.is_active = false;
        }
    }
    Pending* pending = find(key);
    if (pending == nullptr || (pending->state == NeighborState::failed && pending->queued > 0)) {
        return;  // what is given up stays given up
    }
    pending->state = NeighborState::reachable;
    pending->next_at = now;
    pending_due_at_ = std::min(pending_due_at_, now);
    release_reachable(batch, *pending);
}

template <class Family>
Packet NeighborResolution<Family>::take(Pending& pending) noexcept {
    const Packet packet = pending.queue[0];
    std::move(pending.queue.begin() + 1,
              pending.queue.begin() + static_cast<std::ptrdiff_t>(pending.queued),
              pending.queue.begin());
    --pending.queued;
    released_.add();
    return packet;
}

template <class Family>
void NeighborResolution<Family>::release_reachable(Batch& batch, Pending& pending) noexcept {
    while (pending.queued > 0 && batch.room() > kRoomKept) {
        static_cast<void>(batch.admit(take(pending), Family::kLink));
    }
    if (pending.queued == 0) {
        pending.state = NeighborState::none;
    }
}

template <class Family>
void NeighborResolution<Family>::release_failed(Batch& batch, Pending& pending) noexcept {
    while (pending.queued > 0 && batch.room() > kRoomKept) {
        Packet packet = take(pending);
        Family::note_unreachable(packet);
        static_cast<void>(
            batch.admit(packet, Family::is_told(view_, packet) ? Family::kError : Lane::drop));
    }
}

template <class Family>
void NeighborResolution<Family>::advance(Batch& batch, Pending& pending, Now now) noexcept {
    if (pending.state == NeighborState::reachable) {
        release_reachable(batch, pending);
        return;
    }
    if (pending.state == NeighborState::failed) {
        release_failed(batch, pending);
        if (pending.queued == 0 && now >= pending.next_at + kFailedForgotten) {
            pending.state = NeighborState::none;  // nobody asks for it any more
        }
        return;
    }
    if (now < pending.next_at) {
        return;
    }
    if (pending.requests < kRequestsMax) {
        if (Family::request(view_, batch, pending.key, nullptr)) {
            ++pending.requests;
            pending.next_at = now + kRequestInterval;
        }
        return;
    }
    pending.state = NeighborState::failed;
    pending.backoff_s =
        static_cast<std::uint8_t>(std::clamp(pending.backoff_s * 2, 1, int{kBackoffMax_s}));
    pending.next_at = now + Duration{std::chrono::seconds{pending.backoff_s}};
    release_failed(batch, pending);
}

template <class Family>
void NeighborResolution<Family>::slice(Batch& batch, Now now, std::size_t budget) noexcept {
    if (view_.interfaces == nullptr) {
        return;
    }
    if (now >= pending_due_at_) {
        pending_due_at_ = now + kRequestInterval;
        advance_pending(batch, now);
        advance_probes(batch, now);
    }
    if (now >= ageing_due_at_) {
        ageing_due_at_ = now + kAgeingInterval;
        for (; budget > 0; --budget) {
            age(table_.entry(ageing_cursor_), now);
            ageing_cursor_ = (ageing_cursor_ + 1) % Family::kTableSlots;
        }
    }
    advance_announcements(batch, now);
}

template <class Family>
void NeighborResolution<Family>::advance_pending(Batch& batch, Now now) noexcept {
    for (Pending& pending : *pending_) {
        if (pending.state == NeighborState::none) {
            continue;
        }
        advance(batch, pending, now);
        const bool is_waiting_for_room =
            pending.queued > 0 && pending.state != NeighborState::incomplete;
        const Now due_at = is_waiting_for_room ? now : std::max(pending.next_at, now);
        pending_due_at_ = std::min(pending_due_at_, due_at);
    }
}

template <class Family>
void NeighborResolution<Family>::age(const typename Table::Entry& entry, Now now) noexcept {
    const std::uint32_t age_s = coarse_seconds(now) - entry.confirmed_s;
    if (entry.state == NeighborState::reachable && age_s >= kReachable_s) {
        table_.set_state(entry.key, NeighborState::stale);
    } else if (entry.state == NeighborState::stale && entry.was_used) {
        for (Probe& probe : probes_) {
            if (!probe.is_active) {
                probe = {entry.key, entry.mac, true, 0, now};
                table_.set_state(entry.key, NeighborState::probe);
                pending_due_at_ = std::min(pending_due_at_, now);
                return;
            }
        }
    } else if (entry.state == NeighborState::stale && age_s >= kForgotten_s) {
        table_.remove(entry.key);
    }
}

// Asks the neighbour itself whether it is still there; it is used meanwhile.
template <class Family>
void NeighborResolution<Family>::advance_probes(Batch& batch, Now now) noexcept {
    for (Probe& probe : probes_) {
        if (!probe.is_active) {
            continue;
        }
        if (now >= probe.next_at) {
            if (probe.requests == kRequestsMax) {
                table_.remove(probe.key);
                probe.is_active = false;
                continue;
            }
            if (Family::request(view_, batch, probe.key, &probe.mac)) {
                ++probe.requests;
                probe.next_at = now + kRequestInterval;
            }
        }
        pending_due_at_ = std::min(pending_due_at_, std::max(probe.next_at, now));
    }
}

template <class Family>
void NeighborResolution<Family>::advance_announcements(Batch& batch, Now now) noexcept {
    while (announcements_left_ > 0 && now >= announce_at_) {
        bool is_end = false;
        if (!Family::announce_one(view_, batch, announcement_cursor_, is_end)) {
            return;  // no spare: in the next turn
        }
        ++announcement_cursor_;
        if (is_end) {
            announcement_cursor_ = 0;
            --announcements_left_;
            announce_at_ = now + kRequestInterval;
        }
    }
}

template <class Family>
bool NeighborResolution<Family>::discard(Batch& batch) noexcept {
    bool is_left = false;
    for (Pending& pending : *pending_) {
        while (pending.queued > 0 && batch.room() > 0) {
            Packet packet = take(pending);
            packet.verdict = DropReason::neighbor_unreachable;
            static_cast<void>(batch.admit(packet, Lane::drop));
        }
        is_left = is_left || pending.queued > 0;
        if (pending.queued == 0) {
            pending.state = NeighborState::none;
        }
    }
    return is_left;
}

}  // namespace towpath::route
