// SPDX-License-Identifier: BSD-3-Clause
// Which sessions a peer has, as one word that is changed by compare-and-swap (wireguard.md section
// 9; decisions.md W4): three numbers of 21 bits, each a slot of the session table + 1, 0 for none.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/wireguard/capacity.h"

namespace towpath::wireguard {

class PeerSlots {
public:
    static constexpr std::uint32_t kNone = 0xFFFFFFFF;

    constexpr PeerSlots() = default;
    explicit constexpr PeerSlots(std::uint64_t word) noexcept : word_{word} {}
    constexpr PeerSlots(std::uint32_t previous, std::uint32_t current, std::uint32_t next) noexcept
        : word_{place(previous, 0) | place(current, 1) | place(next, 2)} {}

    [[nodiscard]] constexpr std::uint32_t previous() const noexcept { return at(0); }
    [[nodiscard]] constexpr std::uint32_t current() const noexcept { return at(1); }
    [[nodiscard]] constexpr std::uint32_t next() const noexcept { return at(2); }
    [[nodiscard]] constexpr std::array<std::uint32_t, 3> all() const noexcept {
        return {previous(), current(), next()};
    }
    [[nodiscard]] constexpr std::uint64_t word() const noexcept { return word_; }
    [[nodiscard]] constexpr bool contains(std::uint32_t slot) const noexcept {
        return previous() == slot || current() == slot || next() == slot;
    }

    // A session that we initiated is used at once.
    [[nodiscard]] constexpr PeerSlots with_initiated(std::uint32_t slot) const noexcept {
        return {next() != kNone ? next() : current(), slot, kNone};
    }
    // One that we answered waits for its first packet.
    [[nodiscard]] constexpr PeerSlots with_answered(std::uint32_t slot) const noexcept {
        return {kNone, current(), slot};
    }
    // The first packet under `next` came.
    [[nodiscard]] constexpr PeerSlots promoted() const noexcept {
        return {current(), next(), kNone};
    }
    [[nodiscard]] constexpr PeerSlots without(std::uint32_t slot) const noexcept {
        const auto kept = [slot](std::uint32_t held) { return held == slot ? kNone : held; };
        return {kept(previous()), kept(current()), kept(next())};
    }
    friend constexpr bool operator==(PeerSlots, PeerSlots) noexcept = default;

private:
    static constexpr unsigned kBits = 21;
    static constexpr std::uint64_t kMask = (std::uint64_t{1} << kBits) - 1;

    [[nodiscard]] static constexpr std::uint64_t place(std::uint32_t slot,
                                                       unsigned position) noexcept {
        return (std::uint64_t{slot + 1} & kMask) << position * kBits;
    }
    [[nodiscard]] constexpr std::uint32_t at(unsigned position) const noexcept {
        return static_cast<std::uint32_t>(word_ >> position * kBits & kMask) - 1;
    }

    std::uint64_t word_ = 0;
};

// The word in a peer. Writers: the server thread, and workers that promote or expire.
class SharedPeerSlots {
public:
    [[nodiscard]] PeerSlots load() const noexcept {
        return PeerSlots{word_.load(std::memory_order_acquire)};
    }
    // Replaces what is there by change(what is there) until nobody came in between; returns what
    // was there. A change to the same is no write.
    template <class Change>
    PeerSlots change(Change&& change) noexcept {
        std::uint64_t before = word_.load(std::memory_order_acquire);
        for (;;) {
            const PeerSlots after = change(PeerSlots{before});
            if (after.word() == before ||
                word_.compare_exchange_weak(before, after.word(), std::memory_order_acq_rel,
                                            std::memory_order_acquire)) {
                return PeerSlots{before};
            }
        }
    }

private:
    std::atomic<std::uint64_t> word_{0};
};

}  // namespace towpath::wireguard
