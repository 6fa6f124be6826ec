// SPDX-License-Identifier: BSD-3-Clause
// YAML text as a tree of nodes with positions: syntax only, no meaning. The one place that knows
// yaml-cpp, which is used as an event parser so that every limit holds before memory is spent
// (yaml-cpp's own tree expands aliases and silently keeps the first of two equal keys).
//
// Invariants of a tree: at most kNodesMax nodes, kDepthMax deep, no aliases, keys of a map are
// scalars and differ. Text that breaks one gets a Diagnostic; text that is not YAML gets one, at
// the first place where it stops being YAML.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace towpath::config {

inline constexpr std::size_t kNodesMax = 65536;
inline constexpr std::size_t kDepthMax = 16;

struct Node {
    enum class Kind : std::uint8_t { null, scalar, sequence, map };
    Kind kind = Kind::null;
    Position position;
    std::string text;         // of a scalar
    std::vector<Node> keys;   // of a map: keys[i] names items[i]
    std::vector<Node> items;  // of a map or a sequence
};

[[nodiscard]] std::string_view to_string(Node::Kind kind) noexcept;

struct Document {
    std::optional<Node> root;  // unset if the text is not one usable YAML document
    std::vector<Diagnostic> diagnostics;
};

[[nodiscard]] Document read_document(std::string_view text);

}  // namespace towpath::config
