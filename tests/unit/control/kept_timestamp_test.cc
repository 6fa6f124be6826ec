// SPDX-License-Identifier: BSD-3-Clause
// The file with the greatest time stamp that was sent (decisions.md W20).
#include "control/tunnels/kept_timestamp.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace towpath::control {
namespace {

using wireguard::Timestamp;

class KeptTimestampTest : public ::testing::Test {
protected:
    KeptTimestampTest() = default;
    ~KeptTimestampTest() override { std::filesystem::remove_all(folder_); }
    KeptTimestampTest(const KeptTimestampTest&) = delete;
    KeptTimestampTest& operator=(const KeptTimestampTest&) = delete;

    void put(const std::string& text) const { std::ofstream{kept_.path()} << text; }
    [[nodiscard]] std::string text() const {
        std::ifstream file{kept_.path()};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    // What read() says is wrong with that content.
    [[nodiscard]] std::string refusal(const std::string& content) const {
        put(content);
        const auto read = kept_.read();
        return read ? "" : read.error().sentence;
    }

    static std::string new_folder() {
        std::string pattern = ::testing::TempDir() + "towpath-state-XXXXXX";
        return ::mkdtemp(pattern.data());
    }

    const std::string folder_ = new_folder();
    KeptTimestamp kept_{folder_ + "/state"};
};

const Timestamp kSent = Timestamp::from_unix(1'700'000'000, 3 * Timestamp::kStep_ns);

TEST_F(KeptTimestampTest, IsNeverBeforeTheFirstIsWritten) {
    const auto read = kept_.read();
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(read->is_never());
}

TEST_F(KeptTimestampTest, IsThereAgainForItsOwnerAlone) {
    ASSERT_TRUE(kept_.write(kSent).has_value());
    EXPECT_EQ(*kept_.read(), kSent);
    EXPECT_EQ(text(), "@400000006553f10a03000000\n");
    struct stat file {};
    ASSERT_EQ(::stat(kept_.path().c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777U, 0600U);
    ASSERT_EQ(::stat((folder_ + "/state").c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777U, 0700U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder_ + "/state"}, {}), 1)
        << "nothing else is left there";
}

TEST_F(KeptTimestampTest, GrowsOnly) {
    ASSERT_TRUE(kept_.write(kSent.next()).has_value());
    ASSERT_TRUE(kept_.write(kSent).has_value());
    EXPECT_EQ(*kept_.read(), kSent.next()) << "another instance of the node sent it";
}

TEST_F(KeptTimestampTest, WrongContentIsRefusedInWordsAndReplaced) {
    std::filesystem::create_directory(folder_ + "/state");
    const std::string good = "@400000006553f10a00000000";
    EXPECT_EQ(refusal(good), "");
    EXPECT_EQ(refusal(good + "\n"), "");
    for (const std::string& wrong :
         {std::string{}, good.substr(1), good.substr(0, 24), good + "0", good + "\n\n",
          "@40000000-553f10a00000000" + std::string{}, std::string{"@400000006553f10a3b9aca00"},
          std::string{"@400000000000000900000000"}, std::string{"@400000020000000a00000000"},
          std::string(4096, 'f')}) {
        EXPECT_EQ(refusal(wrong),
                  kept_.path() +
                      " does not hold a time stamp (\"@\" and 24 hexadecimal digits of TAI64N)")
            << wrong;
    }
    EXPECT_EQ(refusal("@400000020000000900000000"), "") << "the last plausible second";
    put("nonsense");
    ASSERT_TRUE(kept_.write(kSent).has_value());
    EXPECT_EQ(*kept_.read(), kSent);
}

TEST_F(KeptTimestampTest, WhereNothingCanBeWrittenSaysSo) {
    std::ofstream{folder_ + "/state"} << "a file, not a directory";
    const auto written = kept_.write(kSent);
    ASSERT_FALSE(written.has_value());
    EXPECT_NE(written.error().sentence.find(kept_.path()), std::string::npos);
}

TEST_F(KeptTimestampTest, ALinkIsNotFollowed) {
    std::filesystem::create_directory(folder_ + "/state");
    std::filesystem::create_symlink(folder_ + "/elsewhere", kept_.path());
    EXPECT_FALSE(kept_.read().has_value());
    ASSERT_TRUE(kept_.write(kSent).has_value());
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere"));
    EXPECT_EQ(*kept_.read(), kSent);
}

TEST(StateDirectory, IsWhatIsGivenOrInTheEnvironmentOrTheDefault) {
    ::unsetenv("TOWPATH_STATE_DIR");
    ::unsetenv("STATE_DIRECTORY");
    EXPECT_EQ(state_directory(""), "/var/lib/towpath-control");
    ::setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
    EXPECT_EQ(state_directory(""), "/var/lib/one");
    ::setenv("TOWPATH_STATE_DIR", "/srv/state/", 1);
    EXPECT_EQ(state_directory(""), "/srv/state");
    EXPECT_EQ(state_directory("/tmp/given"), "/tmp/given");
    ::unsetenv("TOWPATH_STATE_DIR");
    ::unsetenv("STATE_DIRECTORY");
}

}  // namespace
}  // namespace towpath::control
