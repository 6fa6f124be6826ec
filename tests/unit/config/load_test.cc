// SPDX-License-Identifier: BSD-3-Clause
// What good configurations mean: the issue's file word for word, the examples that ship, units,
// defaults (N10, N18, N19) and what names resolve to.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/derive.h"
#include "config/load.h"
#include "config/options.h"
#include "config/schema.h"

namespace towpath::config {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

const fs::path kConfigFolder = TOWPATH_CONFIG_FOLDER;

Ipv4Address address(std::string_view text) {
    return *parse_ipv4_address(text);
}
Ipv4Prefix prefix(std::string_view text) {
    return *parse_ipv4_prefix(text);
}

Config accepted(std::string_view text) {
    const Loaded loaded = load_text(text);
    EXPECT_EQ(to_string(loaded.diagnostics, "f"), "");
    return loaded.config;
}

constexpr std::string_view kQuickStart = R"(version: 1
interfaces:
  lan: {match: {name: lan0}, driver: af_packet, addresses: [10.77.1.1/24]}
  wan: {match: {name: wan0}, driver: af_packet, addresses: [192.0.2.10/24]}
routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}
nat: {inside: [lan], outside: wan, pool: [wan], filtering: {udp: endpoint-independent, tcp: address-and-port-dependent}}
)";

TEST(QuickStart, IsUnderstoodWhole) {
    Config expected;
    Interface lan;
    lan.name = "lan";
    lan.match.name = "lan0";
    lan.driver = Driver::af_packet;
    lan.addresses = {{address("10.77.1.1"), prefix("10.77.1.0/24")}};
    Interface wan = lan;
    wan.name = "wan";
    wan.match.name = "wan0";
    wan.addresses = {{address("192.0.2.10"), prefix("192.0.2.0/24")}};
    expected.interfaces = {lan, wan};
    expected.routes = {{prefix("0.0.0.0/0"), address("192.0.2.1"), ""}};
    expected.nat.is_enabled = true;
    expected.nat.inside = {"lan"};
    expected.nat.outside = "wan";
    expected.nat.pool = {{"wan", {}, {}}};
    EXPECT_EQ(accepted(kQuickStart), expected);
}

TEST(QuickStart, ResolvesItsNames) {
    const Config config = accepted(kQuickStart);
    EXPECT_EQ(route_interface(config, config.routes[0]), 1U);
    EXPECT_EQ(pool_addresses(config), std::vector{address("192.0.2.10")});
    EXPECT_EQ(nat_sources(config), std::vector{prefix("10.77.1.0/24")});                // N19
    EXPECT_EQ(reserved_port_ranges(config), (std::vector<PortRange>{{61000, 65535}}));  // N10
    EXPECT_TRUE(is_inside(config, "lan"));
    EXPECT_TRUE(is_outside(config, "wan"));
}

std::string contents(const fs::path& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The files that the examples name.
Scalar<FileText> key_files(const std::string& path, std::size_t) {
    const std::string key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
    return FileText{path.ends_with(".conf")
                        ? "[Interface]\nPrivateKey = " + key + "\nListenPort = 51821\n"
                        : key + "\n",
                    true};
}

TEST(Examples, EveryOneIsAcceptedWithoutAWarning) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator{kConfigFolder / "examples"}) {
        const Loaded loaded = load_text(contents(entry.path()), key_files);
        EXPECT_EQ(to_string(loaded.diagnostics, entry.path().filename().string()), "");
        ++count;
    }
    EXPECT_GE(count, 4U);
    EXPECT_TRUE(load_file(kConfigFolder / "examples/edge.yaml").is_valid());
}

TEST(Examples, MinimalIsTheIssuesFile) {
    EXPECT_EQ(contents(kConfigFolder / "examples/minimal.yaml"), kQuickStart);
}

// "complete" is a promise: the last part of every path of the table stands in it.
TEST(Examples, CompleteNamesEveryOption) {
    const std::string text = contents(kConfigFolder / "examples/complete.yaml");
    for_each_option([&](const Option& option) {
        const std::string key{option.path.substr(option.path.find_last_of(".]") + 1)};
        const bool is_alternative = key == "pci" || key == "mac" || key == "tcp-transitory";
        EXPECT_TRUE(is_alternative || text.find(key + ":") != std::string::npos) << option.path;
    });
}

TEST(Schema, IsTheOneThatShips) {
    EXPECT_TRUE(contents(kConfigFolder / "schema.json") == json_schema())
        << "write it again: towpath schema > config/schema.json";
}

TEST(Defaults, AreThoseOfTheTable) {
    // Written out with its defaults, a file means the same.
    const std::string base =
        "version: 1\n"
        "interfaces:\n"
        "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24]}\n"
        "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n"
        "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n"
        "nat:\n  inside: lan\n  outside: wan\n";
    const Config plain = accepted(base);
    std::size_t tried = 0;
    for_each_option([&](const Option& option) {
        if (!option.path.starts_with("nat.") || option.preset.empty() ||
            option.path == "nat.pool") {
            return;
        }
        const std::string_view key = option.path.substr(4);
        const std::size_t dot = key.find('.');
        const std::string value{option.preset};
        const std::string line = dot == std::string_view::npos
                                     ? "  " + std::string{key} + ": " + value + "\n"
                                     : "  " + std::string{key.substr(0, dot)} + ": {" +
                                           std::string{key.substr(dot + 1)} + ": " + value + "}\n";
        EXPECT_EQ(accepted(base + line), plain) << line;
        ++tried;
    });
    EXPECT_GE(tried, 20U);
}

TEST(Units, MeanWhatTheySay) {
    const Config config = accepted(
        "version: 1\n"
        "dataplane: {cores: [6, 2-4], hugepages: 4G, idle: busy-poll, buffers: 64Ki}\n"
        "interfaces:\n"
        "  lan: {match: {name: lan0}, addresses: 10.77.1.1/24}\n"
        "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24, 192.0.2.11/24]}\n"
        "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}, {to: 10.77.128.0/17, via: "
        "10.77.1.2}]}\n"
        "nat: {inside: lan, outside: wan, limits: {mappings: 4Mi, sessions: 4M},\n"
        "      timeouts: {tcp-established: 1d2h3m4s, tcp-transitory: 5m}, filtering: "
        "address-dependent}\n"
        "host-ports: [40000-41000, 22, 5060-5061]\n"
        "local: {allow: [{protocol: tcp, port: 443}, {from: 198.51.100.0/24, protocol: udp}]}\n");
    EXPECT_EQ(config.dataplane.cores, (std::vector<unsigned>{2, 3, 4, 6}));
    EXPECT_EQ(config.dataplane.hugepages.size_bytes, 4ULL << 30U);
    EXPECT_EQ(config.dataplane.buffers, 65536U);
    EXPECT_EQ(config.dataplane.idle, Idle::busy_poll);
    EXPECT_EQ(config.nat.limits.mappings, 4U * 1024 * 1024);
    EXPECT_EQ(config.nat.limits.sessions, 4'000'000U);
    EXPECT_EQ(config.nat.timeouts.tcp_established, seconds{93784});
    EXPECT_EQ(config.nat.timeouts.tcp_open, seconds{300});
    EXPECT_EQ(config.nat.timeouts.tcp_close, seconds{300});
    EXPECT_EQ(config.nat.filtering.tcp, Filtering::address_dependent);
    EXPECT_EQ(config.nat.filtering.udp, Filtering::address_dependent);
    EXPECT_EQ(config.host_ports.ephemeral, (PortRange{40000, 41000}));
    EXPECT_EQ(pool_addresses(config), (std::vector{address("192.0.2.10"), address("192.0.2.11")}));
    EXPECT_EQ(nat_sources(config), (std::vector{prefix("10.77.1.0/24"), prefix("10.77.128.0/17")}));
    // A rule without ports reserves none.
    EXPECT_EQ(reserved_port_ranges(config),
              (std::vector<PortRange>{{22, 22}, {443, 443}, {5060, 5061}, {40000, 41000}}));
}

TEST(Pool, TakesAddressesRangesAndPrefixes) {
    const Config config = accepted(
        "version: 1\n"
        "interfaces:\n"
        "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24]}\n"
        "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n"
        "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n"
        "nat: {inside: lan, outside: wan, pool: [198.51.100.9, 203.0.113.4-203.0.113.5, "
        "198.51.100.16/31]}\n");
    EXPECT_EQ(pool_addresses(config),
              (std::vector{address("198.51.100.9"), address("203.0.113.4"), address("203.0.113.5"),
                           address("198.51.100.16"), address("198.51.100.17")}));
}

TEST(NatLog, IsOffUnlessItIsAskedFor) {
    const std::string base =
        "version: 1\n"
        "interfaces:\n"
        "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24]}\n"
        "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n"
        "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n"
        "nat: {inside: lan, outside: wan";
    EXPECT_EQ(accepted(base + "}\n").nat.json_log, JsonLog::off);
    EXPECT_EQ(accepted(base + ", log: {json: off}}\n").nat.json_log, JsonLog::off);
    EXPECT_EQ(accepted(base + ", log: {json: stderr}}\n").nat.json_log, JsonLog::standard_error);
}

TEST(KernelTraffic, ReplacesItsDefault) {
    const Config config = accepted(
        "version: 1\ninterfaces: {a: {match: {name: x}, driver: af_xdp, "
        "kernel-traffic: [ssh, icmp, udp/5000-5010]}}\n");
    const std::vector<KernelTraffic> expected = {
        {Protocol::tcp, {22, 22}}, {Protocol::icmp, {0, 0}}, {Protocol::udp, {5000, 5010}}};
    EXPECT_EQ(config.interfaces[0].kernel_traffic, expected);
}

TEST(OptionTable, ParentsStandBeforeTheirChildrenAndNothingTwice) {
    std::vector<std::string_view> seen;
    for_each_option([&](const Option& option) {
        EXPECT_EQ(std::count(seen.begin(), seen.end(), option.path), 0) << option.path;
        const std::size_t cut = option.path.find_last_of('.');
        if (cut != std::string_view::npos) {
            std::string_view parent = option.path.substr(0, cut);
            while (parent.ends_with("[]") || parent.ends_with(".*")) {
                parent.remove_suffix(2);
            }
            EXPECT_EQ(std::count(seen.begin(), seen.end(), parent), 1) << option.path;
        }
        EXPECT_FALSE(option.help.empty()) << option.path;
        seen.push_back(option.path);
    });
}

}  // namespace
}  // namespace towpath::config
