// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/cores.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace towpath::worker {
namespace {

using Cores = std::vector<unsigned>;

TEST(ChooseCores, AutoLeavesOneCoreToControl) {
    EXPECT_EQ(*choose_cores("auto", {{0, 1, 2, 3}, 0}), (Cores{1, 2, 3}));
    EXPECT_EQ(*choose_cores("auto", {{5}, 0}), (Cores{5}));
}

TEST(ChooseCores, AutoHonoursTheQuotaAndTheLimitOfWorkers) {
    EXPECT_EQ(choose_cores("auto", {{0, 1, 2, 3}, 2.5})->size(), 2U);
    EXPECT_EQ(choose_cores("auto", {{0, 1, 2, 3}, 0.5})->size(), 1U);
    Cores many(64);
    for (unsigned core = 0; core < 64; ++core) {
        many[core] = core;
    }
    EXPECT_EQ(choose_cores("auto", {many, 0})->size(), 16U);
}

TEST(ChooseCores, ReadsListsAndRanges) {
    EXPECT_EQ(*choose_cores("1-2,0", {{0, 1, 2, 3}, 0}), (Cores{1, 2, 0}));
    EXPECT_EQ(*choose_cores("3,3", {{0, 1, 2, 3}, 0}), (Cores{3}));
}

TEST(ChooseCores, RefusesACoreThatDoesNotExist) {
    const auto cores = choose_cores("1-9", {{0, 1}, 0});
    ASSERT_FALSE(cores.has_value());
    EXPECT_EQ(cores.error().exit_code, ExitCode::no_such_core);
    EXPECT_EQ(cores.error().sentence,
              "dataplane.cores: core 2 does not exist or may not be used here");
}

TEST(ChooseCores, RefusesWhatIsNoList) {
    for (const char* text : {"", "a", "1-", "2-1", "1,,2", "1 2", "-1"}) {
        const auto cores = choose_cores(text, {{0, 1, 2}, 0});
        ASSERT_FALSE(cores.has_value()) << text;
        EXPECT_EQ(cores.error().exit_code, ExitCode::usage) << text;
    }
}

TEST(CpuMax, IsCoresOrNone) {
    EXPECT_DOUBLE_EQ(parse_cpu_max("150000 100000\n"), 1.5);
    EXPECT_DOUBLE_EQ(parse_cpu_max("max 100000\n"), 0);
    EXPECT_DOUBLE_EQ(parse_cpu_max(""), 0);
    EXPECT_DOUBLE_EQ(parse_cpu_max("100000 0"), 0);
}

class CoreLimitsFiles : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "coresXXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void write(const std::string& path, const std::string& text) {
        const std::filesystem::path file = root_ + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file} << text;
    }
    std::string root_;
};

TEST_F(CoreLimitsFiles, TakesTheTightestQuotaOfAllAncestors) {
    write("/proc/self/cgroup", "0::/system.slice/towpathd.service\n");
    write("/sys/fs/cgroup/system.slice/towpathd.service/cpu.max", "max 100000\n");
    write("/sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n");
    EXPECT_DOUBLE_EQ(read_core_limits(root_).quota_cores, 3);
}

TEST_F(CoreLimitsFiles, ReadsVersionOne) {
    write("/proc/self/cgroup", "4:cpu,cpuacct:/box\n1:name=systemd:/\n");
    write("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n");
    write("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    EXPECT_DOUBLE_EQ(read_core_limits(root_).quota_cores, 0.5);
}

TEST_F(CoreLimitsFiles, HasNoQuotaWithoutACgroup) {
    const CoreLimits limits = read_core_limits(root_);
    EXPECT_DOUBLE_EQ(limits.quota_cores, 0);
    EXPECT_FALSE(limits.allowed.empty());
}

}  // namespace
}  // namespace towpath::worker
