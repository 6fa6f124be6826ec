// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/neighbor_resolver.h"

#include <algorithm>

#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::route {
namespace {

constexpr Duration kRequestInterval = std::chrono::seconds{1};
constexpr std::uint8_t kBackoffMax_s = 32;
constexpr Duration kAgeingInterval = std::chrono::milliseconds{1};
constexpr std::uint32_t kReachable_s = 30;
constexpr std::uint32_t kForgotten_s = 600;
constexpr std::uint8_t kAnnouncements = 3;
// Left free in the batch, for a full burst and what stages originate.
constexpr std::size_t kRoomKept = kBurstMax + 16;
constexpr auto kUnreachable = static_cast<std::uint8_t>(IcmpType::destination_unreachable);
constexpr MacAddress kBroadcast{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};

// Who asks: the address of ours on the neighbour's network, or else any of the interface.
Ipv4Address asking_address(const Interface& interface, Ipv4Address target) noexcept {
    for (const InterfaceAddress& own : interface.addresses()) {
        if (own.prefix.contains(target)) {
            return own.address;
        }
    }
    return interface.address_count == 0 ? Ipv4Address{} : interface.address_storage[0].address;
}

}  // namespace

NeighborResolver::NeighborResolver(NeighborTable& table, Counter& released)
    : table_{table},
      released_{released},
      pending_{std::make_unique<std::array<Pending, kPendingMax>>()} {}

NeighborResolver::Pending* NeighborResolver::find(NeighborKey key) noexcept {
    for (Pending& pending : *pending_) {
        if (pending.state != NeighborState::none && pending.key == key) {
            return &pending;
        }
    }
    return nullptr;
}

// A free place, or that of the failed next hop whose retry is due first: nobody waits there.
NeighborResolver::Pending* NeighborResolver::claim(NeighborKey key) noexcept {
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

void NeighborResolver::resolve(Batch& batch, PacketIndex index, Now now) noexcept {
    const Packet& packet = batch[index];
    const NeighborKey key{packet.egress, packet.next_hop};
    Pending* pending = find(key);
    const bool is_new = pending == nullptr;
    if (is_new) {
        pending = claim(key);
        if (pending == nullptr) {
            batch.drop(index, DropReason::neighbor_pending_full);
            return;
        }
    }
    if (pending->state == NeighborState::failed) {
        if (now < pending->next_at || pending->queued > 0) {
            if (is_told(packet)) {
                batch.reject(index, DropReason::neighbor_unreachable, kUnreachable,
                             kIcmpHostUnreachable);
            } else {
                batch.drop(index, DropReason::neighbor_unreachable);
            }
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

bool NeighborResolver::is_pending(NeighborKey key) const noexcept {
    for (const Pending& pending : *pending_) {
        if (pending.state == NeighborState::incomplete && pending.key == key) {
            return true;
        }
    }
    return false;
}

void NeighborResolver::learned(Batch& batch, NeighborKey key, MacAddress mac, Now now) noexcept {
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

Packet NeighborResolver::take(Pending& pending) noexcept {
    const Packet packet = pending.queue[0];
    std::move(pending.queue.begin() + 1,
              pending.queue.begin() + static_cast<std::ptrdiff_t>(pending.queued),
              pending.queue.begin());
    --pending.queued;
    released_.add();
    return packet;
}

void NeighborResolver::release_reachable(Batch& batch, Pending& pending) noexcept {
    while (pending.queued > 0 && batch.room() > kRoomKept) {
        static_cast<void>(batch.admit(take(pending), Lane::link));
    }
    if (pending.queued == 0) {
        pending.state = NeighborState::none;
    }
}

// Inside senders hear that the next hop is gone, also when NAT has rewritten their packet since:
// then its source is what it was before (decisions.md N17).
bool NeighborResolver::is_told(const Packet& packet) const noexcept {
    if (packet.is_originated || (*view_.interfaces)[packet.ingress].role != InterfaceRole::inside) {
        return false;
    }
    const Ipv4Address source = packet.was_rewritten_inbound
                                   ? packet.original_source_address
                                   : Ipv4Address{packet.header<Ipv4Header>(packet.l3).source};
    return !view_.local->use_of(source).is_ours();
}

void NeighborResolver::release_failed(Batch& batch, Pending& pending) noexcept {
    while (pending.queued > 0 && batch.room() > kRoomKept) {
        Packet packet = take(pending);
        packet.verdict = DropReason::neighbor_unreachable;
        packet.icmp_type = kUnreachable;
        packet.icmp_code = kIcmpHostUnreachable;
        packet.icmp_mtu_bytes = 0;
        static_cast<void>(batch.admit(packet, is_told(packet) ? Lane::icmp_error : Lane::drop));
    }
}

void NeighborResolver::advance(Batch& batch, Pending& pending, Now now) noexcept {
    if (pending.state == NeighborState::reachable) {
        release_reachable(batch, pending);
        return;
    }
    if (pending.state == NeighborState::failed) {
        release_failed(batch, pending);
        if (pending.queued == 0 && now >= pending.next_at + Duration{std::chrono::seconds{60}}) {
            pending.state = NeighborState::none;  // nobody asks for it any more
        }
        return;
    }
    if (now < pending.next_at) {
        return;
    }
    if (pending.requests < kRequestsMax) {
        if (request(batch, pending.key, kBroadcast)) {
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

void NeighborResolver::slice(Batch& batch, Now now, std::size_t budget) noexcept {
    if (view_.interfaces == nullptr) {
        return;
    }
    if (now >= pending_due_at_) {
        pending_due_at_ = now + kRequestInterval;
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
        advance_probes(batch, now);
    }
    if (now >= ageing_due_at_) {
        ageing_due_at_ = now + kAgeingInterval;
        for (; budget > 0; --budget) {
            age(table_.entry(ageing_cursor_), now);
            ageing_cursor_ = (ageing_cursor_ + 1) % kNeighborsMax;
        }
    }
    advance_announcements(batch, now);
}

void NeighborResolver::age(const NeighborTable::Entry& entry, Now now) noexcept {
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
void NeighborResolver::advance_probes(Batch& batch, Now now) noexcept {
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
            if (request(batch, probe.key, probe.mac)) {
                ++probe.requests;
                probe.next_at = now + kRequestInterval;
            }
        }
        pending_due_at_ = std::min(pending_due_at_, std::max(probe.next_at, now));
    }
}

void NeighborResolver::announce(Now now) noexcept {
    announcements_left_ = kAnnouncements;
    announcement_cursor_ = 0;
    announce_at_ = now;
}

void NeighborResolver::advance_announcements(Batch& batch, Now now) noexcept {
    while (announcements_left_ > 0 && now >= announce_at_) {
        bool is_end = false;
        if (!announce_one(batch, announcement_cursor_, is_end)) {
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

// The position counts every own address of every interface, then every pool address on every
// outside interface that shares its network. False when nothing could be sent for want of a buffer.
bool NeighborResolver::announce_one(Batch& batch, std::size_t position, bool& is_end) noexcept {
    const auto announce_on = [&](const Interface& interface, Ipv4Address address) {
        // Nobody is on a link with a tunnel.
        return !interface.is_up || interface.is_tunnel ||
               send(batch, interface.id,
                    {kArpRequest, interface.mac, address, MacAddress{}, address, kBroadcast});
    };
    for (const Interface& interface : view_.interfaces->all()) {
        if (position < interface.address_count) {
            return announce_on(interface, interface.address_storage[position].address);
        }
        position -= interface.address_count;
    }
    const std::vector<Ipv4Address>& pool = view_.local->pool();
    if (position >= pool.size()) {
        is_end = true;
        return true;
    }
    const Ipv4Address address = pool[position];
    for (const Interface& interface : view_.interfaces->all()) {
        for (const InterfaceAddress& own : interface.addresses()) {
            if (own.prefix.contains(address) && own.address != address) {
                return announce_on(interface, address);
            }
        }
    }
    return true;  // routed to us: nobody resolves it
}

bool NeighborResolver::request(Batch& batch, NeighborKey key, MacAddress target) noexcept {
    const Interface& interface = (*view_.interfaces)[key.interface];
    if (!interface.is_up) {
        return true;  // counts as asked: the answer cannot come
    }
    return send(batch, key.interface,
                {kArpRequest, interface.mac, asking_address(interface, key.address), MacAddress{},
                 key.address, target});
}

bool NeighborResolver::send(Batch& batch, InterfaceId egress, const ArpMessage& message) noexcept {
    const std::optional<PacketIndex> index = batch.originate();
    if (!index.has_value()) {
        return false;
    }
    Packet& packet = batch[*index];
    packet.egress = egress;
    packet.ingress = egress;
    if (write_arp(packet, message)) {
        batch.put(*index, Lane::transmit);
    } else {
        batch.drop(*index, DropReason::no_buffer);
    }
    return true;
}

bool NeighborResolver::discard(Batch& batch) noexcept {
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
