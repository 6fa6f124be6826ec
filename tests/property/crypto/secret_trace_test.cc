// SPDX-License-Identifier: BSD-3-Clause
// Whether keys and texts show in what our kernels do (decisions.md W14): each is run one
// instruction at a time over different secrets of equal lengths, and must go through the same
// instructions every time; where a kernel keeps secrets in vectors only, the general registers must
// be the same too. So no branch, and no address made of general registers, depends on a secret, as
// far as these inputs reach; that none is made of a vector is checked on the disassembly
// (isa_symbols.py). It runs on the CPU itself, so it knows every instruction.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/crypto/aead_kernels.h"

namespace towpath::crypto {
namespace {

// Lengths of a group: nothing, parts of a block, whole blocks, more blocks than lanes.
constexpr std::array<std::uint32_t, 5> kLengths_bytes{0, 40, 64, 191, 330};
constexpr std::size_t kStride_bytes = 384;
constexpr std::size_t kStepsMax = 200'000;

// Everything secret, in one place that every run finds at the same address.
struct Material {
    std::array<std::array<std::uint8_t, 32>, kLengths_bytes.size()> keys;
    std::array<std::array<std::uint8_t, kStride_bytes>, kLengths_bytes.size()> texts;
    std::array<std::uint8_t, kTag_bytes> left;
    std::array<std::uint8_t, kTag_bytes> right;
};
alignas(64) Material material;
volatile bool is_equal = false;
std::uint64_t seed = 0;

enum class Filling { zeroes, ones, random };

void fill(Filling filling, std::uint64_t with) {
    std::mt19937_64 random{with};
    auto* const bytes = reinterpret_cast<std::uint8_t*>(&material);
    std::generate_n(bytes, sizeof material, [&] {
        return filling == Filling::zeroes ? std::uint8_t{0}
               : filling == Filling::ones ? std::uint8_t{0xFF}
                                          : static_cast<std::uint8_t>(random());
    });
}

std::array<KernelPacket, kLengths_bytes.size()> group() {
    std::array<KernelPacket, kLengths_bytes.size()> packets;
    for (std::size_t index = 0; index < packets.size(); ++index) {
        packets[index] = {material.texts[index].data(), material.keys[index].data(), 7 + index,
                          kLengths_bytes[index]};
    }
    return packets;
}

// What a run did: the instruction and the general registers of every step, as one number each.
struct Trace {
    std::vector<std::uint64_t> instructions;
    std::vector<std::uint64_t> registers;
};

std::uint64_t mixed(std::initializer_list<unsigned long long> values) {
    std::uint64_t sum = 0;
    for (const std::uint64_t value : values) {
        sum = (sum ^ value) * 0x9E3779B97F4A7C15U;
        sum ^= sum >> 29U;
    }
    return sum;
}

constexpr int kZeroed = 14;  // registers, by one instruction each, before the call

template <class Call>
[[noreturn]] void run_child(Call call) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
        _exit(1);
    }
    // The parent takes over. What earlier calls left in registers is of no interest.
    __asm__ volatile(
        "int3\n xor %%eax, %%eax\n xor %%ecx, %%ecx\n xor %%edx, %%edx\n xor %%esi, %%esi\n"
        "xor %%edi, %%edi\n xor %%r8d, %%r8d\n xor %%r9d, %%r9d\n xor %%r10d, %%r10d\n"
        "xor %%r11d, %%r11d\n xor %%ebx, %%ebx\n xor %%r12d, %%r12d\n xor %%r13d, %%r13d\n"
        "xor %%r14d, %%r14d\n xor %%r15d, %%r15d"
        :
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "rbx", "r12", "r13", "r14",
          "r15", "memory");
    call();
    _exit(0);
}

// Empty if this system does not let a process be traced.
template <class Call>
Trace trace(Call call) {
    Trace steps;
    const pid_t child = fork();
    if (child == 0) {
        run_child(call);
    }
    int status = 0;
    waitpid(child, &status, 0);
    for (int skipped = 0; skipped < kZeroed && WIFSTOPPED(status); ++skipped) {
        ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
        waitpid(child, &status, 0);
    }
    while (WIFSTOPPED(status) && steps.instructions.size() < kStepsMax) {
        user_regs_struct at{};
        if (ptrace(PTRACE_GETREGS, child, nullptr, &at) != 0 ||
            ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) {
            break;
        }
        steps.instructions.push_back(at.rip);
        steps.registers.push_back(
            mixed({at.rax, at.rbx, at.rcx, at.rdx, at.rsi, at.rdi, at.rbp, at.rsp, at.r8, at.r9,
                   at.r10, at.r11, at.r12, at.r13, at.r14, at.r15}));
        waitpid(child, &status, 0);
    }
    if (!WIFEXITED(status)) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    EXPECT_LT(steps.instructions.size(), kStepsMax);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? steps : Trace{};
}

void expect_equal(const Trace& trace, const std::vector<std::uint64_t>& left,
                  const std::vector<std::uint64_t>& right) {
    const auto found = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
    const auto step = static_cast<std::size_t>(found.first - left.begin());
    EXPECT_EQ(step, left.size()) << "first difference before the instruction at 0x" << std::hex
                                 << trace.instructions[std::min(step, left.size() - 1)];
}

enum class Strictness { instructions, registers_too };

// `prepare` runs before every trace, on the secrets of that trace.
template <class Prepare, class Call>
void expect_no_secret_shows(Strictness strictness, Prepare prepare, Call call) {
    fill(Filling::zeroes, 0);
    prepare();
    const Trace first = trace(call);
    if (first.instructions.empty()) {
        GTEST_SKIP() << "this system does not let a process be traced";
    }
    for (const Filling filling : {Filling::ones, Filling::random}) {
        fill(filling, ++seed);
        prepare();
        const Trace other = trace(call);
        EXPECT_EQ(first.instructions.size(), other.instructions.size());
        expect_equal(first, first.instructions, other.instructions);
        if (strictness == Strictness::registers_too) {
            expect_equal(first, first.registers, other.registers);
        }
    }
}

class SecretTrace : public testing::TestWithParam<AeadPath> {
protected:
    void SetUp() override {
        if (!is_supported(GetParam())) {
            GTEST_SKIP() << "this CPU has no " << to_string(GetParam());
        }
    }
};

// The kernels for AVX2 and AVX-512F finish Poly1305 in general registers, with one source for both,
// in which valgrind finds no address that depends on a secret (unit-crypto-secret-taint).
TEST_P(SecretTrace, Seal) {
    const Kernel& kernel = *kernel_of(GetParam());
    expect_no_secret_shows(
        GetParam() == AeadPath::avx512_ifma ? Strictness::registers_too : Strictness::instructions,
        [] {}, [&] { seal_group(kernel, group()); });
}

// Tags, which are not secret, are compared in general registers.
TEST_P(SecretTrace, OpenWhatIsAuthentic) {
    const Kernel& kernel = *kernel_of(GetParam());
    const auto open = [&] {
        if (open_group(kernel, group()) != (1U << kLengths_bytes.size()) - 1) {
            _exit(2);
        }
    };
    expect_no_secret_shows(
        Strictness::instructions, [&] { seal_group(kernel, group()); }, open);
}

INSTANTIATE_TEST_SUITE_P(Each, SecretTrace,
                         testing::Values(AeadPath::avx2, AeadPath::avx512, AeadPath::avx512_ifma),
                         [](const testing::TestParamInfo<AeadPath>& path) {
                             std::string name = to_string(path.param);
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

// Equal, and different in any place.
TEST(SecretTraceOfTags, Comparison) {
    expect_no_secret_shows(
        Strictness::instructions,
        [] {
            material.right = material.left;
            material.right[seed % kTag_bytes] ^= static_cast<std::uint8_t>(seed);
        },
        [] { is_equal = tags_are_equal(material.left.data(), material.right.data()); });
}

// The method itself: a branch and an address that depend on a secret are found.
TEST(SecretTraceOfTags, FindsWhatItLooksFor) {
    const auto differs = [](auto call) {
        fill(Filling::zeroes, 0);
        const Trace zeroes = trace(call);
        fill(Filling::ones, 0);
        const Trace ones = trace(call);
        return std::pair{zeroes.instructions != ones.instructions,
                         zeroes.registers != ones.registers};
    };
    if (trace([] {}).instructions.empty()) {
        GTEST_SKIP() << "this system does not let a process be traced";
    }
    EXPECT_EQ(differs([] {}), (std::pair{false, false}));
    EXPECT_TRUE(differs([] {
                    is_equal =
                        std::memcmp(material.left.data(), "\0\0", 2) == 0 && material.right[3] == 0;
                }).first);
    EXPECT_TRUE(differs([] { is_equal = material.texts[0][material.left[0]] != 0; }).second);
}

}  // namespace
}  // namespace towpath::crypto
