// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/known_sources.h"

#include <bit>
#include <cstring>

namespace towpath::wireguard {
namespace {

constexpr std::uint64_t entry_of(std::uint32_t fingerprint, PeerId peer) noexcept {
    return std::uint64_t{fingerprint} << 32U | (peer + 1);
}

}  // namespace

KnownSources::KnownSources(const PeerTable& peers, std::uint64_t key)
    : peers_{peers},
      key_{key},
      bucket_mask_{std::bit_ceil(std::size_t{peers.capacity()} * 2 / kWays + 1) - 1},
      buckets_{std::make_unique<Bucket[]>(bucket_mask_ + 1)} {}

KnownSources::Place KnownSources::place_of(const IpEndpoint& source) const noexcept {
    std::array<std::uint64_t, 3> words{};
    const std::span<const std::byte> bytes = source.address.bytes();
    if (!bytes.empty()) {
        std::memcpy(words.data(), bytes.data(), bytes.size());
    }
    words[2] = std::uint64_t{source.port.number()} << 8U |
               static_cast<std::uint64_t>(source.address.family());
    std::uint64_t hash = key_;
    for (const std::uint64_t word : words) {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
        hash ^= hash >> 29U ^ key_ >> 17U;
    }
    hash = (hash ^ hash >> 32U) * 0xBF58476D1CE4E5B9U;
    return {static_cast<std::size_t>(hash) & bucket_mask_, static_cast<std::uint32_t>(hash >> 32U)};
}

bool KnownSources::is_at(PeerId peer, const IpEndpoint& source) const noexcept {
    return peers_[peer].is_in_use() && peers_[peer].endpoint.read().remote == source;
}

void KnownSources::add(const IpEndpoint& source, PeerId peer) noexcept {
    const Place place = place_of(source);
    auto& entries = buckets_[place.bucket].entries;
    const std::uint64_t wanted = entry_of(place.fingerprint, peer);
    std::atomic<std::uint64_t>* replaced = &entries[place.fingerprint % kWays];
    for (std::atomic<std::uint64_t>& entry : entries) {
        const std::uint64_t held = entry.load(std::memory_order_relaxed);
        if (held == wanted) {
            return;
        }
        if (held == 0) {
            replaced = &entry;
            break;
        }
    }
    replaced->store(wanted, std::memory_order_relaxed);
}

}  // namespace towpath::wireguard
