// SPDX-License-Identifier: BSD-3-Clause
// Cookies with their ages: those that we give out, and the one that a peer gave us
// (wireguard.md 5.2, 5.3).
#pragma once

#include <optional>

#include "control/wireguard/cookie.h"
#include "control/wireguard/random.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/now.h"

namespace towpath::control::wireguard {

// The cookies of one identity. Its secret is replaced when it is used after 120 s.
class CookieIssuer {
public:
    static constexpr Duration kSecretAge_max = std::chrono::seconds{120};

    explicit CookieIssuer(Random& random) : random_{random} {}

    [[nodiscard]] Cookie cookie_of(const IpEndpoint& source, Now now) noexcept {
        if (!made_at_ || now - *made_at_ >= kSecretAge_max) {
            secret_ = random_.secret<32>();
            made_at_ = now;
        }
        return cookie_for(secret_, source.address.bytes(), source.port.wire());
    }

private:
    Random& random_;
    CookieSecret secret_;
    std::optional<Now> made_at_;
};

// What we need to read a cookie reply, and the cookie.
class CookieHolder {
public:
    static constexpr Duration kAge_max = std::chrono::seconds{115};

    // Of the message that is being made.
    [[nodiscard]] std::optional<Cookie> usable(Now now) const noexcept {
        return cookie_ && now - received_at_ < kAge_max ? cookie_ : std::nullopt;
    }
    void on_sent(const crypto::Mac& mac1) noexcept { expected_for_ = mac1; }
    [[nodiscard]] bool is_expected() const noexcept { return expected_for_.has_value(); }
    // False if it was not made for the last message that was sent; then nothing changes.
    bool take(const towpath::wireguard::CookieReply& reply, const LabelledKeys& remote,
              Now now) noexcept {
        const auto cookie =
            expected_for_ ? read_cookie(reply, remote, *expected_for_) : std::nullopt;
        if (!cookie) {
            return false;
        }
        cookie_ = cookie;
        received_at_ = now;
        expected_for_.reset();
        return true;
    }

private:
    std::optional<Cookie> cookie_;
    Now received_at_{};
    std::optional<crypto::Mac> expected_for_;
};

}  // namespace towpath::control::wireguard
