// SPDX-License-Identifier: BSD-3-Clause
// How the data path names a peer: chosen by the control plane, below the capacity, stable for as
// long as the peer is configured.
#pragma once

#include <cstdint>

namespace towpath::wireguard {

using PeerId = std::uint32_t;
inline constexpr PeerId kNoPeer = 0xFFFF'FFFF;

}  // namespace towpath::wireguard
