// SPDX-License-Identifier: BSD-3-Clause
// A moment or none, in eight bytes: a peer has as many as eight of them, and there are many peers
// (decisions.md W16). Used as std::optional<Now> is.
#pragma once

#include <optional>

#include "dataplane/wire/now.h"

namespace towpath::control::wireguard {

class PerhapsNow {
public:
    constexpr PerhapsNow() = default;
    explicit(false) constexpr PerhapsNow(Now now) noexcept : now_{now} {}
    explicit(false) constexpr PerhapsNow(std::optional<Now> now) noexcept
        : now_{now.value_or(kNone)} {}

    [[nodiscard]] constexpr bool has_value() const noexcept { return now_ != kNone; }
    [[nodiscard]] explicit constexpr operator bool() const noexcept { return has_value(); }
    // There is one.
    [[nodiscard]] constexpr Now operator*() const noexcept { return now_; }
    [[nodiscard]] constexpr Now value_or(Now other) const noexcept {
        return has_value() ? now_ : other;
    }
    constexpr void reset() noexcept { now_ = kNone; }
    friend constexpr bool operator==(PerhapsNow, PerhapsNow) noexcept = default;

private:
    // Of the monotonic clock, which begins with the machine.
    static constexpr Now kNone = Now::min();
    Now now_ = kNone;
};

}  // namespace towpath::control::wireguard
