// SPDX-License-Identifier: BSD-3-Clause
// Who may hold a device, and what a killed process leaves: nothing (decisions.md N8).
#include "dataplane/port/xdp_holder.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <sys/wait.h>

#include <array>
#include <csignal>

#include "dataplane/port/xdp_program/filter_layout.h"
#include "dataplane/port/xdp_program/filter_object.h"
#include "tests/devices/port/af_xdp_fixture.h"

namespace towpath::port {
namespace {

using XdpHolder = AfXdp;

// N8: the bind works in a namespace without bpffs, and kill -9 leaves nothing behind.
TEST_F(XdpHolder, StartsAgainAfterKill) {
    std::array<int, 2> opened{};
    ASSERT_EQ(::pipe(opened.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto port = AfXdpPort::open(request(), *pool_, notes_);
        const char result = port.has_value() ? 'y' : 'n';
        static_cast<void>(!::write(opened[1], &result, 1));
        ::pause();
        ::_exit(0);
    }
    char result = 0;
    ASSERT_EQ(::read(opened[0], &result, 1), 1);
    EXPECT_EQ(result, 'y');
    // While it lives, its device is refused by its number.
    const std::string sentence = refusal(request(), ExitCode::address_in_use);
    EXPECT_NE(sentence.find("process " + std::to_string(child)), std::string::npos) << sentence;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    __u32 program = 1;
    EXPECT_EQ(bpf_xdp_query_id(static_cast<int>(::if_nametoindex("near")), 0, &program), 0);
    EXPECT_EQ(program, 0U);
    const auto port = open();
    const WireSocket far{"far"};
    EXPECT_TRUE(arrives(*port, far, builders::udp()));
    ::close(opened[0]);
    ::close(opened[1]);
}

TEST_F(XdpHolder, RefusesAForeignProgramByName) {
    const std::array<bpf_insn, 2> pass{
        {{.code = BPF_ALU64 | BPF_MOV | BPF_K,
          .dst_reg = BPF_REG_0,
          .src_reg = 0,
          .off = 0,
          .imm = XDP_PASS},
         {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}}};
    const FileDescriptor foreign{bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody_else", "GPL",
                                               pass.data(), pass.size(), nullptr)};
    ASSERT_TRUE(foreign.is_open());
    const int near = static_cast<int>(::if_nametoindex("near"));
    ASSERT_EQ(bpf_xdp_attach(near, foreign.number(), XDP_FLAGS_SKB_MODE, nullptr), 0);
    const std::string sentence = refusal(request(), ExitCode::address_in_use);
    EXPECT_NE(sentence.find("\"somebody_else\""), std::string::npos) << sentence;
    __u32 program = 0;
    ASSERT_EQ(bpf_xdp_query_id(near, 0, &program), 0);
    EXPECT_NE(program, 0U) << "the foreign program must stay";
}

// Left by something that attached without a link: the same name and tag, and no process.
TEST_F(XdpHolder, ReplacesAStaleProgramOfOurs) {
    {
        bpf_object* object =
            bpf_object__open_mem(kFilterObject.data(), kFilterObject.size(), nullptr);
        ASSERT_EQ(bpf_object__load(object), 0);
        const int program =
            bpf_program__fd(bpf_object__find_program_by_name(object, TOWPATH_FILTER_NAME));
        ASSERT_EQ(bpf_xdp_attach(static_cast<int>(::if_nametoindex("near")), program,
                                 XDP_FLAGS_DRV_MODE, nullptr),
                  0);
        bpf_object__close(object);
    }
    const auto port = open();
    const WireSocket far{"far"};
    EXPECT_TRUE(arrives(*port, far, builders::udp()));
}

TEST_F(XdpHolder, ClosingGivesTheDeviceBack) {
    for (int round = 0; round < 3; ++round) {
        const auto port = open();
        EXPECT_EQ(port->receive_queue_count(), 1);
    }
    __u32 program = 1;
    ASSERT_EQ(bpf_xdp_query_id(static_cast<int>(::if_nametoindex("near")), 0, &program), 0);
    EXPECT_EQ(program, 0U);
}

}  // namespace
}  // namespace towpath::port
