// SPDX-License-Identifier: BSD-3-Clause
// An af_xdp port on `near` of a veth pair; a neighbour lives on `far`.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/port/af_xdp.h"
#include "tests/builders/packet_builder.h"
#include "tests/builders/private_network.h"

namespace towpath::port {

inline constexpr const char* kOwn = "192.0.2.10";

class AfXdp : public PrivateNetwork {
protected:
    void SetUp() override {
        PrivateNetwork::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        // No neighbour discovery of the kernel's among the frames that `far` counts.
        ASSERT_TRUE(run_command("sysctl -w net.ipv6.conf.near.disable_ipv6=1"));
        auto pool = dpdk::PacketPool::create({.buffers = 1024, .largest_mtu_bytes = 1500});
        ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
        pool_ = std::move(*pool);
    }
    void TearDown() override {
        PrivateNetwork::TearDown();
        if (pool_ != nullptr) {
            EXPECT_EQ(pool_->available(), pool_->buffers()) << "a packet leaked";
        }
    }
    static PortRequest request() {
        PortRequest wanted{.name = "wan", .driver = Driver::af_xdp};
        wanted.match.kernel_name = "near";
        wanted.own_addresses = {builders::address(kOwn)};
        return wanted;
    }
    std::unique_ptr<AfXdpPort> open(const PortRequest& wanted = request()) {
        auto port = AfXdpPort::open(wanted, *pool_, notes_);
        if (!port.has_value()) {
            ADD_FAILURE() << port.error().sentence;
            std::abort();
        }
        return *std::move(port);
    }
    // One receive, after waiting on the port's own descriptors as an idle worker does.
    static std::size_t receive(AfXdpPort& port, std::span<Packet> out, int timeout_ms = 1000) {
        std::vector<int> descriptors;
        for (std::uint16_t queue = 0; queue < port.receive_queue_count(); ++queue) {
            port.append_descriptors(queue, descriptors);
        }
        std::vector<pollfd> waiting;
        for (const int descriptor : descriptors) {
            waiting.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
        }
        ::poll(waiting.data(), waiting.size(), timeout_ms);
        std::size_t received = 0;
        for (std::uint16_t queue = 0; queue < port.receive_queue_count(); ++queue) {
            received += port.receive(queue, out.subspan(received));
        }
        return received;
    }
    // True when the frame, sent by the neighbour, came out of the port unchanged.
    bool arrives(AfXdpPort& port, const WireSocket& far, const builders::Frame& frame,
                 int timeout_ms = 1000) {
        EXPECT_TRUE(far.send(frame.packet.bytes()));
        Packet packet;
        if (receive(port, {&packet, 1}, timeout_ms) == 0) {
            return false;
        }
        const bool is_same = std::ranges::equal(packet.bytes(), frame.packet.bytes());
        pool_->release({&packet, 1});
        return is_same;
    }
    std::string refusal(const PortRequest& wanted, ExitCode code) {
        const auto port = AfXdpPort::open(wanted, *pool_, notes_);
        EXPECT_FALSE(port.has_value());
        if (port.has_value()) {
            return {};
        }
        EXPECT_EQ(port.error().exit_code, code) << port.error().sentence;
        return port.error().sentence;
    }

    std::unique_ptr<dpdk::PacketPool> pool_;
    std::vector<std::string> notes_;
};

}  // namespace towpath::port
