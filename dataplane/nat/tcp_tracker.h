// SPDX-License-Identifier: BSD-3-Clause
// The TCP machine of nat-behaviour.md section 8 (RFC 7857 section 2, RFC 6146 section 3.5.2) as a
// pure function. Sequence numbers are not tracked: a reset can at worst shorten an idle session to
// the close timer, since any later segment brings it back (8.1).
//
// HELD is no state here: an unsolicited SYN from outside has no session (held_syns.h). The SYN from
// inside that crosses it opens one as any other does, in init_inside: that somebody sent a SYN does
// not make the connection established. The answer to it does, or the far end's repeated SYN.
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
