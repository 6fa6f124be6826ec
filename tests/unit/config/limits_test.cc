// SPDX-License-Identifier: BSD-3-Clause
// Stated limits: at the limit accepted, one past it refused in words. Bombs cost nothing.
#include <gtest/gtest.h>

#include <string>

#include "config/document.h"
#include "config/load.h"

namespace towpath::config {
namespace {

std::string first_refusal(const Loaded& loaded) {
    return loaded.diagnostics.empty() ? "" : to_string(loaded.diagnostics.front(), "f");
}

std::string repeated(std::string_view text, std::size_t count) {
    std::string all;
    for (std::size_t index = 0; index < count; ++index) {
        all += text;
    }
    return all;
}

constexpr std::string_view kInterfaces =
    "version: 1\ninterfaces: {lan: {match: {name: lan0}, addresses: [10.77.0.1/16]}}\n";

TEST(FileLimit, OneMebibyteIsReadAndOneByteMoreIsNot) {
    std::string text{kInterfaces};
    text += "#" + std::string(kFileBytesMax - text.size() - 1, 'x');
    ASSERT_EQ(text.size(), kFileBytesMax);
    EXPECT_EQ(first_refusal(load_text(text)), "");
    EXPECT_EQ(first_refusal(load_text(text + "x")),
              "f: error: larger than 1 MiB: a configuration is at most 1048576 bytes");
}

TEST(FileLimit, TenMegabytesAreRefused) {
    EXPECT_EQ(first_refusal(load_text(std::string(std::size_t{10} << 20U, 'a'))),
              "f: error: larger than 1 MiB: a configuration is at most 1048576 bytes");
}

TEST(FileLimit, MissingFileAndFolderAreRefusedInWords) {
    EXPECT_EQ(first_refusal(load_file("/nonexistent/towpath.yaml")),
              "f: error: cannot be opened: No such file or directory");
    EXPECT_EQ(first_refusal(load_file("/")), "f: error: is not a regular file");
}

TEST(DepthLimit, SixteenAreReadAndSeventeenAreNot) {
    EXPECT_TRUE(read_document(repeated("[", kDepthMax) + repeated("]", kDepthMax)).root);
    const Document deep =
        read_document(repeated("[", kDepthMax + 1) + repeated("]", kDepthMax + 1));
    ASSERT_FALSE(deep.root);
    EXPECT_EQ(deep.diagnostics.front().text, "nested more than 16 deep");
}

TEST(NodeLimit, CountsEveryValueAndKey) {
    // The list is a node too.
    EXPECT_TRUE(read_document("[" + repeated("1,", kNodesMax - 1) + "]").root);
    const Document wide = read_document("[" + repeated("1,", kNodesMax) + "]");
    ASSERT_FALSE(wide.root);
    EXPECT_EQ(wide.diagnostics.front().text, "more than 65536 values in one file");
}

TEST(Bomb, AliasesAreRefusedBeforeTheyMultiply) {
    std::string text = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int level = 1; level < 12; ++level) {
        const std::string alias = "*a" + std::to_string(level - 1);
        text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + alias + "," +
                repeated(alias + ",", 9) + "]\n";
    }
    EXPECT_EQ(first_refusal(load_text(text)),
              "f:2:5: error: anchors (&) and aliases (*) are not accepted; write the value out");
}

TEST(Bomb, AMebibyteOfBracketsIsRefused) {
    EXPECT_FALSE(load_text(std::string(kFileBytesMax, '[')).is_valid());
    EXPECT_FALSE(load_text(std::string(kFileBytesMax, '{')).is_valid());
    EXPECT_FALSE(load_text(repeated("- ", kFileBytesMax / 2)).is_valid());
}

std::string with_interfaces(std::size_t count) {
    std::string text = "version: 1\ninterfaces:\n";
    for (std::size_t index = 0; index < count; ++index) {
        text +=
            "  i" + std::to_string(index) + ": {match: {name: d" + std::to_string(index) + "}}\n";
    }
    return text;
}

TEST(InterfaceLimit, ThirtyTwo) {
    EXPECT_EQ(first_refusal(load_text(with_interfaces(kInterfacesMax))), "");
    EXPECT_EQ(first_refusal(load_text(with_interfaces(kInterfacesMax + 1))),
              "f:2:1: error: interfaces lists more than 32 interfaces");
}

std::string with_addresses(std::size_t count) {
    std::string text = "version: 1\ninterfaces: {lan: {match: {name: lan0}, addresses: [";
    for (std::size_t index = 1; index <= count; ++index) {
        text += "10.77.1." + std::to_string(index) + "/24,";
    }
    return text + "]}}\n";
}

TEST(AddressLimit, SixteenPerInterface) {
    EXPECT_EQ(first_refusal(load_text(with_addresses(kAddressesPerInterfaceMax))), "");
    EXPECT_EQ(first_refusal(load_text(with_addresses(kAddressesPerInterfaceMax + 1))),
              "f:2:41: error: interfaces.lan.addresses lists more than 16 addresses");
}

std::string with_routes(std::size_t count) {
    std::string text = std::string{kInterfaces} + "routes:\n  static:\n";
    for (std::size_t index = 0; index < count; ++index) {
        text += "    - {to: 198.18." + std::to_string(index / 256) + "." +
                std::to_string(index % 256) + "/32, via: 10.77.0.2}\n";
    }
    return text;
}

TEST(RouteLimit, FourThousandAndNinetySix) {
    EXPECT_EQ(first_refusal(load_text(with_routes(kStaticRoutesMax))), "");
    EXPECT_EQ(first_refusal(load_text(with_routes(kStaticRoutesMax + 1))),
              "f:4:3: error: routes.static lists more than 4096 routes");
}

std::string with_local_rules(std::size_t count) {
    return std::string{kInterfaces} + "local:\n  allow:\n" +
           repeated("    - {from: lan, protocol: tcp, port: 22}\n", count);
}

TEST(LocalRuleLimit, TwoHundredAndFiftySix) {
    EXPECT_EQ(first_refusal(load_text(with_local_rules(kLocalRulesMax))), "");
    EXPECT_EQ(first_refusal(load_text(with_local_rules(kLocalRulesMax + 1))),
              "f:4:3: error: local.allow lists more than 256 rules");
}

TEST(CoreLimit, Sixteen) {
    EXPECT_EQ(first_refusal(load_text(std::string{kInterfaces} + "dataplane: {cores: 0-15}\n")),
              "");
    EXPECT_EQ(first_refusal(load_text(std::string{kInterfaces} + "dataplane: {cores: 0-16}\n")),
              "f:3:13: error: dataplane.cores lists more than 16 cores");
}

}  // namespace
}  // namespace towpath::config
