// SPDX-License-Identifier: BSD-3-Clause
// Including this in one file of a gtest executable starts EAL, without hugepages, for all its
// tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "dataplane/dpdk/eal.h"

namespace towpath {

class StartedEal : public testing::Environment {
public:
    static constexpr std::size_t kMemory_bytes = std::size_t{96} << 20U;

    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "towpath_eal_XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        run_directory_ = pattern;
        auto eal = dpdk::Eal::start({.run_directory = run_directory_,
                                     .instance = "devices",
                                     .memory_bytes = kMemory_bytes,
                                     .pci_addresses = {},
                                     .may_use_hugepages = false});
        ASSERT_TRUE(eal.has_value()) << eal.error().sentence;
        eal_.emplace(std::move(*eal));
    }
    void TearDown() override {
        eal_.reset();
        // N16: EAL's own folder is gone; what is left would be a leak.
        EXPECT_TRUE(std::filesystem::is_empty(run_directory_));
        std::filesystem::remove_all(run_directory_);
    }

private:
    std::filesystem::path run_directory_;
    std::optional<dpdk::Eal> eal_;
};

inline testing::Environment* const kStartedEal = testing::AddGlobalTestEnvironment(new StartedEal);

}  // namespace towpath
