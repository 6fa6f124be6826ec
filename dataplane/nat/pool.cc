// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/pool.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace towpath::nat {

namespace {

constexpr std::size_t kOutsideBytes = sizeof(Pool::Outside) * kProtocolCount;
constexpr std::size_t kPortsBytes = sizeof(PortMap) * kProtocolCount;

}  // namespace

Outcome<Pool> Pool::create(std::size_t addresses, std::uint64_t pairing_key) {
    if (addresses == 0 || addresses > kPoolAddressesMax) {
        return fail(ExitCode::usage, "a NAT pool holds 1 to " + std::to_string(kPoolAddressesMax) +
                                         " addresses, not " + std::to_string(addresses));
    }
    Pool pool;
    pool.key_ = pairing_key | 1U;
    pool.slot_count_ = addresses;
    const std::size_t locators = std::bit_ceil(addresses * 4);
    pool.locator_mask_ = locators - 1;
    const std::size_t size = Memory::size_of<Slot>(addresses) +
                             Memory::size_of<std::atomic<std::uint64_t>>(locators) +
                             Memory::size_of<std::atomic<PoolSlot>>(kPairs) +
                             Memory::size_of<std::atomic<PoolSlot>>(kInterfacesMax) + 64 +
                             addresses * (kOutsideBytes + kPortsBytes);
    Outcome<Memory> memory = Memory::reserve(size, Memory::Touch::later);
    if (!memory) {
        return tl::unexpected<Failure>{std::move(memory.error())};
    }
    pool.memory_ = std::move(*memory);
    pool.slots_ = pool.memory_.take<Slot>(addresses);
    pool.locator_ = pool.memory_.take<std::atomic<std::uint64_t>>(locators);
    pool.paired_ = pool.memory_.take_zeroed<std::atomic<PoolSlot>>(kPairs);
    pool.realms_ = pool.memory_.take_zeroed<std::atomic<PoolSlot>>(kInterfacesMax);
    pool.drains_ = pool.memory_.take<std::atomic<std::uint32_t>>(1);
    for (std::size_t slot = 0; slot < addresses; ++slot) {
        pool.slots_[slot].outside = pool.memory_.take_zeroed<Outside>(kProtocolCount);
        pool.slots_[slot].ports = pool.memory_.take_zeroed<PortMap>(kProtocolCount);
    }
    return pool;
}

Outcome<void> Pool::bind(std::span<const Ipv4Address> addresses, const RealmAddresses& realms) {
    free_drained();
    std::vector<Ipv4Address> wanted{addresses.begin(), addresses.end()};
    std::copy_if(realms.begin(), realms.end(), std::back_inserter(wanted),
                 [](Ipv4Address address) { return !address.is_unspecified(); });
    const auto is_among = [](std::span<const Ipv4Address> list, Ipv4Address address) {
        return std::find(list.begin(), list.end(), address) != list.end();
    };
    std::size_t missing = 0;
    for (std::size_t position = 0; position < wanted.size(); ++position) {
        const bool is_repeated = is_among(std::span{wanted}.first(position), wanted[position]);
        missing += !is_repeated && slot_of(wanted[position]) == kNoSlot ? 1U : 0U;
    }
    if (missing > free_slots()) {
        return fail(ExitCode::refused,
                    "the NAT pool has room for " + std::to_string(slot_count_) +
                        " addresses, those that mappings still use included, and " +
                        std::to_string(missing - free_slots()) +
                        " more are asked for; wait for removed ones to drain or restart with a "
                        "larger capacity");
    }
    const auto use_of = [&](Ipv4Address address) {
        return is_among(addresses, address) ? Use::active
               : is_among(wanted, address)  ? Use::realm
                                            : Use::draining;
    };
    bool drains = false;
    for (std::size_t slot = 0; slot < slot_count_; ++slot) {
        Slot& candidate = slots_[slot];
        if (candidate.use.load(std::memory_order_relaxed) == Use::free) {
            continue;
        }
        const Use use = use_of(address_of(static_cast<PoolSlot>(slot)));
        drains = drains || use == Use::draining;
        candidate.use.store(use, std::memory_order_release);
    }
    for (const Ipv4Address address : wanted) {
        if (slot_of(address) == kNoSlot) {
            const PoolSlot slot = free_slot();
            enter(address, slot);
            slots_[slot].use.store(use_of(address), std::memory_order_release);
        }
    }
    pair_again();
    name_realms(realms);
    if (drains) {
        drains_->fetch_add(1, std::memory_order_release);
    }
    return {};
}

void Pool::name_realms(const RealmAddresses& realms) noexcept {
    for (std::size_t interface = 0; interface < kInterfacesMax; ++interface) {
        const PoolSlot slot =
            realms[interface].is_unspecified() ? kNoSlot : slot_of(realms[interface]);
        realms_[interface].store(static_cast<PoolSlot>(slot + 1), std::memory_order_relaxed);
    }
}

std::size_t Pool::free_slots() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        slots_, slots_ + slot_count_,
        [](const Slot& slot) { return slot.use.load(std::memory_order_relaxed) == Use::free; }));
}

void Pool::free_drained() noexcept {
    for (std::size_t slot = 0; slot < slot_count_; ++slot) {
        Slot& candidate = slots_[slot];
        if (candidate.use.load(std::memory_order_relaxed) == Use::draining &&
            is_unused(candidate)) {
            leave(static_cast<PoolSlot>(slot));
        }
    }
}

bool Pool::is_unused(const Slot& slot) const noexcept {
    return std::all_of(slot.ports, slot.ports + kProtocolCount,
                       [](const PortMap& ports) { return ports.taken() == 0; });
}

PoolSlot Pool::free_slot() const noexcept {
    const auto* found = std::find_if(slots_, slots_ + slot_count_, [](const Slot& slot) {
        return slot.use.load(std::memory_order_relaxed) == Use::free;
    });
    return static_cast<PoolSlot>(found - slots_);
}

void Pool::enter(Ipv4Address address, PoolSlot slot) noexcept {
    // The pages are touched here, by the thread that is no worker.
    std::memset(static_cast<void*>(slots_[slot].outside), 0, kOutsideBytes);
    std::memset(static_cast<void*>(slots_[slot].ports), 0, kPortsBytes);
    slots_[slot].address.store(address.bits(), std::memory_order_relaxed);
    // Cells of addresses that left are taken again: with four cells per slot one is always found.
    std::size_t cell = locate(address);
    while ((locator_[cell].load(std::memory_order_relaxed) & 0xFFFFU) != 0) {
        cell = (cell + 1) & locator_mask_;
    }
    locator_[cell].store(std::uint64_t{address.bits()} << 32U | (slot + 1U),
                         std::memory_order_release);
}

void Pool::leave(PoolSlot slot) noexcept {
    for (std::size_t cell = 0; cell <= locator_mask_; ++cell) {
        const std::uint64_t value = locator_[cell].load(std::memory_order_relaxed);
        if ((value & 0xFFFFU) == slot + 1U) {
            // Not zero: a search for another address goes on past it.
            locator_[cell].store(std::uint64_t{0xFFFFFFFF} << 32U, std::memory_order_release);
        }
    }
    slots_[slot].use.store(Use::free, std::memory_order_release);
}

// Highest random weight (rendezvous hashing): a cell moves only when its best slot changes.
void Pool::pair_again() noexcept {
    std::vector<std::pair<PoolSlot, std::uint64_t>> active;
    for (std::size_t slot = 0; slot < slot_count_; ++slot) {
        if (slots_[slot].use.load(std::memory_order_relaxed) == Use::active) {
            active.emplace_back(static_cast<PoolSlot>(slot),
                                address_of(static_cast<PoolSlot>(slot)).bits());
        }
    }
    if (active.size() == 1) {
        const auto only = static_cast<PoolSlot>(active.front().first + 1);
        std::for_each(paired_, paired_ + kPairs, [only](std::atomic<PoolSlot>& cell) {
            cell.store(only, std::memory_order_relaxed);
        });
        return;
    }
    for (std::size_t cell = 0; cell < kPairs; ++cell) {
        PoolSlot best = kNoSlot;
        std::uint64_t best_weight = 0;
        for (const auto& [slot, bits] : active) {
            const std::uint64_t weight = folded_product(
                folded_product(bits ^ key_, 0x8EBC6AF09C88C6E3U) ^ cell, 0x589965CC75374CC3U);
            if (best == kNoSlot || weight > best_weight) {
                best = slot;
                best_weight = weight;
            }
        }
        paired_[cell].store(static_cast<PoolSlot>(best + 1), std::memory_order_relaxed);
    }
}

}  // namespace towpath::nat
