// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/prefix_trie.h"

#include <algorithm>
#include <bit>
#include <type_traits>

#include "dataplane/wire/assertion.h"

namespace towpath::wireguard {
namespace {

constexpr std::uint64_t kRecordHalf = 0xFFFF'FFFF;

// Release: whoever reads the new half sees the record or the node behind it.
void set_record(std::atomic<std::uint64_t>& slot, std::uint32_t record) noexcept {
    const std::uint64_t old = slot.load(std::memory_order_relaxed);
    slot.store((old & ~kRecordHalf) | record, std::memory_order_release);
}
void set_child(std::atomic<std::uint64_t>& slot, std::uint32_t child) noexcept {
    const std::uint64_t old = slot.load(std::memory_order_relaxed);
    slot.store((old & kRecordHalf) | std::uint64_t{child} << 32U, std::memory_order_release);
}

unsigned leading_zeros(std::uint32_t bits) noexcept {
    return static_cast<unsigned>(std::countl_zero(bits));
}
unsigned leading_zeros(unsigned __int128 bits) noexcept {
    const auto high = static_cast<std::uint64_t>(bits >> 64U);
    const auto low = static_cast<std::uint64_t>(bits);
    return static_cast<unsigned>(high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low));
}

template <class Bits>
Bits truncated(Bits address, unsigned length) noexcept {
    constexpr unsigned kBits = sizeof(Bits) * 8;
    return length == 0 ? Bits{0} : address >> (kBits - length) << (kBits - length);
}

}  // namespace

template <class Shape>
struct PrefixTrie<Shape>::Held {
    Bits path;
    unsigned level;  // of the node, or of the one in which the single prefix would end
    bool is_node;
};

// Every node holds two things at least, so there are fewer nodes than prefixes.
template <class Shape>
PrefixTrie<Shape>::PrefixTrie(std::uint32_t prefixes, std::uint32_t peers,
                              Quiescence& quiescence) noexcept
    : root_(kRootSlots, Pages::ordinary),
      nodes_(with_headroom(prefixes) + 1U, Pages::huge),
      node_states_(with_headroom(prefixes) + 1U, Pages::ordinary),
      free_nodes_(with_headroom(prefixes), quiescence),
      records_(prefixes, peers, quiescence) {
    TOWPATH_ASSERT(with_headroom(prefixes) <= kNodesMax);
}

template <class Shape>
std::optional<PeerId> PrefixTrie<Shape>::insert(Prefix prefix, PeerId peer) noexcept {
    if (const std::uint32_t record = records_.exact(prefix); record != 0) {
        const PeerId previous = records_.owner_of(record);
        if (previous != peer) {
            records_.move(record, peer);
        }
        return previous;
    }
    const std::uint32_t record = records_.take(prefix, peer);
    if (record == 0) {
        return std::nullopt;
    }
    if (!place(record)) {
        records_.give_back(record);
        return std::nullopt;
    }
    records_.add(record);
    return kNoPeer;
}

template <class Shape>
bool PrefixTrie<Shape>::remove(Prefix prefix, PeerId peer) noexcept {
    const std::uint32_t record = records_.exact(prefix);
    if (record == 0 || records_.owner_of(record) != peer) {
        return false;
    }
    displace(record);
    records_.erase(record);
    return true;
}

template <class Shape>
void PrefixTrie<Shape>::remove_all(PeerId peer) noexcept {
    while (const std::uint32_t record = records_.first_of(peer)) {
        displace(record);
        records_.erase(record);
    }
}

template <class Shape>
PeerId PrefixTrie<Shape>::owner_of(Prefix prefix) const noexcept {
    const std::uint32_t record = records_.exact(prefix);
    return record == 0 ? kNoPeer : records_.owner_of(record);
}

template <class Shape>
typename PrefixTrie<Shape>::Held PrefixTrie<Shape>::held_by(std::uint32_t child) const noexcept {
    if ((child & kSingle) != 0) {
        const auto& record = records_[child & ~kSingle];
        return {record.address, home_of(record.length), false};
    }
    return {node_states_[node_of(child)].path, level_of(child), true};
}

template <class Shape>
bool PrefixTrie<Shape>::place(std::uint32_t record) noexcept {
    const Bits address = records_[record].address;
    const std::uint8_t length = records_[record].length;
    Slot* slot = &root_[root_slot(address)];
    if (length <= Shape::kRootBits) {
        cover(slot, std::size_t{1} << (Shape::kRootBits - length), record);
        return true;
    }
    const unsigned home = home_of(length);
    std::uint32_t holder = 0;
    for (;;) {
        const std::uint32_t child = child_of(slot->load(std::memory_order_relaxed));
        if (child == 0) {
            set_child(*slot, kSingle | record);
            node_states_[holder].children += holder == 0 ? 0U : 1U;
            return true;
        }
        const Held held = held_by(child);
        const unsigned common = leading_zeros(held.path ^ address);
        const unsigned parting = (common - Shape::kRootBits) / Shape::kStride;
        const unsigned level = std::min({home, held.level, parting});
        if (!held.is_node || level != held.level) {
            const std::uint32_t node = joined(child, record, level);
            if (node != 0) {
                set_child(*slot, node);
            }
            return node != 0;
        }
        holder = node_of(child);
        slot = &nodes_[holder].slots[slot_at(address, level)];
        if (level == home) {
            cover(slot, prefix_slots(length, level), record);
            ++node_states_[holder].records;
            return true;
        }
    }
}

// A node that holds what was there and the new prefix, for one store to publish; 0 if there is none
// left.
template <class Shape>
std::uint32_t PrefixTrie<Shape>::joined(std::uint32_t child, std::uint32_t record,
                                        unsigned level) noexcept {
    const std::uint32_t node = free_nodes_.take();
    if (node == 0) {
        return 0;
    }
    for (Slot& slot : nodes_[node].slots) {
        slot.store(0, std::memory_order_relaxed);
    }
    const unsigned path_bits = Shape::kRootBits + Shape::kStride * level;
    node_states_[node] = {truncated(records_[record].address, path_bits), 0, 0};
    put_below(node, level, child);
    put_below(node, level, kSingle | record);
    ++node_count_;
    return level << kLevelShift | node;
}

template <class Shape>
void PrefixTrie<Shape>::put_below(std::uint32_t node, unsigned level,
                                  std::uint32_t child) noexcept {
    const Held held = held_by(child);
    Slot& slot = nodes_[node].slots[slot_at(held.path, level)];
    if (held.is_node || held.level != level) {
        set_child(slot, child);
        ++node_states_[node].children;
        return;
    }
    const std::uint32_t record = child & ~kSingle;
    cover(&slot, prefix_slots(records_[record].length, level), record);
    ++node_states_[node].records;
}

// Takes a prefix out of the slots, and nodes that hold one thing only out of the trie.
template <class Shape>
void PrefixTrie<Shape>::displace(std::uint32_t record) noexcept {
    const Bits address = records_[record].address;
    const std::uint8_t length = records_[record].length;
    Slot* slot = &root_[root_slot(address)];
    if (length <= Shape::kRootBits) {
        uncover(slot, std::size_t{1} << (Shape::kRootBits - length), record, 0);
        return;
    }
    const unsigned home = home_of(length);
    std::uint32_t holder = 0;
    Slot* holder_slot = nullptr;
    for (;;) {
        const std::uint32_t child = child_of(slot->load(std::memory_order_relaxed));
        TOWPATH_ASSERT(child != 0);
        if ((child & kSingle) != 0) {
            set_child(*slot, 0);
            if (holder != 0) {
                --node_states_[holder].children;
                shrink(*holder_slot);
            }
            return;
        }
        holder = node_of(child);
        holder_slot = slot;
        const unsigned level = level_of(child);
        slot = &nodes_[holder].slots[slot_at(address, level)];
        if (level == home) {
            const unsigned length_min = Shape::kRootBits + Shape::kStride * level + 1;
            uncover(slot, prefix_slots(length, level), record,
                    static_cast<std::uint8_t>(length_min));
            --node_states_[holder].records;
            shrink(*holder_slot);
            return;
        }
    }
}

template <class Shape>
void PrefixTrie<Shape>::cover(Slot* slots, std::size_t count, std::uint32_t record) noexcept {
    const std::uint8_t length = records_[record].length;
    for (std::size_t position = 0; position < count; ++position) {
        const std::uint32_t old = record_of(slots[position].load(std::memory_order_relaxed));
        if (old == 0 || records_[old].length < length) {
            set_record(slots[position], record);
        }
    }
}

// What takes the prefix's place is the longest one that contains it and ends at the same node.
template <class Shape>
void PrefixTrie<Shape>::uncover(Slot* slots, std::size_t count, std::uint32_t record,
                                std::uint8_t length_min) noexcept {
    const Bits address = records_[record].address;
    std::uint32_t heir = 0;
    for (std::uint8_t length = records_[record].length; heir == 0 && length-- > length_min;) {
        heir = records_.exact({truncated(address, length), length});
    }
    for (std::size_t position = 0; position < count; ++position) {
        if (record_of(slots[position].load(std::memory_order_relaxed)) == record) {
            set_record(slots[position], heir);
        }
    }
}

// The node itself is not changed: who is in it still finds what it held.
template <class Shape>
void PrefixTrie<Shape>::shrink(Slot& slot) noexcept {
    const std::uint32_t node = node_of(child_of(slot.load(std::memory_order_relaxed)));
    const NodeState& state = node_states_[node];
    if (state.records + state.children > 1) {
        return;
    }
    set_child(slot, last_of(node));
    free_nodes_.retire(node);
    --node_count_;
}

template <class Shape>
std::uint32_t PrefixTrie<Shape>::last_of(std::uint32_t node) const noexcept {
    std::uint64_t held = 0;
    for (const Slot& slot : nodes_[node].slots) {
        held = slot.load(std::memory_order_relaxed);
        if (held != 0) {
            break;
        }
    }
    TOWPATH_ASSERT(held != 0);
    return child_of(held) != 0 ? child_of(held) : kSingle | record_of(held);
}

template <class Shape>
std::size_t PrefixTrie<Shape>::reserved_bytes() const noexcept {
    return root_.size_bytes() + nodes_.size_bytes() + node_states_.size_bytes() +
           sizeof(std::uint32_t) * free_nodes_.count() + records_.reserved_bytes();
}

template <class Shape>
std::size_t PrefixTrie<Shape>::touched_bytes() const noexcept {
    return root_.size_bytes() + records_.touched_bytes() +
           (sizeof(Node) + sizeof(NodeState) + sizeof(std::uint32_t)) * free_nodes_.touched();
}

template class PrefixTrie<Ipv4TrieShape>;
template class PrefixTrie<Ipv6TrieShape>;

}  // namespace towpath::wireguard
