// SPDX-License-Identifier: BSD-3-Clause
// Which source endpoints are a current peer's (decisions.md W18): who floods us with handshakes
// from elsewhere must not use up what is kept for them. A hash of peers by endpoint that is
// verified at the peer, so an entry that is out of date is only a miss.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/wire/ip_address.h"
#include "dataplane/wireguard/peer_table.h"

namespace towpath::wireguard {

class KnownSources {
public:
    // `key` is secret: nobody chooses addresses that meet in one bucket.
    KnownSources(const PeerTable& peers, std::uint64_t key);

    // Any thread, whenever a peer's endpoint became `source`. Full buckets forget somebody.
    void add(const IpEndpoint& source, PeerId peer) noexcept;
    // Any worker.
    [[nodiscard]] bool contains(const IpEndpoint& source) const noexcept {
        return find(source, [](PeerId) { return true; }) != kNoPeer;
    }
    // Any worker. A peer with that endpoint of which `matches` says true; kNoPeer: none is known.
    template <class Matches>
    [[nodiscard]] PeerId find(const IpEndpoint& source, Matches&& matches) const noexcept {
        const Place place = place_of(source);
        for (const std::atomic<std::uint64_t>& entry : buckets_[place.bucket].entries) {
            const std::uint64_t held = entry.load(std::memory_order_relaxed);
            const PeerId peer = static_cast<PeerId>(held) - 1;
            if (held != 0 && held >> 32U == place.fingerprint && is_at(peer, source) &&
                matches(peer)) {
                return peer;
            }
        }
        return kNoPeer;
    }

private:
    static constexpr std::size_t kWays = 8;
    // Fingerprint above, peer + 1 below; 0 is empty.
    struct alignas(64) Bucket {
        std::array<std::atomic<std::uint64_t>, kWays> entries{};
    };
    struct Place {
        std::size_t bucket;
        std::uint32_t fingerprint;
    };
    [[nodiscard]] Place place_of(const IpEndpoint& source) const noexcept;
    [[nodiscard]] bool is_at(PeerId peer, const IpEndpoint& source) const noexcept;

    const PeerTable& peers_;
    std::uint64_t key_;
    std::size_t bucket_mask_;
    std::unique_ptr<Bucket[]> buckets_;
};

}  // namespace towpath::wireguard
