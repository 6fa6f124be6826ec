// SPDX-License-Identifier: BSD-3-Clause
// One process per lock and run directory (decisions.md N16).
#include "dataplane/contract/run_directory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace towpath::contract {
namespace {

class RunDirectory : public ::testing::Test {
protected:
    RunDirectory() {
        std::string pattern = ::testing::TempDir() + "towpath-run-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~RunDirectory() override { std::filesystem::remove_all(directory_); }
    std::string directory_;
};

TEST_F(RunDirectory, SecondInstanceIsToldWhoHoldsIt) {
    const auto held = RunLock::acquire(directory_, kDataplaneLock);
    ASSERT_TRUE(held.has_value());
    const auto second = RunLock::acquire(directory_, kDataplaneLock);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().exit_code, ExitCode::already_running);
    EXPECT_EQ(second.error().sentence,
              "another instance (pid " + std::to_string(::getpid()) + ") holds " + directory_);
}

TEST_F(RunDirectory, LocksOfTheThreeProcessesDoNotMeet) {
    const auto one = RunLock::acquire(directory_, kDataplaneLock);
    const auto two = RunLock::acquire(directory_, kControlLock);
    const auto three = RunLock::acquire(directory_, kSupervisorLock);
    EXPECT_TRUE(one.has_value() && two.has_value() && three.has_value());
}

TEST_F(RunDirectory, ReleasedLockCanBeTakenAgain) {
    { ASSERT_TRUE(RunLock::acquire(directory_, kControlLock).has_value()); }
    const auto again = RunLock::acquire(directory_, kControlLock);
    ASSERT_TRUE(again.has_value());
    EXPECT_FALSE(again->was_cut_short());
}

TEST_F(RunDirectory, LockOfAKilledProcessIsFree) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto held = RunLock::acquire(directory_, kControlLock);
        ::_exit(held.has_value() ? 0 : 1);  // no destructor, as after a kill
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    {
        const auto next = RunLock::acquire(directory_, kControlLock);
        ASSERT_TRUE(next.has_value());
        EXPECT_TRUE(next->was_cut_short());
        EXPECT_FALSE(RunLock::acquire(directory_, kControlLock).has_value());
        EXPECT_FALSE(std::filesystem::is_empty(directory_ + "/control.lock"))
            << "who was refused leaves the holder's name there";
    }
    const auto after_a_stop = RunLock::acquire(directory_, kControlLock);
    ASSERT_TRUE(after_a_stop.has_value());
    EXPECT_FALSE(after_a_stop->was_cut_short());
}

TEST_F(RunDirectory, PathTooLongForASocketIsRefused) {
    const auto lock = RunLock::acquire(directory_ + std::string(120, 'x'), kControlLock);
    ASSERT_FALSE(lock.has_value());
    EXPECT_EQ(lock.error().exit_code, ExitCode::usage);
}

TEST_F(RunDirectory, EnvironmentStandsBehindTheOption) {
    ::setenv("TOWPATH_RUN_DIR", "/tmp/from-environment/", 1);
    EXPECT_EQ(run_directory("/tmp/given"), "/tmp/given");
    EXPECT_EQ(run_directory(""), "/tmp/from-environment");
    ::unsetenv("TOWPATH_RUN_DIR");
    EXPECT_EQ(run_directory(""), "/run/towpath");
    EXPECT_EQ(contract_socket("/run/towpath"), "/run/towpath/contract.sock");
}

}  // namespace
}  // namespace towpath::contract
