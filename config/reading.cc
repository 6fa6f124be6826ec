// SPDX-License-Identifier: BSD-3-Clause
#include "config/reading.h"

#include "config/encoding.h"

namespace towpath::config {

std::vector<std::string_view> split_choices(std::string_view choices) {
    std::vector<std::string_view> words;
    while (!choices.empty()) {
        const std::size_t bar = choices.find('|');
        words.push_back(choices.substr(0, bar));
        choices.remove_prefix(bar == std::string_view::npos ? choices.size() : bar + 1);
    }
    return words;
}

std::optional<std::string> Reading::word(const Node& node) {
    if (node.kind == Node::Kind::null || (node.kind == Node::Kind::scalar && node.text.empty())) {
        refuse(node, path + " has no value");
        return std::nullopt;
    }
    if (node.kind != Node::Kind::scalar) {
        refuse(node, path + " is a " + std::string{to_string(node.kind)} +
                         ", but must be a single value");
        return std::nullopt;
    }
    // What does not survive quoting in a message is no word of ours either.
    return printable(node.text);
}

std::optional<std::size_t> Reading::choice(const Option& option, const Node& node) {
    const auto text = word(node);
    if (!text) {
        return std::nullopt;
    }
    const auto words = split_choices(option.choices);
    std::string allowed;
    for (std::size_t index = 0; index < words.size(); ++index) {
        if (words[index] == *text) {
            return index;
        }
        allowed += (index == 0 ? "" : ", ") + std::string{words[index]};
    }
    const std::string_view meant = closest(*text, words);
    refuse(node, path + ": '" + *text + "' is not one of " + allowed +
                     (meant.empty() ? "" : "; did you mean '" + std::string{meant} + "'?"));
    return std::nullopt;
}

bool Reading::is_list_usable(const Node& node) {
    if (node.kind == Node::Kind::sequence) {
        return true;
    }
    refuse(node,
           path + (node.kind == Node::Kind::null ? std::string{" has no value"}
                                                 : " is a " + std::string{to_string(node.kind)} +
                                                       ", but must be a list or a single value"));
    return false;
}

}  // namespace towpath::config
