// SPDX-License-Identifier: BSD-3-Clause
// The number of the contract and the name of the build. Rule of compatibility: the contract number
// must be equal on both sides, the build may differ. Any change of a struct in this folder raises
// the number: there is no negotiation, both processes come from one package.
#pragma once

#include <cstdint>
#include <string_view>

namespace towpath::contract {

inline constexpr std::uint16_t kContractVersion = 7;
// Shown by `towpath version` and in the hello of both sides; never compared.
#ifdef TOWPATH_BUILD
inline constexpr std::string_view kBuild = TOWPATH_BUILD;
#else
inline constexpr std::string_view kBuild = "unknown";
#endif

}  // namespace towpath::contract
