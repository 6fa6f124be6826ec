// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/tcp_tracker.h"

namespace towpath::nat {

namespace {

using enum SessionState;

[[nodiscard]] TcpStep step_opening(SessionState state, Side side, std::uint8_t flags) noexcept {
    const Side opener = state == init_inside ? Side::inside : Side::outside;
    if (!is_syn(flags)) {
        return {state, false};
    }
    return side == opener ? TcpStep{state, true} : TcpStep{established, true};
}

[[nodiscard]] TcpStep step_closed(SessionState state, Side side, std::uint8_t flags) noexcept {
    if (is_first_syn(flags)) {
        return {side == Side::inside ? init_inside : init_outside, true};
    }
    if (state == fin_both || (flags & kTcpRst) != 0) {
        return {state, false};
    }
    return {established, true};  // TRANS and traffic goes on (RFC 7857 section 2.2)
}

}  // namespace

TcpStep tcp_step(SessionState state, Side side, std::uint8_t flags) noexcept {
    switch (state) {
        case init_inside:
        case init_outside:
            return step_opening(state, side, flags);
        case fin_both:
        case transitory:
            return step_closed(state, side, flags);
        case established:
        case fin_inside:
        case fin_outside:
            break;
        case free:
        case permit:
        case ending:
            return {state, false};
    }
    if ((flags & kTcpRst) != 0) {
        return {transitory, true};  // decisions 5 and 6
    }
    if ((flags & kTcpFin) == 0) {
        return {state, true};
    }
    const SessionState own = side == Side::inside ? fin_inside : fin_outside;
    return {state == established || state == own ? own : fin_both, true};
}

}  // namespace towpath::nat
