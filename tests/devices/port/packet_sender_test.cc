// SPDX-License-Identifier: BSD-3-Clause
// Both ways of a PacketSender over a veth pair, which has one queue: the sender of queue 0 has a
// ring, any other a packet socket.
#include "dataplane/port/packet_sender.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "dataplane/wire/ethernet.h"
#include "tests/builders/private_network.h"

namespace towpath::port {
namespace {

constexpr std::uint32_t kFrame_bytes = 64;

class PacketSenderTest : public PrivateNetwork, public testing::WithParamInterface<std::uint16_t> {
protected:
    PacketSender open() {
        EXPECT_TRUE(
            run_command("ip link set near up && sysctl -w net.ipv6.conf.near.disable_ipv6=1"));
        const auto device =
            find_kernel_device({.kernel_name = "near", .pci_address = {}, .mac = {}});
        EXPECT_TRUE(device.has_value());
        auto sender = PacketSender::open("lan", *device, GetParam());
        if (!sender.has_value()) {
            ADD_FAILURE() << sender.error().sentence;
            std::abort();
        }
        EXPECT_EQ(sender->is_ring(), GetParam() == 0);
        return *std::move(sender);
    }
    // Frames of local experiments, numbered from `first`.
    std::span<const Packet> numbered(std::uint32_t first, std::size_t count) {
        for (std::size_t index = 0; index < count; ++index) {
            const EthernetHeader header{.destination = {{2, 0, 0, 0, 0, 1}},
                                        .source = {{2, 0, 0, 0, 0, 2}},
                                        .ether_type = be16{0x88B5}};
            const auto number = first + static_cast<std::uint32_t>(index);
            std::memcpy(buffers_[index].data(), &header, sizeof header);
            std::memcpy(buffers_[index].data() + sizeof header, &number, sizeof number);
            packets_[index] = Packet{};
            packets_[index].buffer = buffers_[index].data();
            packets_[index].length = kFrame_bytes;
        }
        return std::span{packets_}.first(count);
    }
    static std::uint32_t number_of(const std::vector<std::byte>& frame) {
        std::uint32_t number = ~0U;
        if (frame.size() == kFrame_bytes) {
            std::memcpy(&number, frame.data() + sizeof(EthernetHeader), sizeof number);
        }
        return number;
    }

    std::array<std::array<std::byte, 2048>, 32> buffers_{};
    std::array<Packet, 32> packets_{};
};

TEST_P(PacketSenderTest, SendsMoreThanARingHoldsInOrder) {
    PacketSender sender = open();
    const WireSocket far{"far"};
    for (std::uint32_t first = 0; first < 2 * kXskRingSize; first += 32) {
        ASSERT_EQ(sender.send(numbered(first, 32)).sent, 32U);
        ASSERT_TRUE(sender.flush());
        for (std::uint32_t number = first; number < first + 32; ++number) {
            ASSERT_EQ(number_of(far.receive()), number);
        }
    }
}

TEST_P(PacketSenderTest, NamesTheFrameThatCanNeverBeSent) {
    PacketSender sender = open();
    const WireSocket far{"far"};
    const auto burst = numbered(0, 3);
    packets_[1].length = 1560;  // above the MTU
    SendResult result = sender.send(burst);
    if (result.unsendable == 0) {
        EXPECT_EQ(result.sent, 1U);
        result = sender.send(burst.subspan(1));
        EXPECT_EQ(result.sent, 0U);
    }
    EXPECT_EQ(result.unsendable, 1U);
    EXPECT_EQ(sender.send(burst.subspan(2)).sent, 1U);
    EXPECT_EQ(number_of(far.receive()), 0U);
    EXPECT_EQ(number_of(far.receive()), 2U);
}

TEST_P(PacketSenderTest, WhatALinkThatIsDownRefusedDoesNotLeaveLater) {
    PacketSender sender = open();
    ASSERT_TRUE(run_command("ip link set near down"));
    for (int round = 0; round < 3; ++round) {
        const SendResult result = sender.send(numbered(100, 32));
        EXPECT_EQ(result.sent, 0U);
        EXPECT_EQ(result.unsendable, 0U);
    }
    ASSERT_TRUE(run_command("ip link set near up"));
    const WireSocket far{"far"};
    EXPECT_EQ(sender.send(numbered(7, 2)).sent, 2U);
    EXPECT_EQ(number_of(far.receive()), 7U);
    EXPECT_EQ(number_of(far.receive()), 8U);
    EXPECT_TRUE(far.receive(0).empty());
}

INSTANTIATE_TEST_SUITE_P(Queues, PacketSenderTest, testing::Values(0, 1));

}  // namespace
}  // namespace towpath::port
