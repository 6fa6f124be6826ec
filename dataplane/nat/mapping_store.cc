// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/mapping_store.h"

#include <algorithm>

#include "dataplane/wire/checksum.h"

namespace towpath::nat {

namespace {

// Events that a resync leaves room for, so that news is not lost behind old.
constexpr std::size_t kResyncHeadRoom = 1024;

void set_deltas(Mapping& mapping) noexcept {
    ChecksumDelta address;
    address.replace(mapping.inside_address().wire(), mapping.outside_address.wire());
    ChecksumDelta transport;
    transport.replace(mapping.inside_port().wire(), mapping.outside_port.wire());
    if (mapping.protocol() != Protocol::icmp) {
        transport.add(address);  // the pseudo-header
    }
    mapping.address_delta = address.folded();
    mapping.transport_delta = transport.folded();
}

}  // namespace

MappingStore::MappingStore(Tables& tables, WorkerId worker, EventRing& events,
                           NatCounters& counters, Random& random) noexcept
    : tables_{tables},
      part_{tables.part(worker)},
      worker_{worker},
      events_{events},
      counters_{counters},
      random_{random} {}

EntryIndex MappingStore::find(InsideKey key, std::uint32_t hash) const noexcept {
    return part_.by_inside.find(hash,
                                [this, key](EntryIndex index) { return at(index).key == key; });
}

Creation MappingStore::ensure(InsideKey key, std::uint32_t hash, std::uint32_t now_s) noexcept {
    const EntryIndex index = find(key, hash);
    if (index != kNoEntry) {
        const MappingState state = at(index).state.load(std::memory_order_relaxed);
        if (state != MappingState::held && tables_.pool().is_draining(at(index).pool_slot)) {
            // Its address leaves the pool: in a moment the endpoint gets another.
            return {kNoEntry, DropReason::nat_port_exhausted};
        }
        if (revive(index, true, now_s)) {
            return {index, DropReason::none};
        }
        if (!has_room()) {
            return {kNoEntry, DropReason::nat_mapping_table_full};
        }
        if (take_back(index, now_s)) {
            return {index, DropReason::none};
        }
        // Its port or address is no longer permitted: the endpoint gets another.
        end_hold(index);
        retire(index);
    }
    return create(key, hash, now_s);
}

Creation MappingStore::create(InsideKey key, std::uint32_t hash, std::uint32_t now_s) noexcept {
    if (!has_room()) {
        return {kNoEntry, DropReason::nat_mapping_table_full};
    }
    if (runs_short()) {
        release_oldest_hold();
    }
    const EntryIndex index = take_free();
    if (index == kNoEntry) {
        return {kNoEntry, DropReason::nat_mapping_table_full};
    }
    Mapping& mapping = at(index);
    mapping.key = key;
    if (!take_outside(mapping)) {
        release(index);
        return {kNoEntry, DropReason::nat_port_exhausted};
    }
    set_deltas(mapping);
    mapping.is_replied.store(false, std::memory_order_relaxed);
    mapping.last_used_s.store(now_s, std::memory_order_relaxed);
    mapping.created_s = now_s;
    mapping.sessions = 0;
    mapping.state.store(MappingState::live, std::memory_order_release);
    if (!part_.by_inside.insert(hash, index)) {
        give_back_port(mapping);
        release(index);
        return {kNoEntry, DropReason::nat_mapping_table_full};
    }
    publish_outside(mapping, index);
    ++live_;
    schedule(index, now_s);
    counters_.mappings_created[protocol_position(mapping.protocol())].add();
    emit(MappingEventKind::created, mapping, now_s);
    return {index, DropReason::none};
}

bool MappingStore::take_outside(Mapping& mapping) noexcept {
    mapping.pool_slot = kNoSlot;
    mapping.outside_address = mapping.inside_address();
    mapping.outside_port = mapping.inside_port();
    if (mapping.realm() == kIdentityRealm) {
        return true;
    }
    Pool& pool = tables_.pool();
    const PoolSlot slot = pool.slot_for(mapping.key);
    if (slot == kNoSlot) {
        return false;
    }
    const Protocol protocol = mapping.protocol();
    PortMap& ports = pool.ports(slot, protocol);
    const std::optional<Port> port =
        protocol == Protocol::icmp
            ? claim_identifier(ports, identifiers_, mapping.inside_port(), random_)
            : claim_port(ports, permissions_, mapping.inside_port(), random_);
    if (!port) {
        ports.note_refusal();
        return false;
    }
    mapping.pool_slot = slot;
    mapping.outside_address = pool.address_of(slot);
    mapping.outside_port = *port;
    return true;
}

void MappingStore::give_back_port(const Mapping& mapping) noexcept {
    if (mapping.pool_slot != kNoSlot) {
        tables_.pool().ports(mapping.pool_slot, mapping.protocol()).release(mapping.outside_port);
    }
}

void MappingStore::publish_outside(const Mapping& mapping, EntryIndex index) noexcept {
    if (mapping.pool_slot != kNoSlot) {
        tables_.pool()
            .outside(mapping.pool_slot, mapping.protocol())[mapping.outside_port.number()]
            .store(index, std::memory_order_release);
    }
}

void MappingStore::prefetch_creation(InsideKey key, std::size_t ahead) const noexcept {
    const std::size_t fresh = fresh_ + ahead;
    const EntryIndex local =
        free_ != kNoEntry
            ? local_of(free_)
            : static_cast<EntryIndex>(std::min<std::size_t>(fresh, part_.mapping_entries));
    __builtin_prefetch(&part_.mappings[local], 1);
    const Pool& pool = tables_.pool();
    const PoolSlot slot = pool.slot_for(key);
    if (slot != kNoSlot) {
        const Port port{static_cast<std::uint16_t>(key >> 16U)};
        const auto protocol = static_cast<Protocol>(static_cast<std::uint8_t>(key));
        pool.ports(slot, protocol).prefetch(port);
        __builtin_prefetch(&pool.outside(slot, protocol)[port.number()], 1);
    }
}

bool MappingStore::revive(EntryIndex index, bool is_used, std::uint32_t now_s) noexcept {
    Mapping& mapping = at(index);
    const MappingState state = mapping.state.load(std::memory_order_relaxed);
    if (state != MappingState::live && state != MappingState::ending) {
        return false;
    }
    if (!is_used && is_idle(mapping, now_s)) {
        return false;
    }
    if (is_used) {
        mapping.last_used_s.store(now_s, std::memory_order_relaxed);
    }
    if (state == MappingState::ending) {
        // It stays in the wait queue, which finds it live and goes back to the wheel.
        mapping.state.store(MappingState::live, std::memory_order_release);
        counters_.revived.add();
    }
    return true;
}

// RFC 6888 REQ-8 does not bind the endpoint that had the port (nat-behaviour.md 2, decision 10).
bool MappingStore::take_back(EntryIndex index, std::uint32_t now_s) noexcept {
    Mapping& mapping = at(index);
    if (!is_permitted(mapping)) {
        return false;
    }
    end_hold(index);
    mapping.is_replied.store(false, std::memory_order_relaxed);
    mapping.last_used_s.store(now_s, std::memory_order_relaxed);
    mapping.created_s = now_s;
    mapping.state.store(MappingState::live, std::memory_order_release);
    ++live_;
    schedule(index, now_s);
    counters_.holds_taken_back.add();
    counters_.mappings_created[protocol_position(mapping.protocol())].add();
    emit(MappingEventKind::created, mapping, now_s);
    return true;
}

bool MappingStore::is_permitted(const Mapping& mapping) const noexcept {
    return !tables_.pool().is_draining(mapping.pool_slot) &&
           tables_.pool().slot_for(mapping.key) == mapping.pool_slot &&
           (mapping.protocol() == Protocol::icmp ? identifiers_ : permissions_)
               .permits(mapping.outside_port);
}

void MappingStore::remove_session(EntryIndex index, std::uint32_t now_s) noexcept {
    Mapping& mapping = at(index);
    if (--mapping.sessions != 0 || mapping.is_waiting ||
        mapping.state.load(std::memory_order_relaxed) != MappingState::live) {
        return;
    }
    wheel_.cancel(part_.mappings, index);
    if (is_idle(mapping, now_s)) {
        begin_end(index);
    } else {
        schedule(index, now_s);
    }
}

bool MappingStore::is_idle(const Mapping& mapping, std::uint32_t now_s) const noexcept {
    if (mapping.sessions != 0) {
        return false;
    }
    if (mapping.protocol() == Protocol::tcp) {
        return true;
    }
    const auto idle_s =
        static_cast<std::int32_t>(now_s - mapping.last_used_s.load(std::memory_order_relaxed));
    return idle_s > static_cast<std::int32_t>(timeout_s(mapping));
}

std::uint32_t MappingStore::timeout_s(const Mapping& mapping) const noexcept {
    return timeouts_.of_mapping(mapping.protocol(),
                                mapping.is_replied.load(std::memory_order_relaxed));
}

void MappingStore::schedule(EntryIndex index, std::uint32_t now_s) noexcept {
    const Mapping& mapping = at(index);
    std::uint32_t in_s = TimerWheel<Mapping>::kHorizon_s;
    if (mapping.protocol() != Protocol::tcp) {
        const std::uint32_t due_s =
            mapping.last_used_s.load(std::memory_order_relaxed) + timeout_s(mapping) + 1;
        in_s = static_cast<std::int32_t>(due_s - now_s) > 0 ? due_s - now_s : in_s;
    }
    wheel_.schedule(part_.mappings, index, now_s, in_s);
}

EntryIndex MappingStore::take_free() noexcept {
    if (free_ != kNoEntry) {
        const EntryIndex index = free_;
        free_ = at(index).next;
        --free_count_;
        return index;
    }
    if (fresh_ > part_.mapping_entries) {
        return kNoEntry;
    }
    return EntryIndex{worker_} << kOwnerShift | fresh_++;
}

void MappingStore::emit(MappingEventKind kind, const Mapping& mapping,
                        std::uint32_t now_s) noexcept {
    const MappingEvent event{
        .inside = {mapping.inside_address(), mapping.inside_port()},
        .outside = {mapping.outside_address, mapping.outside_port},
        .time_s = now_s,
        .kind = kind,
        .protocol = mapping.protocol(),
        .is_translated = mapping.realm() != kIdentityRealm,
    };
    if (!events_.push(event)) {
        events_.lost.add();
        resync_ = Resync::wanted;
    }
}

void MappingStore::resync(std::uint32_t now_s, std::size_t budget) noexcept {
    if (resync_ == Resync::none || events_.room() < kResyncHeadRoom) {
        return;
    }
    MappingEvent mark;
    mark.time_s = now_s;
    mark.kind = MappingEventKind::resync_begin;
    if (resync_ == Resync::wanted) {
        static_cast<void>(events_.push(mark));  // there is room
        counters_.resyncs.add();
        resync_cursor_ = 1;
        resync_ = Resync::running;
    }
    std::size_t room = events_.room() - kResyncHeadRoom / 2;
    for (; budget != 0 && room != 0 && resync_cursor_ < fresh_; --budget, ++resync_cursor_) {
        const Mapping& mapping = part_.mappings[resync_cursor_];
        const MappingState state = mapping.state.load(std::memory_order_relaxed);
        if (state == MappingState::live || state == MappingState::ending) {
            emit(MappingEventKind::exists, mapping, now_s);
            --room;
        }
    }
    if (resync_cursor_ >= fresh_) {
        mark.kind = MappingEventKind::resync_end;
        if (events_.push(mark)) {
            resync_ = Resync::none;
        }
    }
}

}  // namespace towpath::nat
