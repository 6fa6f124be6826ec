// SPDX-License-Identifier: BSD-3-Clause
// What a datagram is: wireguard.md 11 step 2, on either side of every length.
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/wire/wireguard.h"

namespace towpath::wireguard {
namespace {

std::optional<MessageType> classified(unsigned type, std::size_t length_bytes,
                                      unsigned reserved = 0) {
    std::vector<std::byte> payload(length_bytes);
    for (std::size_t index = 0; index < std::min<std::size_t>(4, length_bytes); ++index) {
        payload[index] = static_cast<std::byte>((type | reserved << 8U) >> 8U * index);
    }
    return classify(payload);
}

TEST(Classify, NamesMessagesByTypeAndLength) {
    EXPECT_EQ(classified(1, 148), MessageType::initiation);
    EXPECT_EQ(classified(2, 92), MessageType::response);
    EXPECT_EQ(classified(3, 64), MessageType::cookie_reply);
    EXPECT_EQ(classified(4, 32), MessageType::transport_data);
    EXPECT_EQ(classified(4, 1452), MessageType::transport_data);
    // The sealed part need not be a multiple of 16.
    EXPECT_EQ(classified(4, 33), MessageType::transport_data);
}

TEST(Classify, RefusesOtherLengths) {
    for (const std::size_t length_bytes : {0U, 1U, 3U, 4U, 15U, 31U, 147U, 149U}) {
        EXPECT_FALSE(classified(1, length_bytes).has_value()) << length_bytes;
    }
    for (const std::size_t length_bytes : {91U, 93U, 148U}) {
        EXPECT_FALSE(classified(2, length_bytes).has_value()) << length_bytes;
    }
    for (const std::size_t length_bytes : {63U, 65U}) {
        EXPECT_FALSE(classified(3, length_bytes).has_value()) << length_bytes;
    }
    EXPECT_FALSE(classified(4, 31).has_value());
}

TEST(Classify, RefusesOtherTypesAndReservedBytes) {
    for (const unsigned type : {0U, 5U, 255U}) {
        EXPECT_FALSE(classified(type, 148).has_value());
    }
    EXPECT_FALSE(classified(1, 148, 1).has_value());
    EXPECT_FALSE(classified(4, 64, 0x800000).has_value());
}

}  // namespace
}  // namespace towpath::wireguard
