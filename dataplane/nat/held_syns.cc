// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/held_syns.h"

#include "dataplane/nat/state.h"
#include "dataplane/nat/translator.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::nat {

namespace {

// Left free in the batch for a full burst and what stages originate.
constexpr std::size_t kRoomKept = kBurstMax + 32;

[[nodiscard]] const Ipv4Header& ipv4_of(const Packet& packet) noexcept {
    return packet.header<Ipv4Header>(packet.l3);
}

// Never 0: parse refuses port 0.
[[nodiscard]] std::uint64_t key_of(const Packet& packet) noexcept {
    return std::uint64_t{Ipv4Address{ipv4_of(packet).source}.bits()} << 32U |
           std::uint64_t{packet.source_port.number()} << 16U | packet.destination_port.number();
}

// Whether the sender is still to be told that nobody listens. A session lives longer than a SYN is
// kept, so one that was opened meanwhile is still there. An address that left the pool says
// nothing.
[[nodiscard]] bool is_to_be_rejected(const Translator& translator, const Packet& packet) noexcept {
    const Tables& tables = translator.tables;
    const Pool& pool = tables.pool();
    const PoolSlot slot = pool.slot_of(Ipv4Address{ipv4_of(packet).destination});
    if (!translator.policy->reject_syns || slot == kNoSlot || pool.is_draining(slot)) {
        return false;
    }
    const EntryIndex mapping =
        pool.outside(slot, Protocol::tcp)[packet.destination_port.number()].load(
            std::memory_order_acquire);
    return mapping == kNoEntry || find_session(tables, mapping, Ipv4Address{ipv4_of(packet).source},
                                               packet.source_port) == kNoEntry;
}

}  // namespace

bool HeldSyns::contains(const Packet& packet, std::uint64_t key) const noexcept {
    for (std::size_t slot = 0; slot < kMax; ++slot) {
        if (keys_[slot] == key &&
            ipv4_of(packets_[slot]).destination == ipv4_of(packet).destination) {
            return true;
        }
    }
    return false;
}

bool HeldSyns::hold(const Packet& packet, DropReason reason, Now now) noexcept {
    const std::uint64_t key = key_of(packet);
    if (count_ == kMax || contains(packet, key)) {
        return false;
    }
    const std::size_t slot = (head_ + count_) % kMax;
    keys_[slot] = key;
    due_at_[slot] = now + kHold;
    packets_[slot] = packet;
    packets_[slot].verdict = reason;
    ++count_;
    return true;
}

Packet HeldSyns::take() noexcept {
    TOWPATH_DEBUG_ASSERT(count_ != 0);
    const Packet packet = packets_[head_];
    keys_[head_] = 0;
    head_ = (head_ + 1) % kMax;
    --count_;
    return packet;
}

void held_syn_slice(State& state, Batch& batch, Now now, Counter& released) noexcept {
    Translator& translator = state.translator();
    while (batch.room() > kRoomKept && translator.held_syns.has_due(now)) {
        Packet packet = translator.held_syns.take();
        packet.icmp_type = static_cast<std::uint8_t>(IcmpType::destination_unreachable);
        packet.icmp_code = kIcmpPortUnreachable;
        packet.icmp_mtu_bytes = 0;
        const Lane lane = is_to_be_rejected(translator, packet) ? Lane::icmp_error : Lane::drop;
        static_cast<void>(batch.admit(packet, lane));
        released.add();
    }
}

bool held_syn_discard(State& state, Batch& batch, Counter& released) noexcept {
    HeldSyns& held = state.translator().held_syns;
    while (batch.room() > 0 && !held.empty()) {
        static_cast<void>(batch.admit(held.take(), Lane::drop));
        released.add();
    }
    return !held.empty();
}

}  // namespace towpath::nat
