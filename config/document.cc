// SPDX-License-Identifier: BSD-3-Clause
#include "config/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <unordered_map>
#include <utility>

#include "config/encoding.h"

namespace towpath::config {
namespace {

Position position_of(const YAML::Mark& mark) {
    if (mark.is_null()) {
        return {};
    }
    return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

// Leaves yaml-cpp's parser from inside an event; caught in read_document().
struct Stop {
    Diagnostic why;
};

class TreeBuilder final : public YAML::EventHandler {
public:
    explicit TreeBuilder(std::vector<Diagnostic>& diagnostics) : diagnostics_{diagnostics} {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) {
            stop(mark, "a second document begins here; a configuration is one document");
        }
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(mark, "", anchor, Node::Kind::null, {});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_alias(mark); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        add(mark, tag, anchor, Node::Kind::scalar, value);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::sequence);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::map);
    }
    void OnMapEnd() override {
        refuse_duplicates();
        close();
    }

    [[nodiscard]] Node take_root() { return std::move(root_); }

private:
    struct Level {
        Node node;
        bool expects_value = false;  // of a map: its last key waits for an item
    };

    [[noreturn]] static void stop(const YAML::Mark& mark, std::string text) {
        throw Stop{{Severity::error, position_of(mark), std::move(text)}};
    }
    [[noreturn]] static void refuse_alias(const YAML::Mark& mark) {
        stop(mark, "anchors (&) and aliases (*) are not accepted; write the value out");
    }

    // Everything that is refused whatever it means.
    void admit(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            refuse_alias(mark);
        }
        if (++nodes_ > kNodesMax) {
            stop(mark, "more than " + std::to_string(kNodesMax) + " values in one file");
        }
        if (!tag.empty() && tag != "?" && tag != "!") {
            stop(mark, "tag '" + printable(tag) + "' is not accepted");
        }
    }

    void add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind,
             std::string text) {
        admit(mark, tag, anchor);
        attach({kind, position_of(mark), std::move(text), {}, {}});
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              Node::Kind kind) {
        admit(mark, tag, anchor);
        if (levels_.size() >= kDepthMax) {
            stop(mark, "nested more than " + std::to_string(kDepthMax) + " deep");
        }
        if (!levels_.empty() && levels_.back().node.kind == Node::Kind::map &&
            !levels_.back().expects_value) {
            stop(mark, "a key must be a plain word, not a " + std::string{to_string(kind)});
        }
        levels_.push_back({{kind, position_of(mark), {}, {}, {}}, false});
    }

    void close() {
        Node node = std::move(levels_.back().node);
        levels_.pop_back();
        attach(std::move(node));
    }

    void attach(Node node) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        Level& level = levels_.back();
        if (level.node.kind == Node::Kind::map && !level.expects_value) {
            level.node.keys.push_back(std::move(node));
            level.expects_value = true;
        } else {
            if (node.kind == Node::Kind::null && level.node.kind == Node::Kind::map) {
                // yaml-cpp notices that a value is missing only at what comes next.
                node.position = level.node.keys.back().position;
            }
            level.node.items.push_back(std::move(node));
            level.expects_value = false;
        }
    }

    // yaml-cpp accepts a key twice and answers with the first. The second goes, so that its value
    // is not also reported.
    void refuse_duplicates() {
        Node& map = levels_.back().node;
        std::unordered_map<std::string_view, std::size_t> first_line;
        Node kept{map.kind, map.position, {}, {}, {}};
        std::vector<bool> is_repeated(map.keys.size());
        for (std::size_t index = 0; index < map.keys.size(); ++index) {
            const Node& key = map.keys[index];
            const auto [where, is_new] = first_line.emplace(key.text, key.position.line);
            is_repeated[index] = !is_new;
            if (!is_new) {
                diagnostics_.push_back({Severity::error, key.position,
                                        "'" + printable(key.text) + "' given twice" +
                                            enclosing_name() + "; first at line " +
                                            std::to_string(where->second)});
            }
        }
        for (std::size_t index = 0; index < map.keys.size(); ++index) {
            if (!is_repeated[index]) {
                kept.keys.push_back(std::move(map.keys[index]));
                kept.items.push_back(std::move(map.items[index]));
            }
        }
        map = std::move(kept);
    }

    // " in nat.timeouts" of the map that is being closed; nothing at the top.
    [[nodiscard]] std::string enclosing_name() const {
        std::string name;
        for (std::size_t depth = 0; depth + 1 < levels_.size(); ++depth) {
            const Node& node = levels_[depth].node;
            if (node.kind == Node::Kind::map) {
                name += (name.empty() ? "" : ".") + printable(node.keys.back().text);
            } else {
                name += "[" + std::to_string(node.items.size()) + "]";
            }
        }
        return name.empty() ? name : " in " + name;
    }

    std::vector<Diagnostic>& diagnostics_;
    std::vector<Level> levels_;
    Node root_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

}  // namespace

std::string_view to_string(Node::Kind kind) noexcept {
    switch (kind) {
        case Node::Kind::null:
            return "nothing";
        case Node::Kind::scalar:
            return "single value";
        case Node::Kind::sequence:
            return "list";
        case Node::Kind::map:
            return "map";
    }
    return "unknown";
}

Document read_document(std::string_view text) {
    Document document;
    if (auto refusal = check_encoding(text)) {
        document.diagnostics.push_back(std::move(*refusal));
        return document;
    }
    TreeBuilder builder{document.diagnostics};
    try {
        std::istringstream stream{std::string{text}};
        YAML::Parser parser{stream};
        while (parser.HandleNextDocument(builder)) {
        }
        document.root = builder.take_root();
    } catch (const Stop& stop) {
        document.diagnostics.push_back(stop.why);
    } catch (const YAML::Exception& failure) {
        document.diagnostics.push_back(
            {Severity::error, position_of(failure.mark), "not YAML: " + printable(failure.msg)});
    } catch (const std::exception& failure) {
        document.diagnostics.push_back(
            {Severity::error, {}, std::string{"not YAML: "} + printable(failure.what())});
    }
    return document;
}

}  // namespace towpath::config
