// SPDX-License-Identifier: BSD-3-Clause
// Where a peer is reached: its endpoint and the address of ours that it last used (wireguard.md
// section 14). Any worker that owns one of the peer's sessions may move it, any reads it; nobody
// waits. Two copies: a writer fills the one that is not in force, then makes it so. Who finds
// another writer at work gives up: the next packet says the same again (decisions.md W11). Each
// copy is a cache line if the record begins 8 bytes before one.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/now.h"

namespace towpath::wireguard {

struct PeerEndpoint {
    IpEndpoint remote;  // none: not known
    IpAddress local;    // source of what we send; none: as the route below chooses
    Now stamp{};        // when the packet that it was learned from arrived
    std::uint32_t configured_generation = 0;  // of the configured endpoint that was applied last
    std::uint16_t path_mtu_bytes = 0;         // of the way to `remote`; 0: nothing was told

    [[nodiscard]] bool is_known() const noexcept { return !remote.is_none(); }
};

class EndpointRecord {
public:
    // Fetches what read() will read.
    void prefetch() const noexcept {
        __builtin_prefetch(copies_[version_.load(std::memory_order_relaxed) & 1U].data());
    }
    [[nodiscard]] PeerEndpoint read() const noexcept {
        for (;;) {
            const std::uint32_t version = version_.load(std::memory_order_acquire);
            Words words;
            for (std::size_t word = 0; word < kWords; ++word) {
                words[word] = copies_[version & 1U][word].load(std::memory_order_acquire);
            }
            // A writer after the next one fills this copy again; having read any of it, the load
            // below sees the version that the one between published.
            if (version_.load(std::memory_order_relaxed) == version) {
                return std::bit_cast<Image>(words).endpoint;
            }
        }
    }

    // Applies `change(PeerEndpoint&) -> bool` and publishes the result if it said true. False: it
    // said false, or another writer is in.
    template <class Change>
    bool update(Change&& change) noexcept {
        if (is_claimed_.exchange(true, std::memory_order_acquire)) {
            return false;
        }
        PeerEndpoint next = read();
        const bool is_changed = change(next);
        if (is_changed) {
            write(next);
        }
        is_claimed_.store(false, std::memory_order_release);
        return is_changed;
    }

private:
    static constexpr std::size_t kWords = 7;
    static constexpr std::size_t kWordsOfLine = 8;
    using Words = std::array<std::uint64_t, kWords>;
    struct Image {
        PeerEndpoint endpoint;
    };
    static_assert(sizeof(Image) == sizeof(Words));

    void write(const PeerEndpoint& next) noexcept {
        const auto words = std::bit_cast<Words>(Image{next});
        const std::uint32_t version = version_.load(std::memory_order_relaxed) + 1;
        for (std::size_t word = 0; word < kWords; ++word) {
            copies_[version & 1U][word].store(words[word], std::memory_order_release);
        }
        version_.store(version, std::memory_order_release);
    }

    std::atomic<std::uint32_t> version_{0};
    std::atomic<bool> is_claimed_{false};
    std::array<std::array<std::atomic<std::uint64_t>, kWordsOfLine>, 2> copies_{};
};
static_assert(sizeof(EndpointRecord) == 136);

}  // namespace towpath::wireguard
