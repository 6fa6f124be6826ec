// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/staging.h"

#include "dataplane/wire/assertion.h"

namespace towpath::wireguard {

Staging::Staging(PeerTable& peers, std::uint32_t capacity)
    : peers_{peers}, places_(capacity), free_{capacity == 0 ? 0U : 1U} {
    for (std::uint32_t position = 0; position < capacity; ++position) {
        places_[position].next = position + 1 < capacity ? position + 2 : 0;
    }
    waiting_.reserve(capacity);  // no more peers wait than packets do
}

void Staging::push(PeerId peer, const Packet& packet) noexcept {
    TOWPATH_ASSERT(!is_full());
    const std::uint32_t position = free_ - 1;
    Place& place = places_[position];
    free_ = place.next;
    place.packet = packet;
    place.next = 0;
    StagedList& list = peers_.waiting(peer).staged;
    if (list.count == 0) {
        list.first = position + 1;
        waiting_.push_back(peer);
        list.waiting_at = waiting_count();
    } else {
        places_[list.last - 1].next = position + 1;
    }
    list.last = position + 1;
    ++list.count;
    ++size_;
}

std::optional<Packet> Staging::pop(PeerId peer) noexcept {
    StagedList& list = peers_.waiting(peer).staged;
    if (list.count == 0) {
        return std::nullopt;
    }
    const std::uint32_t position = list.first - 1;
    Place& place = places_[position];
    list.first = place.next;
    place.next = free_;
    free_ = position + 1;
    --size_;
    if (--list.count == 0) {
        stop_waiting(peer);
    }
    return place.packet;
}

void Staging::stop_waiting(PeerId peer) noexcept {
    StagedList& list = peers_.waiting(peer).staged;
    const PeerId moved = waiting_.back();
    waiting_[list.waiting_at - 1] = moved;
    peers_.waiting(moved).staged.waiting_at = list.waiting_at;
    waiting_.pop_back();
    list.waiting_at = 0;
    list.is_abandoned = false;
}

}  // namespace towpath::wireguard
