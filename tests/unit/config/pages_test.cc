// SPDX-License-Identifier: BSD-3-Clause
// What README.md and docs/ print may be copied: every configuration is whole and accepted without a
// warning, every wg-quick file is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "config/load.h"
#include "config/wg_quick.h"

namespace towpath::config {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = fs::path{TOWPATH_CONFIG_FOLDER}.parent_path();
// In the place of what a page leaves out: `PrivateKey = ...`.
constexpr std::string_view kSomeKey = "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

struct Block {
    std::string kind;   // "yaml", "ini"
    std::string title;  // the file's name, behind the kind
    std::string text;
    std::size_t line = 0;
};

std::vector<Block> blocks_of(const fs::path& page) {
    std::ifstream file{page};
    std::vector<Block> blocks;
    bool is_inside = false;
    std::string line;
    for (std::size_t number = 1; std::getline(file, line); ++number) {
        if (line.starts_with("```")) {
            is_inside = !is_inside;
            if (is_inside) {
                const std::size_t space = std::min(line.find(' '), line.size());
                blocks.push_back({line.substr(3, space - 3),
                                  line.substr(std::min(space + 1, line.size())),
                                  {},
                                  number});
            }
        } else if (is_inside) {
            blocks.back().text += line + "\n";
        }
    }
    EXPECT_FALSE(is_inside) << page << " ends inside a block";
    return blocks;
}

// Each key that is left out another one: peers with one key between them would be refused.
std::string with_keys(std::string text) {
    char letter = 'A';
    for (std::size_t at = 0; (at = text.find("= ...")) != std::string::npos; ++letter) {
        std::string key{kSomeKey};
        key[0] = letter;
        text.replace(at, 5, "= " + key);
    }
    return text;
}

std::vector<fs::path> pages() {
    std::vector<fs::path> found{kRoot / "README.md"};
    for (const fs::directory_entry& entry : fs::directory_iterator{kRoot / "docs"}) {
        found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

// Files that a configuration names: those that the page prints, and keys.
ReadFile files_of(const std::vector<Block>& blocks) {
    return [blocks](const std::string& path, std::size_t) -> Scalar<FileText> {
        for (const Block& block : blocks) {
            if (block.kind == "ini" && block.title == path) {
                return FileText{with_keys(block.text), true};
            }
        }
        if (path.ends_with(".key") || path.ends_with(".psk")) {
            return FileText{std::string{kSomeKey} + "\n", true};
        }
        return tl::unexpected{std::string{" is not printed in the page"}};
    };
}

TEST(Pages, AreTheOnesThatReadmeNames) {
    std::ifstream file{kRoot / "README.md"};
    std::ostringstream readme;
    readme << file.rdbuf();
    ASSERT_EQ(pages().size(), 4U);
    for (const fs::path& page : pages()) {
        const std::string link = "(docs/" + page.filename().string() + ")";
        EXPECT_TRUE(page.filename() == "README.md" || readme.str().find(link) != std::string::npos)
            << link;
    }
}

TEST(Pages, EveryConfigurationIsAcceptedWithoutAWarning) {
    std::map<std::string, int> configurations;
    for (const fs::path& page : pages()) {
        const std::vector<Block> blocks = blocks_of(page);
        for (const Block& block : blocks) {
            const std::string where = page.filename().string() + ":" + std::to_string(block.line);
            if (block.kind == "yaml") {
                const Loaded loaded = load_text(block.text, files_of(blocks));
                EXPECT_EQ(to_string(loaded.diagnostics, where), "");
                ++configurations[page.filename().string()];
            } else if (block.kind == "ini") {
                const WgQuickFile file = parse_wg_quick(with_keys(block.text));
                EXPECT_EQ(to_string(file.diagnostics, where), "");
            } else {
                EXPECT_TRUE(block.kind.empty()) << where << ": " << block.kind;
                EXPECT_EQ(block.text.find("version: 1"), std::string::npos) << where;
            }
        }
    }
    const std::map<std::string, int> expected{
        {"README.md", 1}, {"exit-node.md", 2}, {"nat-gateway.md", 2}, {"subnet-router.md", 2}};
    EXPECT_EQ(configurations, expected);
}

}  // namespace
}  // namespace towpath::config
