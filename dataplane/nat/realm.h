// SPDX-License-Identifier: BSD-3-Clause
// Towards whom a mapping translates. One inside endpoint has at most one mapping in each realm, and
// within a realm the same for every destination (endpoint-independent mapping, RFC 4787 REQ-1).
//
// outside: the pool's addresses, filtered as the policy says. Towards an interface (decisions.md
// W13, source-nat of a tunnel): that interface's own address. Identity: nothing is translated, but
// what passes is remembered. In the last two only remotes that were sent to may answer.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/packet/interface.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

enum class Realm : std::uint8_t {};

inline constexpr Realm kOutsideRealm{0};
inline constexpr Realm kIdentityRealm{0xFF};

[[nodiscard]] constexpr Realm realm_towards(InterfaceId interface) noexcept {
    return Realm{static_cast<std::uint8_t>(static_cast<unsigned>(interface) + 1U)};
}

// By interface id; unspecified: nothing is translated towards it.
using RealmAddresses = std::array<Ipv4Address, kInterfacesMax>;

}  // namespace towpath::nat
