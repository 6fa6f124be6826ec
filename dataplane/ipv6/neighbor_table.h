// SPDX-License-Identifier: BSD-3-Clause
// Which MAC an IPv6 next hop has: one table for the whole data plane. Worker 0 alone writes; every
// worker reads without locks: the word with the MAC carries a count of changes and is read before
// and after the address, so that a reader never takes the MAC of another. Only resolved neighbours
// are here: unresolved ones are in worker 0's NeighborResolver.
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
#include "dataplane/route/neighbor_table.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath::ipv6 {

using route::NeighborState;  // RFC 4861 section 7.3.2, with ARP's names

inline constexpr std::size_t kNeighborsMax = 4096;
inline constexpr std::size_t kNeighborWays = 8;

struct NeighborKey {
    InterfaceId interface = kNoInterface;
    Ipv6Address address;
    friend bool operator==(const NeighborKey&, const NeighborKey&) noexcept = default;
};

class NeighborTable {
public:
    NeighborTable();

    // Any worker. Marks a stale entry as used, so that worker 0 probes it.
    [[nodiscard]] std::optional<MacAddress> find(const NeighborKey& key) const noexcept;

    struct Entry {
        NeighborKey key;
        MacAddress mac;
        NeighborState state = NeighborState::none;
        bool was_used = false;  // since it became stale
        std::uint32_t confirmed_s = 0;
    };
    // Slot `index` < kNeighborsMax; state none when empty. Any thread may read: a torn entry
    // (replaced while it was read) comes back empty.
    [[nodiscard]] Entry entry(std::size_t index) const noexcept;
    // Worker 0 only, from here on.
    // Of the neighbour; its state may be asked for by any thread.
    [[nodiscard]] Entry entry_of(const NeighborKey& key) const noexcept;
    void confirm(const NeighborKey& key, MacAddress mac, std::uint32_t now_s) noexcept;
    void set_state(const NeighborKey& key, NeighborState state) noexcept;
    void remove(const NeighborKey& key) noexcept;
    // Ends every neighbour of an interface that went away.
    void remove_interface(InterfaceId interface) noexcept;

private:
    // value, from the low end: MAC 48 bits, interface 8, state 4, changes 4. State none: empty.
    struct Slot {
        std::atomic<std::uint64_t> value{0};
        std::atomic<std::uint64_t> high{0};
        std::atomic<std::uint64_t> low{0};
        std::atomic<std::uint32_t> confirmed_s{0};
        std::atomic<bool> was_used{false};
    };
    using Slots = std::array<Slot, kNeighborsMax>;

    [[nodiscard]] std::size_t find_slot(const NeighborKey& key) const noexcept;  // Max: none
    void write(Slot& slot, MacAddress mac, InterfaceId interface, NeighborState state) noexcept;

    std::unique_ptr<Slots> slots_;
};

}  // namespace towpath::ipv6
