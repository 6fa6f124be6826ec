// SPDX-License-Identifier: BSD-3-Clause
// The outside addresses: each has a slot with its ports (port_map.h) and its part of BY_EXT, a
// direct array from port to mapping. A slot keeps its address until no mapping holds a port there,
// so indexes in mappings stay true over a reload.
//
// Pairing (RFC 4787 REQ-2, RFC 6888 REQ-2): an inside address is hashed to one of 65536 cells, a
// cell names the slot. A reload moves only cells that lose their slot or belong to a new one.
//
// The addresses of interfaces to which source NAT of tunnels translates (realm.h) have slots too,
// which no cell names: a realm names its slot.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/nat/keyed_hash.h"
#include "dataplane/nat/mapping.h"
#include "dataplane/nat/memory.h"
#include "dataplane/nat/port_map.h"
#include "dataplane/nat/view.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/result.h"

namespace towpath::nat {

using PoolSlot = std::uint16_t;
inline constexpr PoolSlot kNoSlot = 0xFFFF;
inline constexpr std::size_t kPoolAddressesMax = 4096;

class Pool {
public:
    // Published with release, read with acquire; kNoEntry where nothing is.
    using Outside = std::array<std::atomic<EntryIndex>, 65536>;

    Pool() = default;
    // At most kPoolAddressesMax addresses, those of realms included. Pages are touched when a slot
    // gets its address.
    [[nodiscard]] static Outcome<Pool> create(std::size_t addresses, std::uint64_t pairing_key);

    // See Tables::bind_pool. One thread at a time, not a worker.
    [[nodiscard]] Outcome<void> bind(std::span<const Ipv4Address> addresses,
                                     const RealmAddresses& realms);

    // Any worker, as all below.
    [[nodiscard]] PoolSlot slot_of(Ipv4Address address) const noexcept {
        const std::uint64_t wanted = address.bits();
        std::size_t cell = locate(address);
        for (std::size_t step = 0; step <= locator_mask_; ++step) {
            const std::uint64_t value = locator_[cell].load(std::memory_order_acquire);
            if (value == 0) {
                break;
            }
            if (value >> 32U == wanted && (value & 0xFFFFU) != 0) {
                return static_cast<PoolSlot>((value & 0xFFFFU) - 1);
            }
            cell = (cell + 1) & locator_mask_;
        }
        return kNoSlot;
    }
    // Where a new mapping of `key` goes; kNoSlot when its realm has no address.
    [[nodiscard]] PoolSlot slot_for(InsideKey key) const noexcept {
        const Realm realm = realm_of(key);
        if (realm == kOutsideRealm) {
            return paired_slot(Ipv4Address{static_cast<std::uint32_t>(key >> 32U)});
        }
        const std::size_t interface = static_cast<std::size_t>(realm) - 1;
        return interface < kInterfacesMax
                   ? static_cast<PoolSlot>(realms_[interface].load(std::memory_order_relaxed) - 1)
                   : kNoSlot;
    }
    // Of the pool, for an inside address; kNoSlot when it is empty.
    [[nodiscard]] PoolSlot paired_slot(Ipv4Address inside) const noexcept {
        return static_cast<PoolSlot>(
            paired_[folded_product(inside.bits() ^ key_, 0xA0761D6478BD642FU ^ key_ << 1U) % kPairs]
                .load(std::memory_order_relaxed) -
            1);
    }
    [[nodiscard]] Ipv4Address address_of(PoolSlot slot) const noexcept {
        return Ipv4Address{slots_[slot].address.load(std::memory_order_relaxed)};
    }
    [[nodiscard]] bool is_draining(PoolSlot slot) const noexcept {
        return slot != kNoSlot && slots_[slot].use.load(std::memory_order_acquire) == Use::draining;
    }
    [[nodiscard]] Outside& outside(PoolSlot slot, Protocol protocol) const noexcept {
        return slots_[slot].outside[protocol_position(protocol)];
    }
    [[nodiscard]] PortMap& ports(PoolSlot slot, Protocol protocol) const noexcept {
        return slots_[slot].ports[protocol_position(protocol)];
    }
    // Rises when a slot begins to drain: owners then look for mappings to end.
    [[nodiscard]] std::uint32_t drains() const noexcept {
        return drains_->load(std::memory_order_acquire);
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size_bytes(); }
    [[nodiscard]] std::size_t slots() const noexcept { return slot_count_; }

private:
    static constexpr std::size_t kPairs = 65536;
    enum class Use : std::uint8_t { free, active, realm, draining };
    struct Slot {
        std::atomic<std::uint32_t> address{0};
        std::atomic<Use> use{Use::free};
        Outside* outside = nullptr;  // kProtocolCount of each
        PortMap* ports = nullptr;
    };

    [[nodiscard]] std::size_t locate(Ipv4Address address) const noexcept {
        return folded_product(address.bits() ^ key_, 0xE7037ED1A0B428DBU) & locator_mask_;
    }
    void free_drained() noexcept;
    void enter(Ipv4Address address, PoolSlot slot) noexcept;
    void leave(PoolSlot slot) noexcept;
    void pair_again() noexcept;
    void name_realms(const RealmAddresses& realms) noexcept;
    [[nodiscard]] std::size_t free_slots() const noexcept;
    [[nodiscard]] PoolSlot free_slot() const noexcept;
    [[nodiscard]] bool is_unused(const Slot& slot) const noexcept;

    Memory memory_;
    std::uint64_t key_ = 0;
    std::size_t slot_count_ = 0;
    std::size_t locator_mask_ = 0;
    Slot* slots_ = nullptr;
    std::atomic<std::uint64_t>* locator_ = nullptr;  // address << 32 | slot + 1
    std::atomic<PoolSlot>* paired_ = nullptr;        // slot + 1; 0 while there is none
    std::atomic<PoolSlot>* realms_ = nullptr;        // by interface id; slot + 1; 0: none
    std::atomic<std::uint32_t>* drains_ = nullptr;
};

}  // namespace towpath::nat
