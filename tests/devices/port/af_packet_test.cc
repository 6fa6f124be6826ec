// SPDX-License-Identifier: BSD-3-Clause
// af_packet over a veth pair: our port holds `near`, a neighbour lives on `far`.
#include "dataplane/port/af_packet.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "dataplane/port/port.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "tests/builders/private_network.h"

namespace towpath::port {
namespace {

class AfPacket : public PrivateNetwork {
protected:
    void SetUp() override {
        PrivateNetwork::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
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
        PortRequest wanted{.name = "lan", .driver = Driver::af_packet};
        wanted.match.kernel_name = "near";
        return wanted;
    }
    Port open(const PortRequest& wanted) {
        auto port = Port::open(wanted, *pool_);
        if (!port.has_value()) {
            ADD_FAILURE() << port.error().sentence;
            std::abort();
        }
        return *std::move(port);
    }
    // The next packet, waiting on the port's own descriptor as an idle worker does.
    static std::size_t receive_one(Port& port, Packet& packet, std::uint16_t queue = 0,
                                   int timeout_ms = 1000) {
        std::vector<int> descriptors;
        port.append_descriptors(queue, descriptors);
        pollfd waiting{.fd = descriptors.at(0), .events = POLLIN, .revents = 0};
        ::poll(&waiting, 1, timeout_ms);
        return port.receive(queue, {&packet, 1});
    }
    static std::vector<std::byte> frame_of(std::size_t length) {
        std::vector<std::byte> frame(length, std::byte{0x42});
        const EthernetHeader header{.destination = {{2, 0, 0, 0, 0, 1}},
                                    .source = {{2, 0, 0, 0, 0, 2}},
                                    .ether_type = be16{0x88B5}};  // local experiments
        std::memcpy(frame.data(), &header, sizeof header);
        return frame;
    }

    std::unique_ptr<dpdk::PacketPool> pool_;
};

TEST_F(AfPacket, ReceivesAndTransmitsTheSameBytes) {
    Port port = open(request());
    EXPECT_TRUE(port.is_up());
    EXPECT_EQ(port.mtu_bytes(), 1500);
    EXPECT_FALSE(port.mac().is_zero());
    const WireSocket far{"far"};
    const auto frame = frame_of(1514);
    ASSERT_TRUE(far.send(frame));
    Packet packet;
    ASSERT_EQ(receive_one(port, packet), 1U);
    EXPECT_EQ(packet.head, 128);
    EXPECT_EQ(packet.verdict, DropReason::none);
    ASSERT_TRUE(std::ranges::equal(packet.bytes(), frame));
    ASSERT_EQ(port.transmit(0, {&packet, 1}), 1U);
    EXPECT_EQ(far.receive(), frame);
    const PortStatistics statistics = port.statistics();
    EXPECT_EQ(statistics.receive_bytes, 1514U);
    EXPECT_EQ(statistics.transmit_bytes, 1514U);
    // What this host sends is not received (PACKET_IGNORE_OUTGOING).
    EXPECT_EQ(port.receive(0, {&packet, 1}), 0U);
}

TEST_F(AfPacket, KeepsTheOrderOfManyAcrossTheRingsEnd) {
    Port port = open(request());
    const WireSocket far{"far"};
    std::uint32_t next = 0;
    for (std::uint32_t sent = 0; sent < 5000; ++sent) {  // the ring has 2048
        auto frame = frame_of(64);
        std::memcpy(frame.data() + 20, &sent, sizeof sent);
        ASSERT_TRUE(far.send(frame));
        std::array<Packet, 8> packets;
        const std::size_t count = port.receive(0, packets);
        for (std::size_t index = 0; index < count; ++index) {
            std::uint32_t number = 0;
            std::memcpy(&number, packets[index].data() + 20, sizeof number);
            ASSERT_EQ(number, next++);
        }
        pool_->release(std::span{packets}.first(count));
    }
    EXPECT_EQ(next, 5000U);
    EXPECT_EQ(port.statistics().receive_missed, 0U);
}

// N7: a client's checksum offload is on by default on veth.
TEST_F(AfPacket, CompletesTheChecksumThatAClientLeftUndone) {
    Port port = open(request());
    ASSERT_TRUE(run_command("ip address add 198.51.100.2/24 dev far"));
    ASSERT_TRUE(run_command("ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev far"));
    const int client = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in remote{};
    remote.sin_family = AF_INET;
    remote.sin_port = htons(9999);
    remote.sin_addr.s_addr = htonl(0xC6336401);
    ASSERT_EQ(
        ::sendto(client, "unfinished", 10, 0, reinterpret_cast<sockaddr*>(&remote), sizeof remote),
        10);
    Packet packet;
    do {
        ASSERT_EQ(receive_one(port, packet), 1U);
        pool_->release({&packet, 1});
    } while (packet.length != 14 + 20 + 8 + 10);
    const auto& ipv4 = packet.header<Ipv4Header>(14);
    EXPECT_TRUE(checksum_is_valid(packet.bytes().subspan(34),
                                  pseudo_header_sum(ipv4.source, ipv4.destination, 17, 18)));
    EXPECT_EQ(port.statistics().checksum_completed, 1U);
    ::close(client);
}

// DropReason::l2_oversize as far as a port sees it: a client hands over several datagrams in one
// frame for its device to split.
TEST_F(AfPacket, MergedDatagramsAreMarkedEvenWhenTheyFitTheMtu) {
    Port port = open(request());
    Packet packet;
    ASSERT_TRUE(run_command("ip address add 198.51.100.2/24 dev far"));
    ASSERT_TRUE(run_command("ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev far"));
    const int client = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    constexpr int kUdpSegment = 103;
    const int segment = 500;
    ASSERT_EQ(::setsockopt(client, IPPROTO_UDP, kUdpSegment, &segment, sizeof segment), 0);
    sockaddr_in remote{};
    remote.sin_family = AF_INET;
    remote.sin_port = htons(9999);
    remote.sin_addr.s_addr = htonl(0xC6336401);
    const std::vector<char> payload(1000, 'x');
    ASSERT_EQ(::sendto(client, payload.data(), payload.size(), 0,
                       reinterpret_cast<sockaddr*>(&remote), sizeof remote),
              1000);
    ::close(client);
    std::size_t marked = 0;
    while (receive_one(port, packet, 0, 200) == 1) {
        if (packet.length > 14 + 28 + 500) {
            EXPECT_EQ(packet.verdict, DropReason::l2_oversize);
            ++marked;
        }
        pool_->release({&packet, 1});
    }
    EXPECT_EQ(marked, 1U);
}

// One huge frame of TCP, as with `ethtool -K far tso on`: cut to the buffer, longer than any MTU,
// marked.
TEST_F(AfPacket, MergedSegmentsLongerThanABufferAreCutAndMarked) {
    Port port = open(request());
    constexpr int kPacketVnetHeader = 15;
    const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    const int on = 1;
    ASSERT_EQ(::setsockopt(socket, SOL_PACKET, kPacketVnetHeader, &on, sizeof on), 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(0x0800);
    address.sll_ifindex = static_cast<int>(::if_nametoindex("far"));
    const OffloadHeader offload{.flags = kNeedsChecksum,
                                .merge_kind = kMergeTcp4,
                                .header_length_bytes = 54,
                                .segment_bytes = 1000,
                                .checksum_start = 34,
                                .checksum_field = 16};
    std::vector<std::byte> bytes(sizeof offload);
    std::memcpy(bytes.data(), &offload, sizeof offload);
    auto frame = frame_of(20054);
    frame[12] = std::byte{8};
    frame[13] = std::byte{0};
    frame[14] = std::byte{0x45};
    frame[23] = std::byte{6};
    frame[46] = std::byte{0x50};
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    ASSERT_EQ(::sendto(socket, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&address),
                       sizeof address),
              static_cast<ssize_t>(bytes.size()));
    ::close(socket);
    Packet packet;
    ASSERT_EQ(receive_one(port, packet), 1U);
    EXPECT_EQ(packet.verdict, DropReason::l2_oversize);
    EXPECT_GT(packet.length, 1514);
    EXPECT_LE(packet.head + packet.length, packet.capacity);
    pool_->release({&packet, 1});
}

TEST_F(AfPacket, AFrameThatCannotBeSentDoesNotHoldUpOthers) {
    Port port = open(request());
    const WireSocket far{"far"};
    std::array<Packet, 3> packets;
    ASSERT_EQ(pool_->allocate(packets), 3U);
    const auto frame = frame_of(64);
    for (Packet& packet : packets) {
        std::memcpy(packet.data(), frame.data(), frame.size());
        packet.length = 64;
    }
    packets[1].length = 1560;  // above the MTU
    EXPECT_EQ(port.transmit(0, packets), 3U);
    EXPECT_EQ(far.receive(), frame);
    EXPECT_EQ(far.receive(), frame);
    EXPECT_EQ(port.statistics().transmit_packets, 2U);
    EXPECT_EQ(port.statistics().transmit_refused, 1U);
}

TEST_F(AfPacket, ALinkThatIsDownTakesNothingAndAsksForNoLoop) {
    Port port = open(request());
    ASSERT_TRUE(run_command("ip link set near down"));
    EXPECT_FALSE(port.is_up());
    std::array<Packet, 2> packets;
    ASSERT_EQ(pool_->allocate(packets), 2U);
    packets[0].length = packets[1].length = 64;
    EXPECT_EQ(port.transmit(0, packets), 0U);
    EXPECT_EQ(port.transmit(0, packets), 0U);
    Packet packet;
    for (int round = 0; round < 100; ++round) {
        EXPECT_EQ(port.receive(0, {&packet, 1}), 0U);
    }
    std::vector<int> descriptors;
    port.append_descriptors(0, descriptors);
    pollfd waiting{.fd = descriptors.at(0), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 0), 0) << "an idle worker would spin";
    // And what it did not take does not leave later, when the link is back.
    const WireSocket far{"far"};
    ASSERT_TRUE(run_command("ip link set near up"));
    const auto frame = frame_of(64);
    std::memcpy(packets[0].data(), frame.data(), frame.size());
    EXPECT_EQ(port.transmit(0, std::span{packets}.first(1)), 1U);
    EXPECT_EQ(far.receive(), frame);
    EXPECT_TRUE(far.receive(0).empty());
    EXPECT_EQ(port.statistics().transmit_packets, 1U);
    pool_->release(std::span{packets}.last(1));
}

TEST_F(AfPacket, SeveralQueuesEachSeeAFrameOnce) {
    PortRequest wanted = request();
    wanted.receive_queues = 4;
    wanted.transmit_queues = 2;
    Port port = open(wanted);
    ASSERT_EQ(port.receive_queue_count(), 4);
    ASSERT_EQ(port.transmit_queue_count(), 2);
    const WireSocket far{"far"};
    for (int sent = 0; sent < 20; ++sent) {
        ASSERT_TRUE(far.send(frame_of(64)));
    }
    std::size_t received = 0;
    for (std::uint16_t queue = 0; queue < 4; ++queue) {
        std::array<Packet, 32> packets;
        const std::size_t count = port.receive(queue, packets);
        pool_->release(std::span{packets}.first(count));
        received += count;
    }
    EXPECT_EQ(received, 20U);
}

// N6: through DPDK's driver fragments were lost, for its sharing reassembles them.
TEST_F(AfPacket, FragmentsOfAPingArriveAsTheyWereSentAlsoWithSeveralQueues) {
    PortRequest wanted = request();
    wanted.receive_queues = 2;
    Port port = open(wanted);
    ASSERT_TRUE(run_command("ip address add 198.51.100.2/24 dev far"));
    ASSERT_TRUE(run_command("ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev far"));
    (void)run_command("ping -c 1 -W 0.2 -s 3000 198.51.100.1");
    std::size_t fragments = 0;
    for (std::uint16_t queue = 0; queue < 2; ++queue) {
        std::array<Packet, 32> packets;
        const std::size_t count = port.receive(queue, packets);
        for (std::size_t index = 0; index < count; ++index) {
            EXPECT_LE(packets[index].length, 1514);
            if (packets[index].header<EthernetHeader>(0).ether_type == be16{kEtherTypeIpv4}) {
                ++fragments;
            }
        }
        pool_->release(std::span{packets}.first(count));
    }
    EXPECT_EQ(fragments, 3U);
}

TEST_F(AfPacket, AnEmptyPoolLeavesFramesInTheRing) {
    Port port = open(request());
    const WireSocket far{"far"};
    ASSERT_TRUE(far.send(frame_of(64)));
    std::vector<Packet> all(1024);
    ASSERT_EQ(pool_->allocate(all), 1024U);
    Packet packet;
    EXPECT_EQ(receive_one(port, packet), 0U);
    pool_->release(all);
    ASSERT_EQ(receive_one(port, packet), 1U);
    pool_->release({&packet, 1});
}

TEST_F(AfPacket, FailuresAreOneSentenceEach) {
    PortRequest wanted = request();
    wanted.match.kernel_name = "nothere";
    auto port = Port::open(wanted, *pool_);
    ASSERT_FALSE(port.has_value());
    EXPECT_EQ(port.error().exit_code, ExitCode::port_unavailable);
    EXPECT_EQ(port.error().sentence,
              "lan: there is no network interface named nothere in this network namespace");

    ASSERT_TRUE(run_command("ip link set near mtu 9000"));
    port = Port::open(request(), *pool_);
    ASSERT_FALSE(port.has_value());
    EXPECT_NE(port.error().sentence.find("the MTU 9000 of near is larger"), std::string::npos);

    wanted = request();
    wanted.mtu_bytes = 1400;
    port = Port::open(wanted, *pool_);
    ASSERT_TRUE(port.has_value()) << port.error().sentence;
    EXPECT_EQ(port->mtu_bytes(), 1400);
    // One owner of a device at a time.
    const auto second = Port::open(request(), *pool_);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().exit_code, ExitCode::address_in_use);
}

// N12: the device goes away under the port and comes back under its name.
TEST_F(AfPacket, ADeviceThatIsRemovedAndPutBackOpensAgain) {
    {
        Port port = open(request());
        ASSERT_TRUE(run_command("ip link del near"));
        EXPECT_FALSE(port.is_up());
        Packet packet;
        EXPECT_EQ(port.receive(0, {&packet, 1}), 0U);
        ASSERT_EQ(pool_->allocate({&packet, 1}), 1U);
        packet.length = 64;
        EXPECT_EQ(port.transmit(0, {&packet, 1}), 0U);
        pool_->release({&packet, 1});
    }
    ASSERT_TRUE(run_command("ip link add near type veth peer name far"));
    ASSERT_TRUE(run_command("ip link set far up"));
    Port port = open(request());
    const WireSocket far{"far"};
    ASSERT_TRUE(far.send(frame_of(64)));
    Packet packet;
    do {
        ASSERT_EQ(receive_one(port, packet), 1U);
        pool_->release({&packet, 1});
    } while (packet.length != 64);
}

TEST_F(AfPacket, WithoutPermissionTheSentenceSaysWhatIsMissing) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        constexpr uid_t kNobody = 65534;
        if (::setresuid(kNobody, kNobody, kNobody) != 0) {
            ::_exit(2);
        }
        const auto port = Port::open(request(), *pool_);
        const bool is_right = !port.has_value() &&
                              port.error().exit_code == ExitCode::no_permission &&
                              port.error().sentence.find("run as root") != std::string::npos;
        ::_exit(is_right ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace towpath::port
