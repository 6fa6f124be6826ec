// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/neighbor_table.h"

namespace towpath::route {
namespace {

constexpr std::uint64_t kMacMask = 0xFFFFFFFFFFFFU;
constexpr unsigned kStateShift = 48;

// Never zero, so that zero marks an empty slot.
std::uint64_t packed(NeighborKey key) noexcept {
    return std::uint64_t{1} << 40U | static_cast<std::uint64_t>(key.interface) << 32U |
           key.address.bits();
}
NeighborKey unpacked_key(std::uint64_t key) noexcept {
    return {static_cast<InterfaceId>(key >> 32U & 0xFFU),
            Ipv4Address{static_cast<std::uint32_t>(key)}};
}
std::uint64_t packed(MacAddress mac, NeighborState state) noexcept {
    std::uint64_t value = static_cast<std::uint64_t>(state) << kStateShift;
    for (std::size_t index = 0; index < mac.bytes.size(); ++index) {
        value |= std::uint64_t{mac.bytes[index]} << (8 * index);
    }
    return value;
}
MacAddress unpacked_mac(std::uint64_t value) noexcept {
    MacAddress mac;
    for (std::size_t index = 0; index < mac.bytes.size(); ++index) {
        mac.bytes[index] = static_cast<std::uint8_t>(value >> (8 * index));
    }
    return mac;
}
NeighborState state_in(std::uint64_t value) noexcept {
    return static_cast<NeighborState>(value >> kStateShift);
}

std::size_t bucket_index(NeighborKey key) noexcept {
    constexpr std::size_t kBuckets = kNeighborsMax / kNeighborWays;
    const std::uint64_t hash = packed(key) * 0x9E3779B97F4A7C15U;
    return (hash >> 32U) * kBuckets >> 32U;
}

}  // namespace

NeighborTable::NeighborTable()
    : buckets_{std::make_unique<std::array<Bucket, kNeighborsMax / kNeighborWays>>()},
      ageing_{std::make_unique<std::array<Ageing, kNeighborsMax>>()} {}

const NeighborTable::Bucket& NeighborTable::bucket(NeighborKey key) const noexcept {
    return (*buckets_)[bucket_index(key)];
}

NeighborTable::Slot& NeighborTable::slot(std::size_t index) const noexcept {
    return (*buckets_)[index / kNeighborWays].slots[index % kNeighborWays];
}

std::size_t NeighborTable::find_slot(NeighborKey key) const noexcept {
    const std::size_t first = bucket_index(key) * kNeighborWays;
    for (std::size_t index = first; index < first + kNeighborWays; ++index) {
        if (slot(index).key.load(std::memory_order_acquire) == packed(key)) {
            return index;
        }
    }
    return kNeighborsMax;
}

std::optional<MacAddress> NeighborTable::find(NeighborKey key) const noexcept {
    const std::size_t index = find_slot(key);
    if (index == kNeighborsMax) {
        return std::nullopt;
    }
    const std::uint64_t value = slot(index).value.load(std::memory_order_acquire);
    // The writer changes the key only between two stores of the value, so a value of another key
    // shows as a changed key here.
    if (value == 0 || slot(index).key.load(std::memory_order_relaxed) != packed(key)) {
        return std::nullopt;
    }
    if (state_in(value) == NeighborState::stale) {
        std::atomic<bool>& was_used = (*ageing_)[index].was_used;
        if (!was_used.load(std::memory_order_relaxed)) {
            was_used.store(true, std::memory_order_relaxed);
        }
    }
    return unpacked_mac(value);
}

NeighborState NeighborTable::state_of(NeighborKey key) const noexcept {
    const std::size_t index = find_slot(key);
    return index == kNeighborsMax ? NeighborState::none
                                  : state_in(slot(index).value.load(std::memory_order_relaxed));
}

void NeighborTable::confirm(NeighborKey key, MacAddress mac, std::uint32_t now_s) noexcept {
    std::size_t index = find_slot(key);
    if (index == kNeighborsMax) {
        const std::size_t first = bucket_index(key) * kNeighborWays;
        index = first;
        for (std::size_t way = first; way < first + kNeighborWays; ++way) {
            if (slot(way).key.load(std::memory_order_relaxed) == 0) {
                index = way;
                break;
            }
            if ((*ageing_)[way].confirmed_s.load(std::memory_order_relaxed) <
                (*ageing_)[index].confirmed_s.load(std::memory_order_relaxed)) {
                index = way;
            }
        }
        slot(index).value.store(0, std::memory_order_release);
        slot(index).key.store(packed(key), std::memory_order_release);
    }
    (*ageing_)[index].confirmed_s.store(now_s, std::memory_order_relaxed);
    (*ageing_)[index].was_used.store(false, std::memory_order_relaxed);
    slot(index).value.store(packed(mac, NeighborState::reachable), std::memory_order_release);
}

void NeighborTable::set_state(NeighborKey key, NeighborState state) noexcept {
    const std::size_t index = find_slot(key);
    if (index == kNeighborsMax) {
        return;
    }
    const MacAddress mac =
        unpacked_mac(slot(index).value.load(std::memory_order_relaxed) & kMacMask);
    (*ageing_)[index].was_used.store(false, std::memory_order_relaxed);
    slot(index).value.store(packed(mac, state), std::memory_order_release);
}

void NeighborTable::remove(NeighborKey key) noexcept {
    const std::size_t index = find_slot(key);
    if (index != kNeighborsMax) {
        slot(index).value.store(0, std::memory_order_release);
        slot(index).key.store(0, std::memory_order_release);
    }
}

void NeighborTable::remove_interface(InterfaceId interface) noexcept {
    for (std::size_t index = 0; index < kNeighborsMax; ++index) {
        const std::uint64_t key = slot(index).key.load(std::memory_order_relaxed);
        if (key != 0 && unpacked_key(key).interface == interface) {
            remove(unpacked_key(key));
        }
    }
}

NeighborTable::Entry NeighborTable::entry(std::size_t index) const noexcept {
    const std::uint64_t key = slot(index).key.load(std::memory_order_acquire);
    const std::uint64_t value = slot(index).value.load(std::memory_order_acquire);
    if (key == 0 || value == 0 || slot(index).key.load(std::memory_order_relaxed) != key) {
        return {};
    }
    return {unpacked_key(key), unpacked_mac(value), state_in(value),
            (*ageing_)[index].was_used.load(std::memory_order_relaxed),
            (*ageing_)[index].confirmed_s.load(std::memory_order_relaxed)};
}

}  // namespace towpath::route
