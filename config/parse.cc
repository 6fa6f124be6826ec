// SPDX-License-Identifier: BSD-3-Clause
#include "config/parse.h"

#include <algorithm>

#include "config/encoding.h"

namespace towpath::config {
namespace {

// A place twice: as written ("interfaces.lan") and as the table names it ("interfaces.*").
struct Place {
    std::string written;
    std::string pattern;

    [[nodiscard]] Place key(std::string_view name) const {
        return {join(written, name), join(pattern, name)};
    }
    [[nodiscard]] Place element(std::size_t index) const {
        return {written + "[" + std::to_string(index) + "]", pattern + "[]"};
    }
    [[nodiscard]] Place member(std::string_view name) const {
        return {join(written, name), pattern + ".*"};
    }

private:
    static std::string join(const std::string& base, std::string_view name) {
        return base.empty() ? std::string{name} : base + "." + std::string{name};
    }
};

std::string in_section(const Place& place) {
    return place.written.empty() ? std::string{} : " in " + place.written;
}

// The last part of `path` if its parent is `section`.
std::optional<std::string_view> child_name(std::string_view path, std::string_view section) {
    if (!section.empty()) {
        if (path.size() <= section.size() + 1 || !path.starts_with(section) ||
            path[section.size()] != '.') {
            return std::nullopt;
        }
        path.remove_prefix(section.size() + 1);
    }
    // A star stands for names, not for one.
    const bool is_direct = path.find_first_of(".[*") == std::string_view::npos;
    return is_direct ? std::optional{path} : std::nullopt;
}

class Walk {
public:
    explicit Walk(Reading& reading) : reading_{reading} {}

    void section(const Place& place, const Node& node) {
        if (node.kind != Node::Kind::map) {
            refuse_shape(place, node, "a map of keys");
            return;
        }
        for (std::size_t index = 0; index < node.keys.size(); ++index) {
            entry(place, node.keys[index], node.items[index]);
        }
        require_children(place, node);
    }

private:
    void entry(const Place& section, const Node& key, const Node& value) {
        const Place place = section.key(printable(key.text));
        // What the file spells as a pattern is not one.
        const bool is_word = key.text.find_first_of(".[*") == std::string::npos;
        const Option* option = is_word ? find_option(place.pattern) : nullptr;
        if (option == nullptr) {
            refuse_key(section, key, is_word ? place.pattern : std::string{});
            return;
        }
        reading_.path = place.written;
        reading_.locations[place.written] = key.position;
        this->value(*option, place, value);
    }

    void value(const Option& option, const Place& place, const Node& node) {
        const bool is_scalar = node.kind == Node::Kind::scalar;
        if (option.value == Value::section ||
            (option.value == Value::choice_or_section && !is_scalar)) {
            if (option.value == Value::section && option.read != nullptr) {
                option.read(reading_, option, node);
            }
            section(place, node);
        } else if (option.value == Value::named_sections) {
            named_sections(option, place, node);
        } else if (option.value == Value::list_of_sections) {
            list_of_sections(option, place, node);
        } else {
            option.read(reading_, option, node);
        }
    }

    void named_sections(const Option& option, const Place& place, const Node& node) {
        if (node.kind != Node::Kind::map) {
            refuse_shape(place, node, "a map of names");
            return;
        }
        for (std::size_t index = 0; index < node.keys.size(); ++index) {
            const Place member = place.member(printable(node.keys[index].text));
            reading_.path = member.written;
            reading_.locations[member.written] = node.keys[index].position;
            option.read(reading_, option, node.keys[index]);
            section(member, node.items[index]);
        }
    }

    void list_of_sections(const Option& option, const Place& place, const Node& node) {
        if (node.kind != Node::Kind::sequence) {
            refuse_shape(place, node, "a list");
            return;
        }
        for (std::size_t index = 0; index < node.items.size(); ++index) {
            const Place element = place.element(index);
            reading_.path = element.written;
            reading_.locations[element.written] = node.items[index].position;
            option.read(reading_, option, node.items[index]);
            section(element, node.items[index]);
        }
    }

    void refuse_shape(const Place& place, const Node& node, std::string_view wanted) {
        const std::string name = place.written.empty() ? "the file" : place.written;
        reading_.path = place.written;
        if (node.kind == Node::Kind::null) {
            reading_.refuse(node, name + " is empty, but must be " + std::string{wanted});
        } else {
            reading_.refuse(node, name + " is a " + std::string{to_string(node.kind)} +
                                      ", but must be " + std::string{wanted});
        }
    }

    void refuse_key(const Place& section, const Node& key, const std::string& pattern) {
        const std::string name = printable(key.text);
        reading_.path = section.key(name).written;
        for (const Unavailable& later : unavailable_options()) {
            if (later.path == pattern) {
                reading_.refuse(
                    key, "'" + name + "'" + in_section(section) +
                             " is not available in this version: " + std::string{later.sentence});
                return;
            }
        }
        std::vector<std::string_view> siblings;
        for_each_option([&](const Option& option) {
            if (const auto child = child_name(option.path, section.pattern)) {
                siblings.push_back(*child);
            }
        });
        const std::string_view meant = closest(key.text, siblings);
        reading_.refuse(key,
                        "unknown key '" + name + "'" + in_section(section) +
                            (meant.empty() ? "" : "; did you mean '" + std::string{meant} + "'?"));
    }

    void require_children(const Place& place, const Node& node) {
        for_each_option([&](const Option& option) {
            const auto child =
                option.is_required ? child_name(option.path, place.pattern) : std::nullopt;
            const bool is_missing =
                child && std::none_of(node.keys.begin(), node.keys.end(),
                                      [&](const Node& key) { return key.text == *child; });
            if (is_missing) {
                reading_.path = place.key(*child).written;
                reading_.refuse(node,
                                "'" + std::string{*child} + "' is missing" + in_section(place));
            }
        });
    }

    Reading& reading_;
};

}  // namespace

Reading parse(const Node& root) {
    Reading reading;
    Walk{reading}.section({}, root);
    return reading;
}

}  // namespace towpath::config
