// SPDX-License-Identifier: BSD-3-Clause
// The TCP machine of nat-behaviour.md section 8 (RFC 7857 section 2, RFC 6146 section 3.5.2) as a
// pure function. Sequence numbers are not tracked: a reset can at worst shorten an idle session to
// the close timer, since any later segment brings it back (8.1).
//
// HELD is left out: an unsolicited SYN from outside is dropped without an answer, at once and for
// good (RFC 5382 REQ-4 a, the default of decision 9). Simultaneous open still works: the sender
// repeats its SYN, which by then meets the session that the inside's SYN has opened.
#pragma once

#include <cstdint>

#include "dataplane/nat/session_store.h"
#include "dataplane/wire/tcp.h"

namespace towpath::nat {

struct TcpStep {
    SessionState next;
    bool restarts_timer;
};

inline constexpr std::uint8_t kTcpControlFlags = kTcpSyn | kTcpFin | kTcpRst;

// SYN, and neither RST nor FIN.
[[nodiscard]] constexpr bool is_syn(std::uint8_t flags) noexcept {
    return (flags & kTcpControlFlags) == kTcpSyn;
}
// What opens a connection.
[[nodiscard]] constexpr bool is_first_syn(std::uint8_t flags) noexcept {
    return is_syn(flags) && (flags & kTcpAck) == 0;
}

// `state` is one of the TCP states.
[[nodiscard]] TcpStep tcp_step(SessionState state, Side side, std::uint8_t flags) noexcept;

}  // namespace towpath::nat
