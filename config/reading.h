// SPDX-License-Identifier: BSD-3-Clause
// A configuration while it is being read: the Config under construction, where each value stood,
// and what was wrong so far. The rows of the option table take their values through it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/document.h"
#include "config/load.h"
#include "config/options.h"
#include "config/scalar.h"

namespace towpath::config {

// "nat.pool[1]", "interfaces.lan.match" to where it stands.
using Locations = std::map<std::string, Position, std::less<>>;

// Which of several words of `choices` ("a|b|c").
[[nodiscard]] std::vector<std::string_view> split_choices(std::string_view choices);

class Reading {
public:
    Config config;
    std::vector<Diagnostic> diagnostics;
    Locations locations;
    // Places of `locations` that are in another file: path to file.
    std::map<std::string, std::string, std::less<>> files;
    std::string path;  // of the value being read, for messages

    // Paths with something wrong in them; a rule across fields is silent there, so that one mistake
    // is one message.
    std::vector<std::string> failed;

    void refuse(const Node& node, std::string text) {
        failed.push_back(path);
        diagnostics.push_back({Severity::error, node.position, std::move(text)});
    }

    // The text of a single value; anything else is refused.
    std::optional<std::string> word(const Node& node);
    // The elements of a list, or the single value itself; `take` says whether it took
    // one; those that it took are numbered.
    template <class Take>
    void each_word(const Node& node, const Take& take);
    // A scalar through one of the parse_ functions into `target`, or a diagnostic.
    template <class T, class Parse>
    bool take(T& target, const Node& node, const Parse& parse);
    // Index into the option's choices, or a diagnostic.
    std::optional<std::size_t> choice(const Option& option, const Node& node);

private:
    bool is_list_usable(const Node& node);
};

template <class Take>
void Reading::each_word(const Node& node, const Take& take) {
    std::size_t taken = 0;
    const auto visit = [&](const Node& item) {
        if (take(item)) {
            locations[path + "[" + std::to_string(taken++) + "]"] = item.position;
        }
    };
    if (node.kind == Node::Kind::scalar) {
        visit(node);
    } else if (is_list_usable(node)) {
        for (const Node& item : node.items) {
            visit(item);
        }
    }
}

template <class T, class Parse>
bool Reading::take(T& target, const Node& node, const Parse& parse) {
    const auto text = word(node);
    if (!text) {
        return false;
    }
    auto value = parse(std::string_view{*text});
    if (!value) {
        refuse(node, *text + value.error());
        return false;
    }
    target = static_cast<T>(std::move(*value));
    return true;
}

}  // namespace towpath::config
