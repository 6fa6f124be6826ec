// SPDX-License-Identifier: BSD-3-Clause
// The timeouts of a policy in whole seconds, rounded up: entries store seconds, and nothing may end
// early (nat-behaviour.md section 5).
#pragma once

#include <chrono>
#include <cstdint>

#include "dataplane/nat/policy.h"
#include "dataplane/nat/session.h"
#include "dataplane/nat/view.h"

namespace towpath::nat {

struct TimeoutSeconds {
    std::uint32_t udp = 300;
    std::uint32_t udp_unreplied = 120;
    std::uint32_t tcp_established = 7440;
    std::uint32_t tcp_open = 240;
    std::uint32_t tcp_close = 240;
    std::uint32_t icmp = 60;
    std::uint32_t port_hold = 120;

    TimeoutSeconds() = default;
    explicit TimeoutSeconds(const Timeouts& timeouts) noexcept
        : udp{whole(timeouts.udp)},
          udp_unreplied{whole(timeouts.udp_unreplied)},
          tcp_established{whole(timeouts.tcp_established)},
          tcp_open{whole(timeouts.tcp_open)},
          tcp_close{whole(timeouts.tcp_close)},
          icmp{whole(timeouts.icmp)},
          port_hold{whole(timeouts.port_hold)} {}

    // Of a mapping without sessions.
    [[nodiscard]] std::uint32_t of_mapping(Protocol protocol, bool is_replied) const noexcept {
        switch (protocol) {
            case Protocol::udp:
                return is_replied ? udp : udp_unreplied;
            case Protocol::icmp:
                return icmp;
            case Protocol::tcp:
                break;
        }
        return 0;  // TCP mappings live by their sessions
    }
    [[nodiscard]] std::uint32_t of_session(SessionState state) const noexcept {
        switch (state) {
            case SessionState::init_inside:
            case SessionState::init_outside:
                return tcp_open;
            case SessionState::fin_both:
            case SessionState::transitory:
                return tcp_close;
            case SessionState::established:
            case SessionState::fin_inside:
            case SessionState::fin_outside:
                return tcp_established;
            case SessionState::free:
            case SessionState::permit:
            case SessionState::ending:
                break;
        }
        return 0;
    }

private:
    [[nodiscard]] static std::uint32_t whole(Duration duration) noexcept {
        return static_cast<std::uint32_t>(
            std::chrono::ceil<std::chrono::seconds>(duration).count());
    }
};

}  // namespace towpath::nat
