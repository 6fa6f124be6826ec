// SPDX-License-Identifier: BSD-3-Clause
// decisions.md N9: the kernel must not hear what Towpath owns.
#include "dataplane/port/kernel_guard.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstring>
#include <optional>
#include <vector>

#include "dataplane/port/kernel_address.h"
#include "tests/builders/private_network.h"

namespace towpath::port {
namespace {

class Guard : public PrivateNetwork {
protected:
    static PortRequest request(bool adopt_address) {
        PortRequest wanted{.name = "lan", .driver = Driver::af_packet};
        wanted.match.kernel_name = "near";
        wanted.adopt_address = adopt_address;
        return wanted;
    }
    static Outcome<KernelGuard> install(bool adopt_address) {
        const auto device = require_kernel_device(request(adopt_address));
        return KernelGuard::install(request(adopt_address), *device);
    }
    // Whether the kernel, which has 198.51.100.1 on near, answers a request from far.
    static bool kernel_answers_arp() {
        const WireSocket far{"far"};
        const unsigned char frame[42] = {
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2,   0,  0,   0,  0, 2, 0x08, 0x06,  // Ethernet
            0,    1,    8,    0,    6,    4,    0,   1,                              // ARP request
            2,    0,    0,    0,    0,    2,    198, 51, 100, 99,                    // sender
            0,    0,    0,    0,    0,    0,    198, 51, 100, 1};                    // target
        EXPECT_TRUE(far.send(std::as_bytes(std::span{frame})));
        for (auto answer = far.receive(200); !answer.empty(); answer = far.receive(200)) {
            if (answer.size() >= 42 && answer[12] == std::byte{8} && answer[13] == std::byte{6}) {
                return true;
            }
        }
        return false;
    }
    static bool has_filter() {
        return run_command("tc filter show dev near ingress | grep -q towpath_guard");
    }
    static bool has_clsact() { return run_command("tc qdisc show dev near | grep -q clsact"); }
};

TEST_F(Guard, TheKernelIsDeafWhileItIsHeldAndHearsAgainAfterwards) {
    ASSERT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
    ASSERT_TRUE(kernel_answers_arp()) << "the control must answer";
    {
        const auto guard = install(true);
        ASSERT_TRUE(guard.has_value()) << guard.error().sentence;
        EXPECT_TRUE(has_filter());
        EXPECT_FALSE(has_ipv6("near"));
        EXPECT_FALSE(kernel_answers_arp());
        EXPECT_TRUE(kernel_addresses_of("near").empty()) << "adopted means ours alone";
    }
    EXPECT_FALSE(has_filter());
    EXPECT_FALSE(has_clsact());
    EXPECT_TRUE(has_ipv6("near"));
    EXPECT_TRUE(kernel_answers_arp());
}

TEST_F(Guard, AKernelAddressIsRefusedByName) {
    ASSERT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
    const auto guard = install(false);
    ASSERT_FALSE(guard.has_value());
    EXPECT_EQ(guard.error().exit_code, ExitCode::refused);
    EXPECT_NE(guard.error().sentence.find("198.51.100.1/24"), std::string::npos);
    EXPECT_FALSE(has_filter());
    EXPECT_TRUE(has_ipv6("near"));
}

TEST_F(Guard, IPv6ThatWasOffStaysOffAndALinkThatWasDownGoesDown) {
    ASSERT_TRUE(run_command("sysctl -w net.ipv6.conf.near.disable_ipv6=1"));
    ASSERT_TRUE(run_command("ip link set near down"));
    {
        const auto guard = install(false);
        ASSERT_TRUE(guard.has_value()) << guard.error().sentence;
        EXPECT_TRUE(is_running("near"));
    }
    EXPECT_FALSE(has_ipv6("near"));
    EXPECT_FALSE(is_administratively_up("near"));
}

TEST_F(Guard, ASomebodysClsactIsLeftWhereItWas) {
    ASSERT_TRUE(run_command("tc qdisc add dev near clsact"));
    ASSERT_TRUE(install(false).has_value());
    EXPECT_FALSE(has_filter());
    EXPECT_TRUE(has_clsact());
}

// Deafness itself, not only the missing address: put back beside the guard it changes nothing.
TEST_F(Guard, TheFilterDropsBehindTheTap) {
    const auto guard = install(false);
    ASSERT_TRUE(guard.has_value()) << guard.error().sentence;
    ASSERT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
    EXPECT_FALSE(kernel_answers_arp());
}

// kill -9: the kernel stays deaf, the next start takes over and its end leaves nothing.
TEST_F(Guard, WhatAKilledProcessLeftIsTakenOverAndRestored) {
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto guard = install(false);
        const char done = guard.has_value() ? 'y' : 'n';
        (void)!::write(ready[1], &done, 1);
        ::pause();
        ::_exit(0);
    }
    char done = 'n';
    ASSERT_EQ(::read(ready[0], &done, 1), 1);
    ASSERT_EQ(done, 'y');
    // While it lives the device is taken.
    EXPECT_EQ(install(false).error().exit_code, ExitCode::address_in_use);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ready[0]);
    ::close(ready[1]);
    EXPECT_TRUE(has_filter());
    EXPECT_FALSE(has_ipv6("near"));
    {
        const auto guard = install(false);
        ASSERT_TRUE(guard.has_value()) << guard.error().sentence;
        EXPECT_TRUE(has_filter());
    }
    EXPECT_FALSE(has_filter());
    EXPECT_FALSE(has_clsact());
    EXPECT_TRUE(has_ipv6("near"));
}

// A kernel without BPF, for this process: every bpf() is refused from now on.
void refuse_bpf() {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{program.size(), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        ::_exit(1);
    }
}

TEST_F(Guard, WhereBpfIsRefusedANetfilterChainKeepsTheKernelDeaf) {
    ASSERT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
    const auto has_chain = [] {
        return run_command("nft list tables netdev | grep -q towpath_guard_");
    };
    // Killed, then one that ends: a line on `ready` says that the guard is there.
    for (const bool is_killed : {true, false}) {
        std::array<int, 2> ready{};
        std::array<int, 2> end{};
        ASSERT_EQ(::pipe(ready.data()), 0);
        ASSERT_EQ(::pipe(end.data()), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            refuse_bpf();
            {
                const auto guard = install(true);
                const char done = guard.has_value() ? 'y' : 'n';
                (void)!::write(ready[1], &done, 1);
                ::close(end[1]);
                char none = 0;
                (void)!::read(end[0], &none, 1);
            }
            ::_exit(0);
        }
        ::close(end[0]);
        char done = 'n';
        ASSERT_EQ(::read(ready[0], &done, 1), 1);
        ASSERT_EQ(done, 'y');
        EXPECT_TRUE(has_chain());
        EXPECT_FALSE(has_filter());
        // Deafness itself, not only the missing address.
        EXPECT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
        EXPECT_FALSE(kernel_answers_arp());
        EXPECT_TRUE(run_command("ip address del 198.51.100.1/24 dev near"));
        if (is_killed) {
            ASSERT_EQ(::kill(child, SIGKILL), 0);
        }
        ::close(end[1]);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
        ::close(ready[0]);
        ::close(ready[1]);
        EXPECT_EQ(has_chain(), is_killed);
        EXPECT_EQ(has_ipv6("near"), !is_killed);
    }
    ASSERT_TRUE(run_command("ip address replace 198.51.100.1/24 dev near"));
    EXPECT_TRUE(kernel_answers_arp());
}

TEST_F(Guard, AKilledProcessLosesNoAdoptedAddress) {
    ASSERT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
    const std::string file = testing::TempDir() + "towpath-adopted-" + std::to_string(::getpid());
    PortRequest adopting = request(true);
    adopting.adopted_file = file;
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto guard = KernelGuard::install(adopting, *require_kernel_device(adopting));
        const char done = guard.has_value() ? 'y' : 'n';
        (void)!::write(ready[1], &done, 1);
        ::pause();
        ::_exit(0);
    }
    char done = 'n';
    ASSERT_EQ(::read(ready[0], &done, 1), 1);
    ASSERT_EQ(done, 'y');
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ready[0]);
    ::close(ready[1]);
    EXPECT_TRUE(kernel_addresses_of("near").empty());
    EXPECT_EQ(::access(file.c_str(), F_OK), 0);
    {
        const auto guard = KernelGuard::install(adopting, *require_kernel_device(adopting));
        ASSERT_TRUE(guard.has_value()) << guard.error().sentence;
        EXPECT_TRUE(kernel_addresses_of("near").empty());
    }
    ASSERT_EQ(kernel_addresses_of("near").size(), 1U);
    EXPECT_EQ(to_string(kernel_addresses_of("near").front()), "198.51.100.1/24");
    EXPECT_NE(::access(file.c_str(), F_OK), 0) << "nothing is left to give back";
}

TEST_F(Guard, SaysWhichRoutesGoWithAnAdoptedAddress) {
    ASSERT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
    {
        const auto guard = install(true);
        ASSERT_TRUE(guard.has_value()) << guard.error().sentence;
        EXPECT_EQ(guard->note(), "") << "the network's own route comes back";
    }
    ASSERT_TRUE(run_command("ip route add 192.0.2.0/24 via 198.51.100.9"));
    ASSERT_TRUE(run_command("ip route add 203.0.113.0/24 dev near"));
    {
        const auto guard = install(true);
        ASSERT_TRUE(guard.has_value()) << guard.error().sentence;
        EXPECT_EQ(
            guard->note(),
            "lan: the kernel's routes through near are gone with the adopted addresses and do "
            "not come back: 192.0.2.0/24 via 198.51.100.9, 203.0.113.0/24 on the link");
    }
    EXPECT_TRUE(run_command("ip route show 198.51.100.0/24 | grep -q near"));
    EXPECT_FALSE(run_command("ip route show 192.0.2.0/24 | grep -q near"));
    EXPECT_FALSE(run_command("ip route show 203.0.113.0/24 | grep -q near"));
}

TEST_F(Guard, AnAddressThatCannotBeWrittenDownIsNotTaken) {
    ASSERT_TRUE(run_command("ip address add 198.51.100.1/24 dev near"));
    PortRequest adopting = request(true);
    adopting.adopted_file = "/nonexistent/adopted";
    const auto guard = KernelGuard::install(adopting, *require_kernel_device(adopting));
    ASSERT_FALSE(guard.has_value());
    EXPECT_NE(guard.error().sentence.find("lan: /nonexistent/adopted cannot be written"),
              std::string::npos)
        << guard.error().sentence;
    EXPECT_EQ(kernel_addresses_of("near").size(), 1U);
    EXPECT_FALSE(has_filter());
}

}  // namespace
}  // namespace towpath::port
