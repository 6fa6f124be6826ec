// SPDX-License-Identifier: BSD-3-Clause
// That nothing of a key is left in dead stack frames and vector registers once Aead has forgotten:
// batches under two keys leave the same there, byte for byte, and before that they do not.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "dataplane/crypto/aead.h"

namespace towpath::crypto {
namespace {

constexpr std::size_t kPackets = 8;
constexpr std::size_t kBelow_bytes = 16 * 1024;
constexpr std::size_t kRegisters_bytes = std::size_t{32} * 64;

// Copied before anything else is called, which would write over what is looked for.
alignas(64) std::array<std::uint8_t, kRegisters_bytes> registers;
std::array<std::uint8_t, kBelow_bytes> below;

[[gnu::always_inline]] inline void take_picture(AeadPath path) {
    if (path != AeadPath::avx2) {
        __asm__ volatile(
            "vmovdqu64 %%zmm16, 0x400(%0)\n vmovdqu64 %%zmm17, 0x440(%0)\n"
            "vmovdqu64 %%zmm18, 0x480(%0)\n vmovdqu64 %%zmm19, 0x4c0(%0)\n"
            "vmovdqu64 %%zmm20, 0x500(%0)\n vmovdqu64 %%zmm21, 0x540(%0)\n"
            "vmovdqu64 %%zmm22, 0x580(%0)\n vmovdqu64 %%zmm23, 0x5c0(%0)\n"
            "vmovdqu64 %%zmm24, 0x600(%0)\n vmovdqu64 %%zmm25, 0x640(%0)\n"
            "vmovdqu64 %%zmm26, 0x680(%0)\n vmovdqu64 %%zmm27, 0x6c0(%0)\n"
            "vmovdqu64 %%zmm28, 0x700(%0)\n vmovdqu64 %%zmm29, 0x740(%0)\n"
            "vmovdqu64 %%zmm30, 0x780(%0)\n vmovdqu64 %%zmm31, 0x7c0(%0)\n" ::"r"(registers.data())
            : "memory");
    }
    __asm__ volatile(
        "movdqu %%xmm0, 0x0(%0)\n movdqu %%xmm1, 0x10(%0)\n movdqu %%xmm2, 0x20(%0)\n"
        "movdqu %%xmm3, 0x30(%0)\n movdqu %%xmm4, 0x40(%0)\n movdqu %%xmm5, 0x50(%0)\n"
        "movdqu %%xmm6, 0x60(%0)\n movdqu %%xmm7, 0x70(%0)\n movdqu %%xmm8, 0x80(%0)\n"
        "movdqu %%xmm9, 0x90(%0)\n movdqu %%xmm10, 0xa0(%0)\n movdqu %%xmm11, 0xb0(%0)\n"
        "movdqu %%xmm12, 0xc0(%0)\n movdqu %%xmm13, 0xd0(%0)\n movdqu %%xmm14, 0xe0(%0)\n"
        "movdqu %%xmm15, 0xf0(%0)\n" ::"r"(registers.data())
        : "memory");
    // The dead frames below this one, by the processor's own copy: no call, so nothing is written.
    const std::uint8_t* from = nullptr;
    std::uint8_t* to = below.data();
    std::size_t count = below.size();
    __asm__ volatile("mov %%rsp, %0\n sub %2, %0\n rep movsb"
                     : "=&S"(from), "+D"(to), "+c"(count)::"memory");
}

class Residue : public testing::TestWithParam<AeadPath> {
protected:
    void SetUp() override {
        if (!is_supported(GetParam())) {
            GTEST_SKIP() << "this CPU has no " << to_string(GetParam());
        }
        aead.push_back(*Aead::create(GetParam()));
        for (std::size_t index = 0; index < key.bytes().size(); ++index) {
            key.bytes()[index] = static_cast<std::byte>(index * 37 + 11);
        }
    }
    // Another key by the same instructions every time: general registers keep nothing of it.
    [[gnu::noinline]] void change_key() {
        for (std::byte& byte : key.bytes()) {
            byte = ~byte;
        }
    }
    // What batches of packets, each sealed and opened, leave. Everything but the key is where it
    // was and as it was the time before.
    [[gnu::noinline]] void look_after(std::size_t batches, bool forgets) {
        std::array<AeadPacket, kPackets> packets;
        std::array<bool, kPackets> is_authentic{};
        for (std::size_t index = 0; index < packets.size(); ++index) {
            packets[index] = {texts[index].data(), &key, index, 100};
        }
        for (std::size_t batch = 0; batch < batches; ++batch) {
            aead[0].seal_batch(packets);
            aead[0].open_batch(packets, is_authentic);
        }
        if (forgets) {
            aead[0].forget();
        }
        take_picture(GetParam());
        aead[0].forget();
    }
    // Bytes in which two keys show.
    std::size_t left_after(std::size_t batches, bool forgets) {
        look_after(batches, forgets);  // whatever is different only the first time
        change_key();
        look_after(batches, forgets);
        const auto registers_before = registers;
        const auto below_before = below;
        change_key();
        look_after(batches, forgets);
        std::size_t different = 0;
        for (std::size_t place = 0; place < kRegisters_bytes; ++place) {
            different += registers[place] != registers_before[place] ? 1U : 0U;
        }
        for (std::size_t place = 0; place < kBelow_bytes; ++place) {
            different += below[place] != below_before[place] ? 1U : 0U;
        }
        return different;
    }

    std::vector<Aead> aead;
    Key key;
    std::array<std::array<std::byte, 128>, kPackets> texts{};
};

TEST_P(Residue, ForgetLeavesNothing) {
    EXPECT_GT(left_after(1, false), 0U);  // or this test could not fail
    EXPECT_EQ(left_after(1, true), 0U);
}

TEST_P(Residue, IsClearedAtTimesByItself) {
    constexpr std::size_t kBatches = kAeadPacketsUncleared / (2 * kPackets);
    EXPECT_GT(left_after(kBatches - 1, false), 0U);
    EXPECT_EQ(left_after(kBatches, false), 0U);
    EXPECT_GT(left_after(kBatches + 1, false), 0U);
}

INSTANTIATE_TEST_SUITE_P(Each, Residue,
                         testing::Values(AeadPath::avx2, AeadPath::avx512, AeadPath::avx512_ifma),
                         [](const testing::TestParamInfo<AeadPath>& path) {
                             std::string name = to_string(path.param);
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace towpath::crypto
