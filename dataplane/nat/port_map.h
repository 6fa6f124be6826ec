// SPDX-License-Identifier: BSD-3-Clause
// Which outside ports of one (pool address, protocol) are taken: by a live mapping or one whose
// port still rests. Any owner claims by an atomic read-modify-write of one word (decisions.md N1),
// the only one on the data path. And the search for a port (nat-behaviour.md 12.2).
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/nat/policy.h"
#include "dataplane/nat/random.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

inline constexpr std::size_t kPortWords = 65536 / 64;

class alignas(64) PortMap {
public:
    // True when the port was free and is now the caller's.
    [[nodiscard]] bool claim(Port port) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << port.number() % 64U;
        std::atomic<std::uint64_t>& word = words_[port.number() / 64U];
        if ((word.load(std::memory_order_relaxed) & bit) != 0) {
            return false;
        }
        return (word.fetch_or(bit, std::memory_order_acq_rel) & bit) == 0;
    }
    void release(Port port) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << port.number() % 64U;
        words_[port.number() / 64U].fetch_and(~bit, std::memory_order_acq_rel);
    }
    void prefetch(Port port) const noexcept { __builtin_prefetch(&words_[port.number() / 64U]); }
    [[nodiscard]] std::uint64_t taken_in_word(std::size_t word) const noexcept {
        return words_[word].load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t taken() const noexcept;

    // Figures for the operator. Owners share them, so they are atomic; none is touched by a packet
    // that finds its mapping or makes one.
    void note_hold() noexcept { held_.fetch_add(1, std::memory_order_relaxed); }
    void note_hold_end() noexcept { held_.fetch_sub(1, std::memory_order_relaxed); }
    void note_refusal() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t held() const noexcept {
        return held_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t refused() const noexcept {
        return refused_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::uint32_t> held_{0};
    std::array<std::atomic<std::uint64_t>, kPortWords> words_{};
};

// The ports that a policy lets mappings hold, as words.
class PortPermissions {
public:
    constexpr PortPermissions() noexcept { words_.fill(~std::uint64_t{0}); }
    explicit PortPermissions(const Policy& policy) noexcept;
    // Of ICMP Identifiers, which are not ports: all but those that are reserved. The host's own
    // queries have its ephemeral ports (decisions.md N10), by which a driver that leaves packets to
    // the kernel knows the replies.
    [[nodiscard]] static PortPermissions of_identifiers(const Policy& policy) noexcept;

    [[nodiscard]] bool permits(Port port) const noexcept {
        return (words_[port.number() / 64U] >> port.number() % 64U & 1U) != 0;
    }
    [[nodiscard]] std::uint64_t word(std::size_t word) const noexcept { return words_[word]; }
    [[nodiscard]] bool permits_low() const noexcept { return permits_low_; }
    [[nodiscard]] bool permits_high() const noexcept { return permits_high_; }

private:
    std::array<std::uint64_t, kPortWords> words_{};
    bool permits_low_ = true;  // below 1024
    bool permits_high_ = true;
};

// Claims a port for `wanted`: itself if it can be had; else one of its class (U-03a; a low one may
// fall back to the high class, never the other way), of its parity if there is one (U-04), drawn at
// random; else any of the class. Looks at no more than two times kPortWords words per class.
[[nodiscard]] std::optional<Port> claim_port(PortMap& map, const PortPermissions& permissions,
                                             Port wanted, Random& random) noexcept;
// As claim_port for ICMP Identifiers: itself or any other, at random (RFC 5508 REQ-1).
[[nodiscard]] std::optional<Port> claim_identifier(PortMap& map, const PortPermissions& permissions,
                                                   Port wanted, Random& random) noexcept;

}  // namespace towpath::nat
