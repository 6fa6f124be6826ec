// SPDX-License-Identifier: BSD-3-Clause
// The sockets of the standard tool: who may open them, how requests are framed, what becomes of
// sockets that others left or hold.
#include "control/uapi/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace towpath::control::uapi {
namespace {

class ToolSockets : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "towpath-wg-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        server_.emplace(
            loop_, folder_.string(),
            [this](const std::string& tunnel, const std::string& request, const Respond& respond) {
                asked_.push_back(tunnel + ": " + request);
                respond("errno=0\n\n");
            },
            [this](const std::string& text) { log_.push_back(text); });
    }
    void TearDown() override {
        server_.reset();
        std::filesystem::remove_all(folder_);
    }

    [[nodiscard]] sockaddr_un address_of(const std::string& tunnel) const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (folder_ / (tunnel + ".sock"))
            .string()
            .copy(address.sun_path, sizeof(address.sun_path) - 1);
        return address;
    }
    [[nodiscard]] int connected(const std::string& tunnel) const {
        const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_un address = address_of(tunnel);
        EXPECT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                  0);
        return client;
    }
    // What is there once everything that was sent is answered.
    std::string said_to(int client, std::string_view bytes) {
        EXPECT_EQ(::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<::ssize_t>(bytes.size()));
        loop_.restart();
        loop_.poll();
        std::array<char, 4096> said{};
        const ::ssize_t count = ::recv(client, said.data(), said.size(), MSG_DONTWAIT);
        return count <= 0 ? std::string{}
                          : std::string(said.data(), static_cast<std::size_t>(count));
    }

    boost::asio::io_context loop_;
    std::filesystem::path folder_;
    std::vector<std::string> asked_;
    std::vector<std::string> log_;
    std::optional<Server> server_;
};

TEST_F(ToolSockets, AreOnlyTheirOwnersAndGoWithTheTunnel) {
    server_->serve({"wg0", "wg1"});
    struct stat status {};
    ASSERT_EQ(::stat((folder_ / "wg0.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    server_->serve({"wg1"});
    EXPECT_FALSE(std::filesystem::exists(folder_ / "wg0.sock"));
    EXPECT_TRUE(std::filesystem::exists(folder_ / "wg1.sock"));
    server_.reset();
    EXPECT_FALSE(std::filesystem::exists(folder_ / "wg1.sock"));
    EXPECT_TRUE(log_.empty());
}

TEST_F(ToolSockets, ARequestEndsWithAnEmptyLineAndAnotherMayFollow) {
    server_->serve({"wg0"});
    const int client = connected("wg0");
    EXPECT_EQ(said_to(client, "get=1\n"), "");
    EXPECT_EQ(said_to(client, "\nset=1\nlisten_port=7\n\n"), "errno=0\n\nerrno=0\n\n");
    EXPECT_EQ(asked_, (std::vector<std::string>{"wg0: get=1\n", "wg0: set=1\nlisten_port=7\n"}));
    ::close(client);
}

TEST_F(ToolSockets, ASocketThatNobodyAnswersOnIsReplaced) {
    const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of("wg0");
    ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(dead);
    server_->serve({"wg0"});
    const int client = connected("wg0");
    EXPECT_EQ(said_to(client, "get=1\n\n"), "errno=0\n\n");
    ::close(client);
}

TEST_F(ToolSockets, ASocketOfAnotherProgramIsLeftToIt) {
    const int other = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of("wg0");
    ASSERT_EQ(::bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(other, 4), 0);
    server_->serve({"wg0"});
    ASSERT_EQ(log_.size(), 1U);
    EXPECT_NE(log_[0].find("wg0.sock belongs to another program"), std::string::npos) << log_[0];
    server_->serve({});
    EXPECT_TRUE(std::filesystem::exists(folder_ / "wg0.sock"));
    ::close(other);
}

}  // namespace
}  // namespace towpath::control::uapi
