// SPDX-License-Identifier: BSD-3-Clause
// The option table as JSON Schema (draft 2020-12, kept to what draft 7 also understands), which is
// config/schema.json and what `towpath schema` prints, and as a reference page. A schema cannot say
// rules between fields; `towpath check` does.
#pragma once

#include <string>

namespace towpath::config {

[[nodiscard]] std::string json_schema();
// One option per paragraph, plain text.
[[nodiscard]] std::string reference_page();

}  // namespace towpath::config
