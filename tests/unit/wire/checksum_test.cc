// SPDX-License-Identifier: BSD-3-Clause
// Vectors: nat-behaviour.md section 27.
#include "dataplane/wire/checksum.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <span>
#include <vector>

#include "dataplane/wire/payload_checksum.h"

namespace towpath {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
    std::vector<std::byte> bytes;
    for (const unsigned value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

// CK-01, vector 27.2: the formula of RFC 1141 gives 0xFFFF here.
TEST(UpdateChecksum, GivesZeroWhereTheWrongFormulaGivesAllOnes) {
    const auto before = bytes_of({0x12, 0x34, 0x43, 0x21, 0xAA, 0xA9});
    ASSERT_EQ(full_checksum(before).host(), 0x0001);
    const ChecksumDelta delta = ChecksumDelta{}.replace(be16{0xAAA9}, be16{0xAAAA});
    EXPECT_EQ(update_checksum(be16{0x0001}, delta).host(), 0x0000);
}

// CK-02, CK-03, CK-04.
TEST(UpdateUdpChecksum, TreatsZeroAsNoneAndNeverProducesIt) {
    const ChecksumDelta delta = ChecksumDelta{}.replace(be16{0xAAA9}, be16{0xAAAA});
    EXPECT_EQ(update_udp_checksum(be16{0x0000}, delta).host(), 0x0000);
    EXPECT_EQ(update_udp_checksum(be16{0x0001}, delta).host(), 0xFFFF);
    EXPECT_NE(update_udp_checksum(be16{0xFFFF}, delta).host(), 0x0000);
}

// CK-14.
TEST(UpdateChecksum, IsUnchangedByReplacingAWordWithItself) {
    const ChecksumDelta delta = ChecksumDelta{}.replace(be16{0x1234}, be16{0x1234});
    EXPECT_EQ(update_checksum(be16{0xBEEF}, delta).host(), 0xBEEF);
}

TEST(UpdateChecksum, AgreesWithTheFullSumForRandomChanges) {
    std::mt19937 random{20231};
    for (int round = 0; round < 20000; ++round) {
        std::array<std::uint8_t, 40> data{};
        for (auto& byte : data) {
            byte = static_cast<std::uint8_t>(random());
        }
        const auto view = std::as_bytes(std::span{data});
        const be16 before = full_checksum(view);
        const std::size_t offset = random() % 18 * 2;
        be32 old_word;
        std::memcpy(&old_word, data.data() + offset, sizeof old_word);
        const be32 new_word{static_cast<std::uint32_t>(random())};
        std::memcpy(data.data() + offset, &new_word, sizeof new_word);
        const ChecksumDelta delta = ChecksumDelta{}.replace(old_word, new_word);
        EXPECT_EQ(update_checksum(before, delta).raw(), full_checksum(view).raw());
        EXPECT_EQ(update_checksum(full_checksum(view), delta.inverse()).raw(), before.raw());
    }
}

TEST(PayloadChecksum, AgreesWithTheFullSumAtEveryLengthAndPlace) {
    std::mt19937 random{5};
    std::vector<std::byte> bytes(1600);
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(random() % 4 == 0 ? 0xFF : random());
    }
    for (std::size_t length = 0; length < 1580; ++length) {
        const auto part = std::span<const std::byte>{bytes}.subspan(random() % 16, length);
        const std::uint64_t initial = random();
        ASSERT_EQ(payload_checksum(part, initial), full_checksum(part, initial)) << length;
    }
    const std::vector<std::byte> ones(65'535, std::byte{0xFF});  // the greatest sum
    EXPECT_EQ(payload_checksum(ones, 0xFFFFFFFF), full_checksum(ones, 0xFFFFFFFF));
}

TEST(FullChecksum, PadsAnOddLastByteWithZero) {
    EXPECT_EQ(full_checksum(bytes_of({0x12, 0x34, 0x56})).raw(),
              full_checksum(bytes_of({0x12, 0x34, 0x56, 0x00})).raw());
    EXPECT_TRUE(checksum_is_valid(bytes_of({0xFF, 0xFF})));
}

}  // namespace
}  // namespace towpath
