// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/neighbor_table.h"

namespace towpath::ipv6 {
namespace {

constexpr unsigned kInterfaceShift = 48;
constexpr unsigned kStateShift = 56;
constexpr std::uint64_t kOneChange = std::uint64_t{1} << 60U;

std::uint64_t packed(MacAddress mac, InterfaceId interface, NeighborState state) noexcept {
    std::uint64_t value = static_cast<std::uint64_t>(interface) << kInterfaceShift |
                          static_cast<std::uint64_t>(state) << kStateShift;
    for (std::size_t octet = 0; octet < mac.bytes.size(); ++octet) {
        value |= std::uint64_t{mac.bytes[octet]} << (8 * octet);
    }
    return value;
}
MacAddress mac_in(std::uint64_t value) noexcept {
    MacAddress mac;
    for (std::size_t octet = 0; octet < mac.bytes.size(); ++octet) {
        mac.bytes[octet] = static_cast<std::uint8_t>(value >> (8 * octet));
    }
    return mac;
}
InterfaceId interface_in(std::uint64_t value) noexcept {
    return static_cast<InterfaceId>(value >> kInterfaceShift & 0xFFU);
}
NeighborState state_in(std::uint64_t value) noexcept {
    return static_cast<NeighborState>(value >> kStateShift & 0xFU);
}

std::size_t first_of(const NeighborKey& key) noexcept {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;
    constexpr std::size_t kBuckets = kNeighborsMax / kNeighborWays;
    const Ipv6Words words = words_of(key.address);
    std::uint64_t hash = (words.high ^ static_cast<std::uint64_t>(key.interface)) * kOdd;
    hash = (hash ^ hash >> 32U ^ words.low) * kOdd;
    return ((hash >> 32U) * kBuckets >> 32U) * kNeighborWays;
}

}  // namespace

NeighborTable::NeighborTable() : slots_{std::make_unique<Slots>()} {}

// For the writer, whose own stores these are.
std::size_t NeighborTable::find_slot(const NeighborKey& key) const noexcept {
    const Ipv6Words words = words_of(key.address);
    const std::size_t first = first_of(key);
    for (std::size_t index = first; index < first + kNeighborWays; ++index) {
        const Slot& slot = (*slots_)[index];
        const std::uint64_t value = slot.value.load(std::memory_order_relaxed);
        if (state_in(value) != NeighborState::none && interface_in(value) == key.interface &&
            slot.high.load(std::memory_order_relaxed) == words.high &&
            slot.low.load(std::memory_order_relaxed) == words.low) {
            return index;
        }
    }
    return kNeighborsMax;
}

std::optional<MacAddress> NeighborTable::find(const NeighborKey& key) const noexcept {
    const Ipv6Words words = words_of(key.address);
    const std::size_t first = first_of(key);
    for (std::size_t index = first; index < first + kNeighborWays; ++index) {
        Slot& slot = (*slots_)[index];
        const std::uint64_t value = slot.value.load(std::memory_order_acquire);
        if (state_in(value) == NeighborState::none || interface_in(value) != key.interface ||
            slot.high.load(std::memory_order_acquire) != words.high ||
            slot.low.load(std::memory_order_acquire) != words.low ||
            slot.value.load(std::memory_order_relaxed) != value) {
            continue;
        }
        if (state_in(value) == NeighborState::stale &&
            !slot.was_used.load(std::memory_order_relaxed)) {
            slot.was_used.store(true, std::memory_order_relaxed);
        }
        return mac_in(value);
    }
    return std::nullopt;
}

NeighborTable::Entry NeighborTable::entry(std::size_t index) const noexcept {
    const Slot& slot = (*slots_)[index];
    const std::uint64_t value = slot.value.load(std::memory_order_acquire);
    if (state_in(value) == NeighborState::none) {
        return {};
    }
    const Ipv6Words words{slot.high.load(std::memory_order_acquire),
                          slot.low.load(std::memory_order_acquire)};
    if (slot.value.load(std::memory_order_relaxed) != value) {
        return {};
    }
    return {{interface_in(value), address_of(words)},
            mac_in(value),
            state_in(value),
            slot.was_used.load(std::memory_order_relaxed),
            slot.confirmed_s.load(std::memory_order_relaxed)};
}

NeighborTable::Entry NeighborTable::entry_of(const NeighborKey& key) const noexcept {
    const std::size_t index = find_slot(key);
    return index == kNeighborsMax ? Entry{} : entry(index);
}

void NeighborTable::write(Slot& slot, MacAddress mac, InterfaceId interface,
                          NeighborState state) noexcept {
    const std::uint64_t changes = slot.value.load(std::memory_order_relaxed) & ~(kOneChange - 1);
    const std::uint64_t value = state == NeighborState::none ? 0 : packed(mac, interface, state);
    slot.value.store(value | (changes + kOneChange), std::memory_order_release);
}

void NeighborTable::confirm(const NeighborKey& key, MacAddress mac, std::uint32_t now_s) noexcept {
    std::size_t index = find_slot(key);
    if (index == kNeighborsMax) {
        const std::size_t first = first_of(key);
        index = first;
        for (std::size_t way = first; way < first + kNeighborWays; ++way) {
            const Slot& slot = (*slots_)[way];
            if (state_in(slot.value.load(std::memory_order_relaxed)) == NeighborState::none) {
                index = way;
                break;
            }
            if (slot.confirmed_s.load(std::memory_order_relaxed) <
                (*slots_)[index].confirmed_s.load(std::memory_order_relaxed)) {
                index = way;
            }
        }
        // Empty while the address changes: a reader that saw the old word sees another behind it.
        Slot& slot = (*slots_)[index];
        const Ipv6Words words = words_of(key.address);
        write(slot, {}, kNoInterface, NeighborState::none);
        slot.high.store(words.high, std::memory_order_release);
        slot.low.store(words.low, std::memory_order_release);
    }
    Slot& slot = (*slots_)[index];
    slot.confirmed_s.store(now_s, std::memory_order_relaxed);
    slot.was_used.store(false, std::memory_order_relaxed);
    write(slot, mac, key.interface, NeighborState::reachable);
}

void NeighborTable::set_state(const NeighborKey& key, NeighborState state) noexcept {
    const std::size_t index = find_slot(key);
    if (index != kNeighborsMax) {
        Slot& slot = (*slots_)[index];
        const MacAddress mac = mac_in(slot.value.load(std::memory_order_relaxed));
        slot.was_used.store(false, std::memory_order_relaxed);
        write(slot, mac, key.interface, state);
    }
}

void NeighborTable::remove(const NeighborKey& key) noexcept {
    set_state(key, NeighborState::none);
}

void NeighborTable::remove_interface(InterfaceId interface) noexcept {
    for (Slot& slot : *slots_) {
        const std::uint64_t value = slot.value.load(std::memory_order_relaxed);
        if (state_in(value) != NeighborState::none && interface_in(value) == interface) {
            write(slot, {}, kNoInterface, NeighborState::none);
        }
    }
}

}  // namespace towpath::ipv6
