// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/partial_checksum.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace towpath::port {
namespace {

// decisions.md N7: the field holds the pseudo-header's sum; afterwards the whole is valid.
TEST(CompleteChecksum, MakesAUdpDatagramValid) {
    const be32 source = be32{0xC0000201};
    const be32 destination = be32{0xC6336401};
    std::vector<std::byte> frame(14 + 20 + 8 + 5, std::byte{0x5A});
    const std::uint64_t pseudo = pseudo_header_sum(source, destination, 17, 13);
    const std::uint16_t partial = fold_checksum(pseudo);
    std::memcpy(frame.data() + 34 + 6, &partial, 2);
    ASSERT_TRUE(complete_checksum(frame, {.start = 34, .field = 6}));
    EXPECT_TRUE(checksum_is_valid(std::span{frame}.subspan(34), pseudo));
}

// RFC 768: a computed zero is sent as all ones.
TEST(CompleteChecksum, NeverWritesZero) {
    std::array<std::byte, 4> frame{std::byte{0xFF}, std::byte{0xFF}, std::byte{0}, std::byte{0}};
    ASSERT_TRUE(complete_checksum(frame, {.start = 0, .field = 2}));
    EXPECT_EQ(frame[2], std::byte{0xFF});
    EXPECT_EQ(frame[3], std::byte{0xFF});
}

TEST(CompleteChecksum, LeavesAFrameAloneWhoseFieldIsOutside) {
    std::array<std::byte, 8> frame{};
    EXPECT_TRUE(complete_checksum(frame, {.start = 0, .field = 6}));
    frame = {};
    EXPECT_FALSE(complete_checksum(frame, {.start = 0, .field = 7}));
    EXPECT_FALSE(complete_checksum(frame, {.start = 9, .field = 0}));
    EXPECT_FALSE(complete_checksum(frame, {.start = 4, .field = 65535}));
    EXPECT_EQ(frame, (std::array<std::byte, 8>{}));
}

}  // namespace
}  // namespace towpath::port
