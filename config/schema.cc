// SPDX-License-Identifier: BSD-3-Clause
#include "config/schema.h"

#include <vector>

#include "config/options.h"
#include "config/reading.h"

namespace towpath::config {
namespace {

// The table's rows as the tree that their paths describe.
struct Branch {
    std::string name;
    const Option* option = nullptr;
    std::vector<Branch> children;

    Branch& child(const std::string& wanted) {
        for (Branch& known : children) {
            if (known.name == wanted) {
                return known;
            }
        }
        return children.emplace_back(Branch{wanted, nullptr, {}});
    }
};

// "routes.static[].to" is routes, static, [], to.
std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> parts;
    std::string part;
    for (const char character : path) {
        if (character == '.' || character == '[') {
            parts.push_back(std::move(part));
            part.clear();
        }
        if (character != '.') {
            part += character;
        }
    }
    parts.push_back(std::move(part));
    return parts;
}

Branch option_tree() {
    Branch root;
    for_each_option([&](const Option& option) {
        Branch* branch = &root;
        for (const std::string& part : parts_of(option.path)) {
            branch = &branch->child(part);
        }
        branch->option = &option;
    });
    return root;
}

// JSON, indented; knows enough for a schema.
class Writer {
public:
    void open(char bracket) {
        begin_value();
        text_ += bracket;
        is_first_ = true;
        ++depth_;
    }
    void close(char bracket) {
        --depth_;
        new_line();
        text_ += bracket;
        is_first_ = false;
    }
    void key(std::string_view name) {
        separate();
        quote(name);
        text_ += ": ";
        has_key_ = true;
    }
    void string(std::string_view value) {
        begin_value();
        quote(value);
    }
    void literal(std::string_view value) {
        begin_value();
        text_ += value;
    }
    // On one line.
    void words(std::string_view name, const std::vector<std::string_view>& values) {
        key(name);
        has_key_ = false;
        text_ += '[';
        for (std::size_t index = 0; index < values.size(); ++index) {
            text_ += index == 0 ? "" : ", ";
            quote(values[index]);
        }
        text_ += ']';
    }
    void member(std::string_view name, std::string_view value) {
        key(name);
        string(value);
    }
    [[nodiscard]] std::string take() && { return std::move(text_) + "\n"; }

private:
    void begin_value() {
        if (!has_key_ && depth_ > 0) {
            separate();
        }
        has_key_ = false;
    }
    void separate() {
        text_ += is_first_ ? "" : ",";
        is_first_ = false;
        new_line();
    }
    void new_line() { text_ += "\n" + std::string(depth_ * 2, ' '); }
    void quote(std::string_view value) {
        text_ += '"';
        for (const char character : value) {
            text_ += character == '"' || character == '\\' ? "\\" : "";
            text_ += character;
        }
        text_ += '"';
    }

    std::string text_;
    std::size_t depth_ = 0;
    bool is_first_ = true;
    bool has_key_ = false;
};

void write_branch(Writer& writer, const Branch& branch);

void write_keys(Writer& writer, const Branch& branch) {
    writer.member("type", "object");
    writer.key("additionalProperties");
    writer.literal("false");
    writer.key("properties");
    writer.open('{');
    for (const Branch& child : branch.children) {
        writer.key(child.name);
        write_branch(writer, child);
    }
    writer.close('}');
    std::vector<std::string_view> required;
    for (const Branch& child : branch.children) {
        if (child.option != nullptr && child.option->is_required) {
            required.push_back(child.name);
        }
    }
    if (!required.empty()) {
        writer.words("required", required);
    }
}

void write_section(Writer& writer, const Branch& branch) {
    writer.open('{');
    write_keys(writer, branch);
    writer.close('}');
}

void write_shape(Writer& writer, const Option& option, const Branch& branch) {
    switch (option.value) {
        case Value::section:
            write_keys(writer, branch);
            break;
        case Value::named_sections:
            writer.member("type", "object");
            writer.key("additionalProperties");
            write_section(writer, branch.children.front());
            break;
        case Value::list_of_sections:
            writer.member("type", "array");
            writer.key("items");
            write_section(writer, branch.children.front());
            break;
        case Value::choice:
            writer.words("enum", split_choices(option.choices));
            break;
        case Value::choice_or_section:
            writer.key("oneOf");
            writer.open('[');
            writer.open('{');
            writer.words("enum", split_choices(option.choices));
            writer.close('}');
            write_section(writer, branch);
            writer.close(']');
            break;
        case Value::boolean:
            writer.member("type", "boolean");
            break;
        case Value::number:
        case Value::count:
        case Value::word:
            writer.words("type", {"string", "integer"});
            break;
        case Value::bytes:
        case Value::duration:
        case Value::text:
            writer.member("type", "string");
            break;
        case Value::word_list:
            writer.words("type", {"string", "integer", "array"});
            writer.key("items");
            writer.open('{');
            writer.words("type", {"string", "integer"});
            writer.close('}');
            break;
    }
}

void write_branch(Writer& writer, const Branch& branch) {
    writer.open('{');
    const Option& option = *branch.option;
    writer.member("description", option.help);
    if (!option.preset.empty()) {
        writer.member("default", option.preset);
    }
    write_shape(writer, option, branch);
    writer.close('}');
}

}  // namespace

std::string json_schema() {
    const Branch root = option_tree();
    Writer writer;
    writer.open('{');
    writer.member("$schema", "https://json-schema.org/draft/2020-12/schema");
    writer.member("title", "Towpath configuration, version 1");
    write_keys(writer, root);
    writer.close('}');
    return std::move(writer).take();
}

std::string reference_page() {
    std::string page;
    for_each_option([&](const Option& option) {
        page += std::string{option.path} + "\n    " + std::string{option.help} + "\n";
        if (!option.choices.empty()) {
            std::string choices;
            for (const std::string_view choice : split_choices(option.choices)) {
                choices += (choices.empty() ? "" : ", ") + std::string{choice};
            }
            page += "    One of: " + choices + ".\n";
        }
        if (!option.preset.empty()) {
            page += "    Default: " + std::string{option.preset} + ".\n";
        }
        page += option.reload == Reload::live ? "    A change is applied by reload.\n\n"
                                              : "    A change needs a restart.\n\n";
    });
    return page;
}

}  // namespace towpath::config
