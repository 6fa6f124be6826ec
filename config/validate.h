// SPDX-License-Identifier: BSD-3-Clause
// Rules between the fields of a configuration that parsed: names that must exist, addresses that
// must not overlap, timers that must not be below what the RFCs require. Pure. Every broken rule is
// reported where the value stands; ids like BAD-CFG-01 are those of the catalogue of bad input.
#pragma once

#include <vector>

#include "config/devices.h"
#include "config/load.h"
#include "config/reading.h"

namespace towpath::config {

// Of everything that was read; silent about places that parse() already refused. Warns of devices
// that `find` does not find.
[[nodiscard]] std::vector<Diagnostic> validate(const Reading& reading, const FindDevice& find = {});

}  // namespace towpath::config
