// SPDX-License-Identifier: BSD-3-Clause
// From a tree of nodes to a Config, along the option table: unknown keys (with a guess at what was
// meant), wrong types, values outside their range, keys of later versions. Every error is reported,
// not the first. Rules between fields are validate()'s.
#pragma once

#include "config/document.h"
#include "config/reading.h"

namespace towpath::config {

[[nodiscard]] Reading parse(const Node& root);

}  // namespace towpath::config
