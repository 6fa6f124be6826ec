// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/prefix_records.h"

#include <algorithm>
#include <bit>

namespace towpath::wireguard {

template <class Shape>
PrefixRecords<Shape>::PrefixRecords(std::uint32_t prefixes, std::uint32_t peers,
                                    Quiescence& quiescence) noexcept
    : records_(with_headroom(prefixes) + 1U, Pages::huge),
      links_(with_headroom(prefixes) + 1U, Pages::ordinary),
      buckets_(std::bit_ceil(std::max(prefixes, 16U)), Pages::ordinary),
      first_of_(std::max(peers, 1U), Pages::ordinary),
      free_(with_headroom(prefixes), quiescence),
      prefixes_max_{prefixes} {}

template <class Shape>
std::uint32_t PrefixRecords<Shape>::take(Prefix prefix, PeerId peer) noexcept {
    const std::uint32_t record = size_ < prefixes_max_ ? free_.take() : 0;
    if (record != 0) {
        records_[record].address = prefix.address;
        records_[record].length = prefix.length;
        records_[record].owner.store(peer, std::memory_order_relaxed);
    }
    return record;
}

template <class Shape>
void PrefixRecords<Shape>::add(std::uint32_t record) noexcept {
    std::uint32_t& bucket = buckets_[bucket_of(records_[record].prefix())];
    links_[record].next_in_bucket = bucket;
    bucket = record;
    link_to_peer(record, owner_of(record));
    ++size_;
}

template <class Shape>
void PrefixRecords<Shape>::move(std::uint32_t record, PeerId peer) noexcept {
    unlink_from_peer(record);
    records_[record].owner.store(peer, std::memory_order_release);
    link_to_peer(record, peer);
}

template <class Shape>
void PrefixRecords<Shape>::erase(std::uint32_t record) noexcept {
    std::uint32_t* link = &buckets_[bucket_of(records_[record].prefix())];
    while (*link != record) {
        link = &links_[*link].next_in_bucket;
    }
    *link = links_[record].next_in_bucket;
    unlink_from_peer(record);
    free_.retire(record);
    --size_;
}

template <class Shape>
std::uint32_t PrefixRecords<Shape>::exact(Prefix prefix) const noexcept {
    std::uint32_t record = buckets_[bucket_of(prefix)];
    while (record != 0 && (records_[record].address != prefix.address ||
                           records_[record].length != prefix.length)) {
        record = links_[record].next_in_bucket;
    }
    return record;
}

template <class Shape>
std::size_t PrefixRecords<Shape>::bucket_of(Prefix prefix) const noexcept {
    auto folded = static_cast<std::uint64_t>(prefix.address);
    if constexpr (Shape::kBits > 64) {
        folded ^= static_cast<std::uint64_t>(prefix.address >> 64U) * 0x9E3779B97F4A7C15U;
    }
    folded = (folded ^ folded >> 32U) * 0xBF58476D1CE4E5B9U + prefix.length;
    folded = (folded ^ folded >> 29U) * 0x94D049BB133111EBU;
    return static_cast<std::size_t>(folded >> 32U) & (buckets_.size() - 1);
}

template <class Shape>
void PrefixRecords<Shape>::link_to_peer(std::uint32_t record, PeerId peer) noexcept {
    std::uint32_t& first = first_of_[peer];
    links_[record].next_of_peer = first;
    links_[record].previous_of_peer = 0;
    links_[first].previous_of_peer = record;  // of record 0 nobody asks
    first = record;
}

template <class Shape>
void PrefixRecords<Shape>::unlink_from_peer(std::uint32_t record) noexcept {
    const Links& links = links_[record];
    links_[links.next_of_peer].previous_of_peer = links.previous_of_peer;
    if (links.previous_of_peer != 0) {
        links_[links.previous_of_peer].next_of_peer = links.next_of_peer;
    } else {
        first_of_[owner_of(record)] = links.next_of_peer;
    }
}

template <class Shape>
std::size_t PrefixRecords<Shape>::reserved_bytes() const noexcept {
    return records_.size_bytes() + links_.size_bytes() + buckets_.size_bytes() +
           first_of_.size_bytes() + sizeof(std::uint32_t) * free_.count();
}

template <class Shape>
std::size_t PrefixRecords<Shape>::touched_bytes() const noexcept {
    return buckets_.size_bytes() + first_of_.size_bytes() +
           (sizeof(Record) + sizeof(Links) + sizeof(std::uint32_t)) * free_.touched();
}

template class PrefixRecords<Ipv4TrieShape>;
template class PrefixRecords<Ipv6TrieShape>;

}  // namespace towpath::wireguard
