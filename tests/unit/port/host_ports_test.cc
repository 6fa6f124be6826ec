// SPDX-License-Identifier: BSD-3-Clause
// decisions.md N10: the host's ports are set at start and restored at stop, also after a kill.
#include "dataplane/port/host_ports.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace towpath::port {
namespace {

class HostPortsTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "towpath_host_ports_XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        request_.saved_file = directory_ / "host-ports";
        request_.setting_file = directory_ / "ip_local_port_range";
        write(request_.setting_file, "32768\t60999\n");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    static void write(const std::string& path, const std::string& text) {
        std::ofstream{path, std::ios::trunc} << text;
    }
    [[nodiscard]] std::string setting() const {
        std::ostringstream text;
        text << std::ifstream{request_.setting_file}.rdbuf();
        return text.str();
    }

    std::filesystem::path directory_;
    HostPortsRequest request_;
};

TEST_F(HostPortsTest, AreSetAndRestored) {
    {
        const auto ports = HostPorts::reserve(request_);
        ASSERT_TRUE(ports.has_value()) << ports.error().sentence;
        EXPECT_EQ(setting().substr(0, 12), "61000\t65535\n");
    }
    EXPECT_EQ(setting().substr(0, 12), "32768\t60999\n");
    EXPECT_FALSE(std::filesystem::exists(request_.saved_file));
}

TEST_F(HostPortsTest, AKilledProcessIsMadeGoodByTheNext) {
    write(request_.saved_file, "32768\t60999\n");  // as it left them
    write(request_.setting_file, "61000\t65535\n");
    {
        const auto ports = HostPorts::reserve(request_);
        ASSERT_TRUE(ports.has_value()) << ports.error().sentence;
        EXPECT_EQ(ports->original(), (PortRange{32768, 60999}));
    }
    EXPECT_EQ(setting(), "32768\t60999\n");
}

TEST_F(HostPortsTest, ADamagedSavedFileIsNotBelieved) {
    write(request_.saved_file, "nonsense");
    const auto ports = HostPorts::reserve(request_);
    ASSERT_TRUE(ports.has_value()) << ports.error().sentence;
    EXPECT_EQ(ports->original(), (PortRange{32768, 60999}));
}

TEST_F(HostPortsTest, AMissingSettingIsSaidInWords) {
    std::filesystem::remove(request_.setting_file);
    const auto ports = HostPorts::reserve(request_);
    ASSERT_FALSE(ports.has_value());
    EXPECT_NE(ports.error().sentence.find(request_.setting_file), std::string::npos);
}

TEST(PortRangeText, OnlyTwoPortsInOrder) {
    EXPECT_EQ(parse_port_range("1024\t65535\n"), (PortRange{1024, 65535}));
    EXPECT_EQ(parse_port_range("5 5"), (PortRange{5, 5}));
    for (const char* bad :
         {"", "1024", "1024\t", "2 1", "0 5", "1 65536", "1 2 3", "-1 5", "1x2", "1\t2\n\n"}) {
        EXPECT_FALSE(parse_port_range(bad).has_value()) << bad;
    }
}

}  // namespace
}  // namespace towpath::port
