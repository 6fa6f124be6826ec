// SPDX-License-Identifier: BSD-3-Clause
// The one table of what a configuration may say. The parser walks a document along it, the JSON
// Schema and the reference page are printed from it, and `reload` answers from it, so that they
// cannot drift. Adding an option: a member in config.h, a row in options_*.cc.
//
// A path names a place: "nat.timeouts.udp"; "interfaces.*.mtu" is a key of every interface,
// "routes.static[].to" of every element of a list.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace towpath::config {

struct Node;
class Reading;

enum class Value : std::uint8_t {
    section,            // a map of known keys
    named_sections,     // a map whose keys are names, each a section
    list_of_sections,   // a list, each element a section
    choice,             // one of `choices`
    choice_or_section,  // one of `choices` for all, or a section
    boolean,
    number,
    count,      // with k, M, Ki, Mi
    bytes,      // with K, M, G, or one of `choices`
    duration,   // with a unit
    text,       // a path
    word,       // one word of a shape of its own (an address, a name)
    word_list,  // a word or a list of words
};

// When a changed value takes effect.
enum class Reload : std::uint8_t { live, restart };

struct Option {
    std::string_view path;
    Value value = Value::word;
    std::string_view preset;   // the default as it would be written; empty: none
    std::string_view choices;  // "a|b|c", in the order of the enum
    Reload reload = Reload::live;
    std::string_view help;  // one sentence, for the schema and the reference page
    // Takes the value into the Config. Of a section it is called before its keys are read: with the
    // name (named_sections), the element (list_of_sections) or the map. May be null for a section.
    void (*read)(Reading&, const Option&, const Node&) = nullptr;
    bool is_required = false;
};

// Something of a later version: known, so that the refusal can say so.
struct Unavailable {
    std::string_view path;
    std::string_view sentence;
};

// Parents before their children.
[[nodiscard]] std::span<const Option> general_options() noexcept;
[[nodiscard]] std::span<const Option> interface_options() noexcept;
[[nodiscard]] std::span<const Option> nat_options() noexcept;
[[nodiscard]] std::span<const Option> wireguard_options() noexcept;
[[nodiscard]] std::span<const Unavailable> unavailable_options() noexcept;

// In any of them; null if there is none.
[[nodiscard]] const Option* find_option(std::string_view path) noexcept;

// Calls `visit` with every row, in the order of the file that one would write.
template <class Visit>
void for_each_option(const Visit& visit) {
    for (const auto options :
         {general_options(), interface_options(), nat_options(), wireguard_options()}) {
        for (const Option& option : options) {
            visit(option);
        }
    }
}

}  // namespace towpath::config
