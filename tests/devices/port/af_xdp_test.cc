// SPDX-License-Identifier: BSD-3-Clause
// af_xdp over a veth pair: our port holds `near`, a neighbour lives on `far` (decisions.md N7, N8).
#include "dataplane/port/af_xdp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "dataplane/port/port.h"
#include "dataplane/port/xdp_program/filter_layout.h"
#include "tests/builders/ipv6_packets.h"
#include "tests/devices/port/af_xdp_fixture.h"

namespace towpath::port {
namespace {

using builders::Frame;

TEST_F(AfXdp, ReceivesAndTransmitsTheSameBytes) {
    auto opened = Port::open(request(), *pool_);
    ASSERT_TRUE(opened.has_value()) << opened.error().sentence;
    Port port = *std::move(opened);
    EXPECT_EQ(port.driver(), Driver::af_xdp);
    EXPECT_EQ(port.kernel_name(), "near");
    EXPECT_TRUE(port.is_up());
    EXPECT_EQ(port.receive_queue_count(), 1);
    const WireSocket far{"far"};
    const Frame frame = builders::udp({.payload_bytes = 1472});
    ASSERT_EQ(frame.packet.length, 1514);
    ASSERT_TRUE(far.send(frame.packet.bytes()));
    std::vector<int> descriptors;
    port.append_descriptors(0, descriptors);
    ASSERT_EQ(descriptors.size(), 2U);  // the socket, and the ring for ARP
    pollfd waiting{.fd = descriptors[0], .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waiting, 1, 1000), 1);
    Packet packet;
    ASSERT_EQ(port.receive(0, {&packet, 1}), 1U);
    EXPECT_GE(packet.head, 128);
    EXPECT_EQ(packet.verdict, DropReason::none);
    ASSERT_TRUE(std::ranges::equal(packet.bytes(), frame.packet.bytes()));
    ASSERT_EQ(port.transmit(0, {&packet, 1}), 1U);
    EXPECT_TRUE(port.flush(0));
    const auto echoed = far.receive();
    EXPECT_TRUE(std::ranges::equal(echoed, frame.packet.bytes()));
    const PortStatistics statistics = port.statistics();
    EXPECT_EQ(statistics.receive_bytes, 1514U);
    EXPECT_EQ(statistics.transmit_bytes, 1514U);
    EXPECT_EQ(statistics.checksum_completed, 0U);
}

// The program decides, not an address: what is left to the kernel shows on a packet socket there.
TEST_F(AfXdp, LeavesSshAndDhcpAndWhatIsListedToTheKernel) {
    PortRequest wanted = request();
    wanted.kernel_traffic = {{.protocol = Protocol::udp, .port = 61000, .port_last = 65535},
                             {.protocol = Protocol::icmp, .port = 61000, .port_last = 65535}};
    const auto port = open(wanted);
    const WireSocket far{"far"};
    const WireSocket kernel{"near"};
    const auto to_kernel = [&](Frame frame) {
        const std::uint64_t before = port->left_to_kernel();
        EXPECT_TRUE(far.send(frame.packet.bytes()));
        const auto seen = kernel.receive();
        Packet packet;
        EXPECT_EQ(port->receive(0, {&packet, 1}), 0U);
        return std::ranges::equal(seen, frame.packet.bytes()) &&
               port->left_to_kernel() == before + 1;
    };
    using namespace builders;
    const auto own = [](std::uint16_t port_number) {
        return Fields{.destination = kOwn, .destination_port = port_number};
    };
    EXPECT_TRUE(to_kernel(builders::tcp(own(22))));
    EXPECT_TRUE(arrives(*port, far, builders::tcp(own(23))));
    EXPECT_TRUE(arrives(*port, far, builders::udp(own(22))));
    // SSH through the gateway is not SSH to it.
    EXPECT_TRUE(arrives(*port, far, builders::tcp({.destination_port = 22})));
    EXPECT_TRUE(to_kernel(builders::udp(
        {.source_port = 67, .destination = "255.255.255.255", .destination_port = 68})));
    EXPECT_TRUE(arrives(*port, far, builders::udp(own(60999))));
    EXPECT_TRUE(to_kernel(builders::udp(own(61000))));
    EXPECT_TRUE(to_kernel(builders::udp(own(65535))));
    EXPECT_TRUE(arrives(*port, far, builders::tcp(own(61000))));
    // Answers to the host's own ping, not requests; the Identifier decides.
    EXPECT_TRUE(to_kernel(builders::icmp_echo_reply({.source_port = 61000, .destination = kOwn})));
    EXPECT_TRUE(
        arrives(*port, far, builders::icmp_echo_reply({.source_port = 7, .destination = kOwn})));
    EXPECT_TRUE(
        arrives(*port, far, builders::icmp_echo({.source_port = 61000, .destination = kOwn})));
}

TEST_F(AfXdp, LeavesErrorsAboutTheHostsOwnFlowsToTheKernel) {
    PortRequest wanted = request();
    wanted.kernel_traffic = {{.protocol = Protocol::udp, .port = 61000, .port_last = 65535}};
    const auto port = open(wanted);
    const WireSocket far{"far"};
    Frame of_host = builders::udp({.source = kOwn, .source_port = 61001});
    Frame of_mapping = builders::udp({.source = kOwn, .source_port = 2000});
    const auto error = [](Frame& about) {
        return builders::icmp_error({.destination = kOwn}, about, IcmpType::destination_unreachable,
                                    3);
    };
    EXPECT_FALSE(arrives(*port, far, error(of_host), 100));
    EXPECT_EQ(port->left_to_kernel(), 1U);
    EXPECT_TRUE(arrives(*port, far, error(of_mapping)));
}

// A datagram is never split between the kernel and us: later fragments have no port.
TEST_F(AfXdp, KeepsFragmentsTogether) {
    const auto port = open();
    const WireSocket far{"far"};
    Frame whole =
        builders::tcp({.destination = kOwn, .destination_port = 22, .payload_bytes = 100});
    for (const Frame& piece : builders::fragments_of(whole, 64)) {
        EXPECT_TRUE(arrives(*port, far, piece));
    }
    EXPECT_EQ(port->left_to_kernel(), 0U);
}

TEST_F(AfXdp, LeavesIpv6ToTheKernel) {
    const auto port = open();
    const WireSocket far{"far"};
    const WireSocket kernel{"near"};
    Frame frame = builders::udp();
    frame.ethernet().ether_type = be16{kEtherTypeIpv6};
    EXPECT_FALSE(arrives(*port, far, frame, 100));
    EXPECT_TRUE(std::ranges::equal(kernel.receive(), frame.packet.bytes()));
}

TEST_F(AfXdp, TakesArpWhenTheKernelHasNoAddress) {
    const auto port = open();
    const WireSocket far{"far"};
    const Frame frame = builders::arp({.sender = "192.0.2.1", .target = kOwn});
    EXPECT_TRUE(arrives(*port, far, frame));
    EXPECT_TRUE(far.receive(50).empty()) << "the kernel answered";
}

// Both need answers then: the kernel for its own traffic, the data plane for what it forwards.
TEST_F(AfXdp, SharesArpWithAKernelThatHasAnAddress) {
    ASSERT_TRUE(run_command("ip addr add 192.0.2.11/24 dev near"));
    const auto port = open();
    const WireSocket far{"far"};
    EXPECT_TRUE(
        arrives(*port, far, builders::arp({.sender = "192.0.2.1", .target = "192.0.2.11"})));
    auto answer = far.receive();
    ASSERT_GE(answer.size(), sizeof(EthernetHeader) + sizeof(ArpHeader));
    EXPECT_EQ(header_at<ArpHeader>(std::span{answer}, sizeof(EthernetHeader))->operation,
              be16{kArpReply});
    // Its address is an own address of the rules, without being listed.
    EXPECT_FALSE(arrives(
        *port, far, builders::tcp({.destination = "192.0.2.11", .destination_port = 22}), 100));
}

// A reload, or the operator, changes addresses while the port is open.
TEST_F(AfXdp, FollowsChangedAddresses) {
    auto opened = Port::open(request(), *pool_);
    ASSERT_TRUE(opened.has_value()) << opened.error().sentence;
    const WireSocket far{"far"};
    const WireSocket kernel{"near"};
    const auto ssh_to = [](std::string_view destination) {
        return builders::tcp({.destination = destination, .destination_port = 22});
    };
    const auto reaches_kernel = [&](const Frame& frame) {
        EXPECT_TRUE(far.send(frame.packet.bytes()));
        const auto seen = kernel.receive(100);
        Packet packet;
        if (opened->receive(0, {&packet, 1}) == 1) {
            pool_->release({&packet, 1});
        }
        return std::ranges::equal(seen, frame.packet.bytes());
    };
    EXPECT_TRUE(reaches_kernel(ssh_to(kOwn)));
    EXPECT_FALSE(reaches_kernel(ssh_to("192.0.2.12")));
    const std::array<Ipv4Address, 1> changed{builders::address("192.0.2.12")};
    ASSERT_TRUE(opened->set_own_addresses(changed, false).has_value());
    EXPECT_FALSE(reaches_kernel(ssh_to(kOwn)));
    EXPECT_TRUE(reaches_kernel(ssh_to("192.0.2.12")));
    const Frame question = builders::arp({.sender = "192.0.2.1", .target = "192.0.2.13"});
    EXPECT_FALSE(reaches_kernel(question));
    ASSERT_TRUE(run_command("ip addr add 192.0.2.13/24 dev near"));
    ASSERT_TRUE(opened->set_own_addresses(changed, false).has_value());
    EXPECT_TRUE(reaches_kernel(question));
    EXPECT_TRUE(reaches_kernel(ssh_to("192.0.2.13")));
}

TEST_F(AfXdp, TakesIpv6WhereItIsSpoken) {
    auto opened = Port::open(request(), *pool_);
    ASSERT_TRUE(opened.has_value()) << opened.error().sentence;
    const WireSocket far{"far"};
    const WireSocket kernel{"near"};
    const Frame frame = builders::udp6();
    ASSERT_TRUE(far.send(frame.packet.bytes()));
    EXPECT_TRUE(std::ranges::equal(kernel.receive(100), frame.packet.bytes()));
    Packet packet;
    EXPECT_EQ(opened->receive(0, {&packet, 1}), 0U);
    ASSERT_TRUE(opened->set_own_addresses({}, true).has_value());
    ASSERT_TRUE(far.send(frame.packet.bytes()));
    EXPECT_TRUE(kernel.receive(100).empty());
    ASSERT_EQ(opened->receive(0, {&packet, 1}), 1U);
    EXPECT_TRUE(std::ranges::equal(packet.bytes(), frame.packet.bytes()));
    pool_->release({&packet, 1});
}

TEST_F(AfXdp, CompletesIpv6ChecksumsThatTheSenderLeftUnfinished) {
    const auto port = open();
    ASSERT_TRUE(port->set_own_addresses({}, true).has_value());
    const WireSocket far{"far"};
    Frame frame = builders::udp6({.payload_bytes = 33});
    const be16 right = frame.udp().checksum;
    const Ipv6Header& ip = builders::ip6(frame);
    frame.udp().checksum =
        be16::from_raw(fold_checksum(pseudo_header_sum(ip.source, ip.destination, 17, 41)));
    ASSERT_TRUE(far.send(frame.packet.bytes()));
    Packet packet;
    ASSERT_EQ(receive(*port, {&packet, 1}), 1U);
    EXPECT_EQ(packet.header<UdpHeader>(54).checksum, right);
    EXPECT_EQ(port->statistics().checksum_completed, 1U);
    pool_->release({&packet, 1});
}

TEST_F(AfXdp, CompletesChecksumsThatTheSenderLeftUnfinished) {
    const auto port = open();
    const WireSocket far{"far"};
    Frame frame = builders::tcp({.payload_bytes = 33});
    const be16 right = frame.tcp().checksum;
    const Ipv4Header& ip = frame.ipv4();
    frame.tcp().checksum = be16::from_raw(fold_checksum(
        pseudo_header_sum(ip.source, ip.destination, ip.protocol, std::uint16_t{53})));
    ASSERT_TRUE(far.send(frame.packet.bytes()));
    Packet packet;
    ASSERT_EQ(receive(*port, {&packet, 1}), 1U);
    EXPECT_EQ(packet.header<TcpHeader>(34).checksum, right);
    EXPECT_EQ(port->statistics().checksum_completed, 1U);
    pool_->release({&packet, 1});
}

TEST_F(AfXdp, BindsEveryQueueOfTheKernel) {
    ASSERT_TRUE(run_command("ip link del near"));
    ASSERT_TRUE(
        run_command("ip link add near numrxqueues 3 numtxqueues 3 type veth "
                    "peer name far numrxqueues 3 numtxqueues 3"));
    ASSERT_TRUE(run_command("ethtool -L near rx 3 tx 3 && ethtool -L far rx 3 tx 3"));
    ASSERT_TRUE(run_command("ip link set far up && ip link set near up"));
    PortRequest wanted = request();
    wanted.receive_queues = 4;
    const auto port = open(wanted);
    EXPECT_EQ(port->receive_queue_count(), 3);
    EXPECT_EQ(port->transmit_queue_count(), 3);
    EXPECT_NE(notes_.back().find("3 receive queues instead of 4"), std::string::npos);
    const WireSocket far{"far"};
    for (std::uint16_t flow = 0; flow < 64; ++flow) {
        const auto source_port = static_cast<std::uint16_t>(2000 + flow);
        EXPECT_TRUE(arrives(*port, far, builders::udp({.source_port = source_port}))) << flow;
    }
}

TEST_F(AfXdp, HoldsItsRingAndCountsOneMore) {
    const auto port = open();
    const WireSocket far{"far"};
    const Frame frame = builders::udp();
    for (std::uint32_t sent = 0; sent < kXskRingSize + 1; ++sent) {
        ASSERT_TRUE(far.send(frame.packet.bytes()));
    }
    std::array<Packet, 32> packets;
    std::size_t received = 0;
    while (const std::size_t count = receive(*port, packets, 100)) {
        pool_->release(std::span{packets}.first(count));
        received += count;
    }
    EXPECT_EQ(received, kXskRingSize);
    EXPECT_EQ(port->statistics().receive_missed, 1U);
    EXPECT_TRUE(arrives(*port, far, frame));  // and goes on
}

TEST_F(AfXdp, QueuesAsManyFramesAsItsRingAndHandsOneBack) {
    const auto port = open();
    const WireSocket far{"far"};
    const auto offer = [&] {
        Packet packet;
        EXPECT_EQ(pool_->allocate({&packet, 1}), 1U);
        packet.length = 60;
        std::memset(packet.data(), 0x42, 60);
        const std::size_t taken = port->transmit(0, {&packet, 1});
        if (taken == 0) {
            pool_->release({&packet, 1});
        }
        return taken;
    };
    for (std::uint32_t queued = 0; queued < kXskRingSize; ++queued) {
        ASSERT_EQ(offer(), 1U) << queued;
    }
    EXPECT_EQ(offer(), 0U);
    EXPECT_EQ(port->statistics().transmit_refused, 1U);
    std::size_t left = 0;
    for (int round = 0; round < 64; ++round) {
        EXPECT_TRUE(port->flush(0));
        while (!far.receive(0).empty()) {
            ++left;
        }
    }
    EXPECT_EQ(left, kXskRingSize);
    EXPECT_EQ(offer(), 1U);
}

TEST_F(AfXdp, WithoutBuffersFramesWaitInTheRing) {
    const auto port = open();
    const WireSocket far{"far"};
    std::vector<Packet> all(pool_->buffers());
    all.resize(pool_->allocate(all));
    ASSERT_TRUE(far.send(builders::udp().packet.bytes()));
    Packet packet;
    EXPECT_EQ(receive(*port, {&packet, 1}), 0U);
    pool_->release(all);
    ASSERT_EQ(receive(*port, {&packet, 1}), 1U);
    pool_->release({&packet, 1});
}

TEST_F(AfXdp, SaysWhatItCannotDo) {
    PortRequest wanted = request();
    wanted.match.kernel_name = "absent0";
    EXPECT_NE(refusal(wanted, ExitCode::port_unavailable).find("absent0"), std::string::npos);
    wanted = request();
    wanted.mtu_bytes = 9000;
    EXPECT_NE(refusal(wanted, ExitCode::port_unavailable).find("at most 3822"), std::string::npos);
    wanted.mtu_bytes = 0;
    wanted.kernel_traffic.resize(TOWPATH_FILTER_RULES_MAX - 3);
    EXPECT_EQ(open(wanted)->receive_queue_count(), 1);
    wanted.kernel_traffic.resize(TOWPATH_FILTER_RULES_MAX - 2);
    EXPECT_NE(refusal(wanted, ExitCode::usage).find("at most 45 rules"), std::string::npos);
    wanted = request();
    wanted.own_addresses.resize(TOWPATH_FILTER_ADDRESSES_MAX + 1);
    EXPECT_NE(refusal(wanted, ExitCode::usage).find("64 own addresses"), std::string::npos);
}

TEST_F(AfXdp, ForwardsAtTheLargestMtu) {
    ASSERT_TRUE(run_command("ip link set near mtu 3822 && ip link set far mtu 3822"));
    auto pool = dpdk::PacketPool::create({.buffers = 512, .largest_mtu_bytes = 3822});
    ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
    std::swap(pool_, *pool);
    {
        const auto port = open();
        const WireSocket far{"far"};
        EXPECT_TRUE(arrives(*port, far, builders::udp({.payload_bytes = 3822 - 28})));
    }
}

}  // namespace
}  // namespace towpath::port
