// SPDX-License-Identifier: BSD-3-Clause
// The driver `tap`: a netdev that appears with the port and goes with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "dataplane/port/kernel_device.h"
#include "dataplane/port/port.h"
#include "tests/builders/private_network.h"

namespace towpath::port {
namespace {

class TapPort : public PrivateNetwork {};

TEST_F(TapPort, ExchangesFramesWithTheKernelAndIsGoneAfterwards) {
    auto pool = dpdk::PacketPool::create({.buffers = 8192, .largest_mtu_bytes = 1500});
    ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
    PortRequest request{.name = "lan", .driver = Driver::tap};
    request.match.kernel_name = "tap0";
    request.match.mac = MacAddress{{2, 0, 0, 0, 0, 7}};
    {
        auto port = Port::open(request, **pool);
        ASSERT_TRUE(port.has_value()) << port.error().sentence;
        EXPECT_EQ(port->kernel_name(), "tap0");
        EXPECT_EQ(port->mac(), *request.match.mac);
        ASSERT_TRUE(run_command("ip link set tap0 up"));
        const WireSocket kernel{"tap0"};
        std::vector<std::byte> frame(64, std::byte{1});
        frame[12] = std::byte{0x88};
        frame[13] = std::byte{0xB5};
        Packet packet;
        ASSERT_EQ((*pool)->allocate({&packet, 1}), 1U);
        std::memcpy(packet.data(), frame.data(), frame.size());
        packet.length = 64;
        ASSERT_EQ(port->transmit(0, {&packet, 1}), 1U);
        EXPECT_EQ(kernel.receive(), frame);
        ASSERT_TRUE(kernel.send(frame));
        std::size_t received = 0;
        for (int round = 0; round < 100000 && received == 0; ++round) {
            received = port->receive(0, {&packet, 1});
            if (received == 1 && packet.length != 64) {  // the kernel's own first words
                (*pool)->release({&packet, 1});
                received = 0;
            }
        }
        ASSERT_EQ(received, 1U);
        EXPECT_TRUE(std::ranges::equal(packet.bytes(), frame));
        (*pool)->release({&packet, 1});
    }
    PortMatch match;
    match.kernel_name = "tap0";
    EXPECT_FALSE(find_kernel_device(match).has_value());
    EXPECT_EQ((*pool)->available(), (*pool)->buffers());
}

}  // namespace
}  // namespace towpath::port
