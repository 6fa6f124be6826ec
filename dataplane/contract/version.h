// SPDX-License-Identifier: BSD-3-Clause
// The number of the contract and the name of the build. Rule of compatibility: the contract number
// must be equal on both sides, the build may differ. Any change of a struct in this folder raises
// the number: there is no negotiation, both processes come from one package.
#pragma once

#include <cstdint>
#include <string_view>

namespace towpath::contract {

inline constexpr std::uint16_t kContractVersion = 10;
// The release, and the commit where the source had one: "0.1.0+07d56de0c1", with ".dirty" behind it
// when files differed from that commit. Ends with a null character. Shown by `towpath version` and
// in the hello of both sides; never compared, except with what this build wrote earlier. Known to
// version.cc alone, so that a commit compiles one file and no header.
extern const std::string_view kBuild;

}  // namespace towpath::contract
