// SPDX-License-Identifier: BSD-3-Clause
// Longest-prefix match of one family for many readers and one writer, without locks: a multibit
// trie that skips the bits in which everything below agrees.
//
// A slot is one atomic word: the longest prefix that ends at this node and covers the slot, and
// what lies deeper, a node or a single prefix. So a prefix is written to one node only, whatever
// lies beneath it, and one store publishes a change. Bits that were skipped are not looked at on
// the way down: the prefixes found are compared as a whole, from the longest to the first that
// covers the address. The owner of a prefix stands in its record, in one place: a prefix moves to
// another peer by one store, for all of its addresses at once.
//
// A node that leaves the trie, and a prefix that was removed, stay as they are until every worker
// has passed: who reads them meanwhile sees the trie as it was.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/packet/quiescence.h"
#include "dataplane/wireguard/index_pool.h"
#include "dataplane/wireguard/peer_id.h"
#include "dataplane/wireguard/prefix_records.h"
#include "dataplane/wireguard/zeroed_array.h"

namespace towpath::wireguard {

template <class Shape>
class PrefixTrie {
public:
    using Bits = typename Shape::Bits;
    using Prefix = typename PrefixRecords<Shape>::Prefix;

    // For `prefixes` prefixes whatever they are, and peers below `peers`. `quiescence` outlives
    // the trie.
    PrefixTrie(std::uint32_t prefixes, std::uint32_t peers, Quiescence& quiescence) noexcept;

    // Any thread that reports to the Quiescence.
    void prefetch(Bits address) const noexcept { __builtin_prefetch(&root_[root_slot(address)]); }
    // After prefetch() and some other work: what the root leads to.
    void prefetch_below_root(Bits address) const noexcept {
        const std::uint64_t slot = root_[root_slot(address)].load(std::memory_order_acquire);
        const std::uint32_t child = child_of(slot);
        if (child != 0 && (child & kSingle) == 0) {
            __builtin_prefetch(&nodes_[node_of(child)].slots[slot_at(address, level_of(child))]);
        } else {
            records_.prefetch(child != 0 ? child & ~kSingle : record_of(slot));
        }
    }
    [[nodiscard]] PeerId find(Bits address) const noexcept {
        std::array<std::uint32_t, kLevels + 2> covering;
        std::size_t count = 0;
        std::uint64_t slot = root_[root_slot(address)].load(std::memory_order_acquire);
        for (;;) {
            if (const std::uint32_t record = record_of(slot); record != 0) {
                covering[count++] = record;
            }
            const std::uint32_t child = child_of(slot);
            if (child == 0) {
                break;
            }
            if ((child & kSingle) != 0) {
                covering[count++] = child & ~kSingle;
                break;
            }
            slot = nodes_[node_of(child)].slots[slot_at(address, level_of(child))].load(
                std::memory_order_acquire);
        }
        while (count-- > 0) {
            const auto& record = records_[covering[count]];
            if (record.covers(address)) {
                return record.owner.load(std::memory_order_acquire);
            }
        }
        return kNoPeer;
    }

    // The writer alone, from here on.
    // The peer that owned the prefix, or kNoPeer; nothing if there is no room.
    [[nodiscard]] std::optional<PeerId> insert(Prefix prefix, PeerId peer) noexcept;
    // False if the peer does not own it.
    bool remove(Prefix prefix, PeerId peer) noexcept;
    void remove_all(PeerId peer) noexcept;
    // Whoever owns it; kNoPeer if it was not inserted. Not a longest match.
    [[nodiscard]] PeerId owner_of(Prefix prefix) const noexcept;
    // The prefixes of a peer, the latest first. The visitor must not change the trie.
    template <class Visitor>
    void for_each(PeerId peer, Visitor visit) const noexcept {
        for (std::uint32_t record = records_.first_of(peer); record != 0;
             record = records_.next_of_peer(record)) {
            visit(records_[record].prefix());
        }
    }
    [[nodiscard]] std::uint32_t size() const noexcept { return records_.size(); }
    [[nodiscard]] std::uint32_t node_count() const noexcept { return node_count_; }
    // Of address space; physical memory is taken as records and nodes come to be used.
    [[nodiscard]] std::size_t reserved_bytes() const noexcept;
    // What has been written to so far, at most; root and index of exact prefixes as a whole.
    [[nodiscard]] std::size_t touched_bytes() const noexcept;

private:
    static constexpr unsigned kBits = Shape::kBits;
    static constexpr unsigned kLevels = (kBits - Shape::kRootBits) / Shape::kStride;
    static constexpr std::size_t kRootSlots = std::size_t{1} << Shape::kRootBits;
    static constexpr std::size_t kNodeSlots = std::size_t{1} << Shape::kStride;
    static_assert((kBits - Shape::kRootBits) % Shape::kStride == 0 && kLevels <= 32);

    // A slot: the record in the low half, the child in the high one; 0 is none. A child is a single
    // record, or a node and its level.
    using Slot = std::atomic<std::uint64_t>;
    static constexpr std::uint32_t kSingle = 0x8000'0000;
    static constexpr unsigned kLevelShift = 26;
    static constexpr std::uint32_t kNodesMax = (1U << kLevelShift) - 1;

    struct Node {
        std::array<Slot, kNodeSlots> slots;
    };
    // What only the writer knows of a node: the bits that lead to it, and what it holds.
    struct NodeState {
        Bits path;
        std::uint32_t records;   // prefixes that end here
        std::uint32_t children;  // slots with something deeper
    };
    [[nodiscard]] static std::uint32_t record_of(std::uint64_t slot) noexcept {
        return static_cast<std::uint32_t>(slot);
    }
    [[nodiscard]] static std::uint32_t child_of(std::uint64_t slot) noexcept {
        return static_cast<std::uint32_t>(slot >> 32U);
    }
    [[nodiscard]] static std::uint32_t node_of(std::uint32_t child) noexcept {
        return child & kNodesMax;
    }
    [[nodiscard]] static unsigned level_of(std::uint32_t child) noexcept {
        return child >> kLevelShift & 31U;
    }
    [[nodiscard]] static std::size_t root_slot(Bits address) noexcept {
        return static_cast<std::size_t>(address >> (kBits - Shape::kRootBits));
    }
    [[nodiscard]] static std::size_t slot_at(Bits address, unsigned level) noexcept {
        const unsigned shift = kBits - Shape::kRootBits - Shape::kStride * (level + 1);
        return static_cast<std::size_t>(address >> shift) & (kNodeSlots - 1);
    }
    // The level of the node in which a prefix longer than kRootBits ends.
    [[nodiscard]] static unsigned home_of(std::uint8_t length) noexcept {
        return (length - Shape::kRootBits - 1) / Shape::kStride;
    }

    [[nodiscard]] static std::size_t prefix_slots(std::uint8_t length, unsigned level) noexcept {
        return std::size_t{1} << (Shape::kRootBits + Shape::kStride * (level + 1) - length);
    }

    struct Held;  // a child as the writer looks at it
    [[nodiscard]] Held held_by(std::uint32_t child) const noexcept;
    [[nodiscard]] bool place(std::uint32_t record) noexcept;
    [[nodiscard]] std::uint32_t joined(std::uint32_t child, std::uint32_t record,
                                       unsigned level) noexcept;
    void put_below(std::uint32_t node, unsigned level, std::uint32_t child) noexcept;
    void displace(std::uint32_t record) noexcept;
    void cover(Slot* slots, std::size_t count, std::uint32_t record) noexcept;
    void uncover(Slot* slots, std::size_t count, std::uint32_t record,
                 std::uint8_t length_min) noexcept;
    void shrink(Slot& slot) noexcept;
    [[nodiscard]] std::uint32_t last_of(std::uint32_t node) const noexcept;

    ZeroedArray<Slot> root_;
    ZeroedArray<Node> nodes_;
    ZeroedArray<NodeState> node_states_;
    IndexPool free_nodes_;
    PrefixRecords<Shape> records_;
    std::uint32_t node_count_ = 0;
};

extern template class PrefixTrie<Ipv4TrieShape>;
extern template class PrefixTrie<Ipv6TrieShape>;

}  // namespace towpath::wireguard
