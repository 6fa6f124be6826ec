// SPDX-License-Identifier: BSD-3-Clause
// How busy we are with handshakes (wireguard.md section 8): when cookies are asked for, and how
// many handshakes one source may have while they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "control/wireguard/random.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/now.h"

namespace towpath::control::wireguard {

// wireguard.md 8.2. One for all tunnels: what is loaded is the thread that answers.
class UnderLoad {
public:
    static constexpr std::size_t kQueueLength = 512;  // of 4096
    static constexpr Duration kStay = std::chrono::seconds{1};

    // `waiting` messages were there when this one was taken out, itself included.
    [[nodiscard]] bool look(std::size_t waiting, Now now) noexcept {
        if (waiting >= kQueueLength) {
            last_ = now;
        }
        return last_ && now - *last_ < kStay;
    }

private:
    std::optional<Now> last_;
};

// A bucket of time per IPv4 address or IPv6 /64 (wireguard.md 8.3).
class SourceLimiter {
public:
    static constexpr Duration kCost = std::chrono::milliseconds{50};
    static constexpr Duration kBurst = std::chrono::milliseconds{250};
    static constexpr Duration kIdle = std::chrono::seconds{1};
    static constexpr std::size_t kEntriesMax = 8 * 8192;

    explicit SourceLimiter(Random& random) : sources_{0, Hash{random.number()}} {}

    // Takes one handshake out of the source's bucket. A table full of sources denies those that are
    // not in it.
    [[nodiscard]] bool allows(const IpAddress& source, Now now);
    [[nodiscard]] std::size_t size() const noexcept { return sources_.size(); }

private:
    struct Bucket {
        Now last;
        Duration saved;
    };
    // Keyed, so that nobody who chooses addresses chooses where they collide.
    struct Hash {
        std::uint64_t key;
        std::size_t operator()(const IpAddress& source) const noexcept;
    };
    void sweep(Now now);

    std::unordered_map<IpAddress, Bucket, Hash> sources_;
    std::optional<Now> swept_at_;
};

}  // namespace towpath::control::wireguard
