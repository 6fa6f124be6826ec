// SPDX-License-Identifier: BSD-3-Clause
// The socket around the dispatcher: mode, clients that die, clients that replace each other, and a
// start that fails. Real sockets; every wait is for something that must come.
#include "dataplane/server/contract_server.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/builders/fake_engine.h"

namespace towpath::server {
namespace {

using namespace contract;

class Server : public ::testing::Test {
protected:
    Server() {
        std::string pattern = ::testing::TempDir() + "towpath-server-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        path_ = directory_ + "/contract.sock";
        stop_ = ::eventfd(0, EFD_CLOEXEC);
        auto server = ContractServer::listen(path_, {"test", 5}, engine_);
        EXPECT_TRUE(server.has_value());
        server_ = std::move(*server);
        thread_ = std::thread{[this] { outcome_ = server_->run(stop_); }};
    }
    ~Server() override {
        finish();
        ::close(stop_);
        server_.reset();
        std::filesystem::remove_all(directory_);
    }
    void finish() {
        if (thread_.joinable()) {
            ::eventfd_write(stop_, 1);
            thread_.join();
        }
    }
    int connect() const {
        const int descriptor = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, path_.size());
        EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        return descriptor;
    }
    template <class M>
    static void send(int descriptor, const M& message) {
        EXPECT_EQ(::send(descriptor, &message, sizeof(message), MSG_NOSIGNAL),
                  static_cast<ssize_t>(sizeof(message)));
    }
    // Blocks until a message or the end comes.
    template <class M>
    static M receive(int descriptor) {
        M message;
        EXPECT_EQ(::recv(descriptor, &message, sizeof(message), MSG_TRUNC),
                  static_cast<ssize_t>(sizeof(message)));
        EXPECT_EQ(message.header.type, M::kType);
        return message;
    }
    static bool has_ended(int descriptor) {
        std::byte byte{};
        return ::recv(descriptor, &byte, 1, 0) <= 0;
    }
    static HelloDataplane greet(int descriptor) {
        send(descriptor, HelloControl{});
        return receive<HelloDataplane>(descriptor);
    }

    FakeEngine engine_;
    std::string directory_;
    std::string path_;
    int stop_ = -1;
    std::unique_ptr<ContractServer> server_;
    std::thread thread_;
    Outcome<void> outcome_;
};

TEST_F(Server, SocketIsForItsOwnerOnly) {
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(Server, ControlThatComesBackFindsTheSameWorld) {
    int client = connect();
    greet(client);
    Start start;
    start.settings.port_count = 1;
    send(client, start);
    receive<Started>(client);
    InterfaceSet set;
    set.address_count = 1;
    set.addresses[0] = {Ipv4Address{0x0A4D0101}, 24, {}};
    Commit commit;
    commit.generation = 1;
    send(client, set);
    send(client, commit);
    EXPECT_EQ(receive<Applied>(client).has_changed, 1);
    ::close(client);  // as a killed process leaves it

    client = connect();
    const HelloDataplane hello = greet(client);
    EXPECT_EQ(hello.state, DataplaneState::forwarding);
    EXPECT_EQ(hello.start_id, 5U);
    EXPECT_EQ(hello.generation, 1U);
    send(client, start);
    receive<Started>(client);
    send(client, set);
    commit.generation = 2;
    send(client, commit);
    EXPECT_EQ(receive<Applied>(client).has_changed, 0);
    ::close(client);
    finish();
    EXPECT_EQ(engine_.starts, 1U);
    EXPECT_EQ(engine_.published.size(), 1U);
}

TEST_F(Server, NewClientReplacesTheOldOnceItHasGreeted) {
    const int old_client = connect();
    greet(old_client);
    const int new_client = connect();
    send(old_client, StatusQuery{});
    receive<StatusReply>(old_client);
    greet(new_client);
    EXPECT_TRUE(has_ended(old_client));
    send(new_client, StatusQuery{});
    receive<StatusReply>(new_client);
    ::close(old_client);
    ::close(new_client);
}

TEST_F(Server, SilentConnectionsDoNotKeepAClientOut) {
    std::array<int, 6> silent{};
    for (int& descriptor : silent) {
        descriptor = connect();
    }
    const int client = connect();
    EXPECT_EQ(greet(client).start_id, 5U);
    for (const int descriptor : silent) {
        ::close(descriptor);
    }
    ::close(client);
}

TEST_F(Server, GarbageEndsTheConnectionAndNothingElse) {
    const int client = connect();
    const std::array<char, 20> garbage{"not a message at al"};
    ASSERT_EQ(::send(client, garbage.data(), garbage.size(), MSG_NOSIGNAL), 20);
    EXPECT_EQ(receive<Refused>(client).closes, 1);
    EXPECT_TRUE(has_ended(client));
    ::close(client);

    const int oversized = connect();
    const std::vector<char> bytes(kMessageBytesMax + 1, 'x');
    ASSERT_GT(::send(oversized, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    EXPECT_EQ(receive<Refused>(oversized).closes, 1);
    ::close(oversized);

    const int next = connect();
    EXPECT_EQ(greet(next).start_id, 5U);
    ::close(next);
}

TEST_F(Server, FailedStartEndsTheServerWithItsReason) {
    engine_.start_failure = {ExitCode::no_memory, "2 GiB of packet memory could not be had"};
    const int client = connect();
    greet(client);
    send(client, Start{});
    EXPECT_EQ(receive<StartFailed>(client).exit_code, 7U);
    thread_.join();
    ASSERT_FALSE(outcome_.has_value());
    EXPECT_EQ(outcome_.error().exit_code, ExitCode::no_memory);
    ::close(client);
}

}  // namespace
}  // namespace towpath::server
