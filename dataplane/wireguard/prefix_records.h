// SPDX-License-Identifier: BSD-3-Clause
// The prefixes of a trie of one family and whose they are: a record each, found by the exact prefix
// and by its peer. Readers look at records that the trie led them to; everything else is for the
// one writer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/quiescence.h"
#include "dataplane/wireguard/index_pool.h"
#include "dataplane/wireguard/peer_id.h"
#include "dataplane/wireguard/zeroed_array.h"

namespace towpath::wireguard {

// An address in host order, and how a trie of such addresses is cut: the first node resolves
// kRootBits, every other one kStride.
// IPv4: at most three slots and one record are read. A node is 2 KiB; dense neighbourhoods share
// it.
struct Ipv4TrieShape {
    using Bits = std::uint32_t;
    static constexpr unsigned kBits = 32;
    static constexpr unsigned kRootBits = 16;
    static constexpr unsigned kStride = 8;
};
// IPv6: prefixes are sparse; nodes of two cache lines keep them small.
struct Ipv6TrieShape {
    using Bits = unsigned __int128;
    static constexpr unsigned kBits = 128;
    static constexpr unsigned kRootBits = 8;
    static constexpr unsigned kStride = 4;
};

// `count` entries and as many more as may wait for a worker to pass.
[[nodiscard]] constexpr std::uint32_t with_headroom(std::uint32_t count) noexcept {
    return count + count / 4 + 64;
}

template <class Shape>
class PrefixRecords {
public:
    using Bits = typename Shape::Bits;
    struct Prefix {
        Bits address;  // no bit is set beyond the length
        std::uint8_t length;
    };
    struct Record {
        Bits address;
        std::atomic<PeerId> owner;
        std::uint8_t length;
        [[nodiscard]] bool covers(Bits other) const noexcept {
            return length == 0 || (address ^ other) >> (Shape::kBits - length) == 0;
        }
        [[nodiscard]] Prefix prefix() const noexcept { return {address, length}; }
    };

    // Indices of records begin at 1; 0 is none. `quiescence` outlives the records.
    PrefixRecords(std::uint32_t prefixes, std::uint32_t peers, Quiescence& quiescence) noexcept;

    [[nodiscard]] const Record& operator[](std::uint32_t record) const noexcept {
        return records_[record];
    }

    void prefetch(std::uint32_t record) const noexcept { __builtin_prefetch(&records_[record]); }

    // The writer alone, from here on.
    // A record for the trie to lead to; 0 if there is none left. Then add() or give_back() it.
    [[nodiscard]] std::uint32_t take(Prefix prefix, PeerId peer) noexcept;
    void give_back(std::uint32_t record) noexcept { free_.give_back(record); }
    void add(std::uint32_t record) noexcept;
    // One store, for every reader at once.
    void move(std::uint32_t record, PeerId peer) noexcept;
    // The trie leads to it no more. Who has found it before finishes with it as it is.
    void erase(std::uint32_t record) noexcept;

    // 0 if the prefix was not added. Not a longest match.
    [[nodiscard]] std::uint32_t exact(Prefix prefix) const noexcept;
    // The prefixes of a peer, the latest first; 0 after the last.
    [[nodiscard]] std::uint32_t first_of(PeerId peer) const noexcept { return first_of_[peer]; }
    [[nodiscard]] std::uint32_t next_of_peer(std::uint32_t record) const noexcept {
        return links_[record].next_of_peer;
    }
    [[nodiscard]] PeerId owner_of(std::uint32_t record) const noexcept {
        return records_[record].owner.load(std::memory_order_relaxed);
    }

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t reserved_bytes() const noexcept;
    [[nodiscard]] std::size_t touched_bytes() const noexcept;

private:
    struct Links {
        std::uint32_t next_in_bucket;
        std::uint32_t next_of_peer;
        std::uint32_t previous_of_peer;
    };
    [[nodiscard]] std::size_t bucket_of(Prefix prefix) const noexcept;
    void link_to_peer(std::uint32_t record, PeerId peer) noexcept;
    void unlink_from_peer(std::uint32_t record) noexcept;

    ZeroedArray<Record> records_;
    ZeroedArray<Links> links_;
    ZeroedArray<std::uint32_t> buckets_;
    ZeroedArray<std::uint32_t> first_of_;
    IndexPool free_;
    std::uint32_t prefixes_max_;
    std::uint32_t size_ = 0;
};

extern template class PrefixRecords<Ipv4TrieShape>;
extern template class PrefixRecords<Ipv6TrieShape>;

}  // namespace towpath::wireguard
