// SPDX-License-Identifier: BSD-3-Clause
// A network namespace of the test process's own with one veth pair, near and far, both up and
// without IPv6. It vanishes with the process. Tests that use it skip when not root.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace towpath {

inline bool run_command(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

class PrivateNetwork : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (::geteuid() == 0) {
            ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        }
    }
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root for a network namespace";
        }
        ASSERT_TRUE(run_command("ip link add near type veth peer name far"));
        ASSERT_TRUE(run_command("sysctl -w net.ipv6.conf.far.disable_ipv6=1"));
        ASSERT_TRUE(run_command("ip link set far up && ip link set near up"));
    }
    void TearDown() override {
        if (::geteuid() == 0) {
            (void)run_command("ip link del near");
        }
    }
};

// A plain packet socket on a netdev: what a neighbour on the wire would send and see.
class WireSocket {
public:
    // Hears nothing until it is bound, and is bound last: between a bind and PACKET_IGNORE_OUTGOING
    // the kernel's own first words (MLD on a new device) would be taken for a neighbour's.
    explicit WireSocket(const char* name)
        : socket_{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)} {
        const int on = 1;
        EXPECT_EQ(::setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on), 0);
        // A port hands over a whole ring of frames at once.
        const int buffer_bytes = 16 << 20;
        EXPECT_EQ(
            ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes),
            0);
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(0x0003);
        address.sll_ifindex = static_cast<int>(::if_nametoindex(name));
        EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    WireSocket(const WireSocket&) = delete;
    WireSocket& operator=(const WireSocket&) = delete;
    ~WireSocket() { ::close(socket_); }

    [[nodiscard]] bool send(std::span<const std::byte> frame) const {
        return ::send(socket_, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
    }
    // The next frame, or nothing after `timeout_ms`.
    [[nodiscard]] std::vector<std::byte> receive(int timeout_ms = 1000) const {
        pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, timeout_ms) != 1) {
            return {};
        }
        std::vector<std::byte> frame(65536);
        const ssize_t length = ::recv(socket_, frame.data(), frame.size(), 0);
        frame.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
        return frame;
    }

private:
    int socket_;
};

}  // namespace towpath
