// SPDX-License-Identifier: BSD-3-Clause
// A TCP segment turned, in its own buffer, into the reset that answers it (RFC 9293 section
// 3.10.7.1), so that programs notice at once that their connection is gone (decisions.md N15).
#pragma once

#include "dataplane/packet/packet.h"

namespace towpath::nat {

// `packet` is whole TCP, not itself a reset. Afterwards it is an originated packet from its former
// destination to its former sender, without options or payload, to be routed.
void turn_into_reset(Packet& packet) noexcept;

}  // namespace towpath::nat
