// SPDX-License-Identifier: BSD-3-Clause
// Where a peer is reached: its endpoint and the address of ours that it last used (wireguard.md
// section 14). Any worker that owns one of the peer's sessions may move it, any reads it; nobody
// waits. Two copies: a writer fills the one that is not in force, then makes it so. Who finds
// another writer at work gives up: the next packet says the same again (decisions.md W11). Each
// copy is a cache line if the record begins at one, and what stands behind them leaves room for
// others in the third.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/now.h"

namespace towpath::wireguard {

struct PeerEndpoint {
    IpEndpoint remote;  // none: not known
    IpAddress local;    // source of what we send; none: as the route below chooses
    Now stamp{};        // when the packet that it was learned from arrived
    std::uint32_t configured_generation = 0;  // of the configured endpoint that was applied last
    std::uint16_t path_mtu_bytes = 0;         // of the way to `remote`; 0: nothing was told
    Now path_mtu_told{};                      // when it was told last

    [[nodiscard]] bool is_known() const noexcept { return !remote.is_none(); }
};

class EndpointRecord {
public:
    // Fetches what read() will read.
    void prefetch() const noexcept {
        __builtin_prefetch(copies_[control_.load(std::memory_order_relaxed) & 1U].data());
    }
    [[nodiscard]] PeerEndpoint read() const noexcept {
        PeerEndpoint endpoint;
        read_into(endpoint);
        return endpoint;
    }
    // The same, without a copy on the way: word by word to where it is read from, because a wider
    // load of words that were just stored waits for them.
    void read_into(PeerEndpoint& endpoint) const noexcept {
        auto* const to = reinterpret_cast<std::byte*>(&endpoint);
        std::uint32_t version = 0;
        do {
            version = control_.load(std::memory_order_acquire) & kVersionMask;
            const Copy& copy = copies_[version & 1U];
#pragma GCC unroll 8
            for (std::size_t word = 0; word < kWords; ++word) {
                const std::uint64_t value = copy[word].load(std::memory_order_acquire);
                std::memcpy(to + word * sizeof value, &value, sizeof value);
            }
            // A writer after the next one fills this copy again; having read any of it, the load
            // below sees the version that the one between published.
        } while ((control_.load(std::memory_order_relaxed) & kVersionMask) != version);
    }

    // Applies `change(PeerEndpoint&) -> bool` and publishes the result if it said true. False: it
    // said false, or another writer is in.
    template <class Change>
    bool update(Change&& change) noexcept {
        const std::uint32_t version = control_.fetch_or(kClaimed, std::memory_order_acquire);
        if ((version & kClaimed) != 0) {
            return false;
        }
        PeerEndpoint next = read();
        const bool is_changed = change(next);
        if (is_changed) {
            write(next, version + 1);
        }
        control_.store((version + (is_changed ? 1 : 0)) & kVersionMask, std::memory_order_release);
        return is_changed;
    }

private:
    static constexpr std::uint32_t kClaimed = 1U << 31U;
    static constexpr std::uint32_t kVersionMask = kClaimed - 1;
    static constexpr std::size_t kWords = 8;
    using Words = std::array<std::uint64_t, kWords>;
    using Copy = std::array<std::atomic<std::uint64_t>, kWords>;
    static_assert(sizeof(PeerEndpoint) == sizeof(Words) &&
                  std::is_trivially_copyable_v<PeerEndpoint>);

    void write(const PeerEndpoint& next, std::uint32_t version) noexcept {
        const auto words = std::bit_cast<Words>(next);
        for (std::size_t word = 0; word < kWords; ++word) {
            copies_[version & 1U][word].store(words[word], std::memory_order_release);
        }
    }

    std::array<Copy, 2> copies_{};
    std::atomic<std::uint32_t> control_{0};  // the version, and whether a writer is in
};

}  // namespace towpath::wireguard
