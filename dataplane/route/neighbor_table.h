// SPDX-License-Identifier: BSD-3-Clause
// Which MAC a next hop has: one table for the whole data plane. Worker 0 alone writes; every worker
// reads without locks. Each slot is two 64-bit words, so a reader re-checks the key and never sees
// half a MAC. Only resolved neighbours are here: unresolved ones are in worker 0's
// NeighborResolver.
//
// kNeighborsMax slots in buckets of eight. A full bucket replaces the entry confirmed longest ago;
// that neighbour is resolved again when it is next needed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/packet/interface.h"
#include "dataplane/wire/address.h"

namespace towpath::route {

inline constexpr std::size_t kNeighborsMax = 8192;
inline constexpr std::size_t kNeighborWays = 8;

// nat-behaviour.md 15.4. incomplete and failed never appear in the table.
enum class NeighborState : std::uint8_t { none, incomplete, reachable, stale, probe, failed };

struct NeighborKey {
    InterfaceId interface = kNoInterface;
    Ipv4Address address;
    friend bool operator==(const NeighborKey&, const NeighborKey&) noexcept = default;
};

class NeighborTable {
public:
    NeighborTable();

    void prefetch(NeighborKey key) const noexcept { __builtin_prefetch(&bucket(key)); }
    // Any worker. Marks a stale entry as used, so that worker 0 probes it.
    [[nodiscard]] std::optional<MacAddress> find(NeighborKey key) const noexcept;

    // Any thread; says nothing of use.
    [[nodiscard]] NeighborState state_of(NeighborKey key) const noexcept;
    // Worker 0 only, from here on.
    void confirm(NeighborKey key, MacAddress mac, std::uint32_t now_s) noexcept;
    void set_state(NeighborKey key, NeighborState state) noexcept;
    void remove(NeighborKey key) noexcept;
    // Ends every neighbour of an interface that went away or changed its addresses.
    void remove_interface(InterfaceId interface) noexcept;

    struct Entry {
        NeighborKey key;
        MacAddress mac;
        NeighborState state = NeighborState::none;
        bool was_used = false;  // since it became stale
        std::uint32_t confirmed_s = 0;
    };
    // Slot `index` < kNeighborsMax; state none when empty. For ageing and for `towpath` to list.
    // Any thread may read: a torn entry (replaced while it was read) comes back empty.
    [[nodiscard]] Entry entry(std::size_t index) const noexcept;

private:
    // value: MAC in the low 48 bits, state above. Zero: empty.
    struct Slot {
        std::atomic<std::uint64_t> key{0};
        std::atomic<std::uint64_t> value{0};
    };
    struct alignas(64) Bucket {
        std::array<Slot, kNeighborWays> slots;
    };
    struct Ageing {
        std::atomic<std::uint32_t> confirmed_s{0};
        std::atomic<bool> was_used{false};
    };
    [[nodiscard]] const Bucket& bucket(NeighborKey key) const noexcept;
    [[nodiscard]] std::size_t find_slot(NeighborKey key) const noexcept;  // kNeighborsMax: none
    [[nodiscard]] Slot& slot(std::size_t index) const noexcept;

    std::unique_ptr<std::array<Bucket, kNeighborsMax / kNeighborWays>> buckets_;
    std::unique_ptr<std::array<Ageing, kNeighborsMax>> ageing_;
};

}  // namespace towpath::route
