// SPDX-License-Identifier: BSD-3-Clause
// decisions.md N10: the host's own traffic through a TAP.
#include "dataplane/port/host_tap.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "dataplane/port/kernel_address.h"
#include "dataplane/port/kernel_device.h"
#include "tests/builders/packet_builder.h"
#include "tests/builders/private_network.h"

namespace towpath::port {
namespace {

using builders::Frame;

class HostTapTest : public PrivateNetwork {
protected:
    void SetUp() override {
        PrivateNetwork::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        auto pool = dpdk::PacketPool::create({.buffers = 512, .largest_mtu_bytes = 1500});
        ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
        pool_ = std::move(*pool);
    }
    void TearDown() override {
        PrivateNetwork::TearDown();
        if (pool_ != nullptr) {
            EXPECT_EQ(pool_->available(), pool_->buffers()) << "a packet leaked";
        }
    }
    static HostTapRequest request() {
        return {.interface_name = "wan",
                .mac = builders::kOurMac,
                .mtu_bytes = 1400,
                .addresses = {{builders::address("192.0.2.10"), builders::prefix("192.0.2.0/24")}},
                .routes = {{builders::prefix("0.0.0.0/0"), builders::address("192.0.2.1"), {}}}};
    }
    HostTap open(const HostTapRequest& wanted = request()) {
        auto tap = HostTap::open(wanted, *pool_, notes_);
        if (!tap.has_value()) {
            ADD_FAILURE() << tap.error().sentence;
            std::abort();
        }
        return *std::move(tap);
    }
    // "192.0.2.10/24 ", each with a space behind it.
    static std::string addresses_of(const std::string& device) {
        std::string text;
        for (const InterfaceAddress& address : kernel_addresses_of(device)) {
            text += to_string(address) + " ";
        }
        return text;
    }
    bool send(HostTap& tap, const Frame& frame) {
        Packet packet;
        EXPECT_EQ(pool_->allocate({&packet, 1}), 1U);
        packet.length = frame.packet.length;
        std::memcpy(packet.data(), frame.packet.data(), packet.length);
        const bool was_taken = tap.transmit({&packet, 1}) == 1;
        if (!was_taken) {
            pool_->release({&packet, 1});
        }
        return was_taken;
    }
    // The next frame of that type that the host sends.
    std::optional<Packet> receive(HostTap& tap, std::uint16_t ether_type) {
        for (int attempt = 0; attempt < 20; ++attempt) {
            pollfd waiting{.fd = tap.descriptor(), .events = POLLIN, .revents = 0};
            Packet packet;
            if (::poll(&waiting, 1, 1000) != 1 || tap.receive({&packet, 1}) != 1) {
                return std::nullopt;
            }
            if (packet.header<EthernetHeader>(0).ether_type == be16{ether_type}) {
                return packet;
            }
            pool_->release({&packet, 1});
        }
        return std::nullopt;
    }

    std::unique_ptr<dpdk::PacketPool> pool_;
    std::vector<std::string> notes_;
};

TEST_F(HostTapTest, IsLikeThePort) {
    const HostTap tap = open();
    EXPECT_EQ(tap.name(), "wan");
    EXPECT_TRUE(notes_.empty()) << notes_.front();
    const auto device = find_kernel_device({.kernel_name = "wan", .pci_address = {}, .mac = {}});
    ASSERT_TRUE(device.has_value());
    EXPECT_EQ(device->mac, builders::kOurMac);
    EXPECT_EQ(device->mtu_bytes, 1400);
    const auto addresses = kernel_addresses_of("wan");
    ASSERT_EQ(addresses.size(), 1U);
    EXPECT_EQ(to_string(addresses.front()), "192.0.2.10/24");
    EXPECT_FALSE(has_ipv6("wan"));
    EXPECT_TRUE(run_command("ip route show default | grep 'via 192.0.2.1 dev wan.*metric 20000'"));
    EXPECT_TRUE(run_command("ip route show 192.0.2.0/24 | grep 'dev wan.*metric 20000'"));
    EXPECT_FALSE(run_command("ip route show 192.0.2.0/24 | grep -v metric"));
}

TEST_F(HostTapTest, CarriesAPingToTheHostAndItsAnswer) {
    HostTap tap = open();
    builders::Fields fields{.source = "192.0.2.1", .source_port = 77, .destination = "192.0.2.10"};
    ASSERT_TRUE(send(tap, builders::icmp_echo(fields)));
    // The host asks who 192.0.2.1 is, and answers when it is told.
    const auto question = receive(tap, kEtherTypeArp);
    ASSERT_TRUE(question.has_value());
    EXPECT_TRUE(question->from_host);
    EXPECT_EQ(question->head, 128);
    EXPECT_EQ(question->header<ArpHeader>(14).target_address,
              builders::address("192.0.2.1").wire());
    pool_->release({&*question, 1});
    ASSERT_TRUE(send(tap, builders::arp({.operation = kArpReply,
                                         .sender = "192.0.2.1",
                                         .target_mac = builders::kOurMac,
                                         .target = "192.0.2.10",
                                         .destination_mac = builders::kOurMac})));
    const auto answer = receive(tap, kEtherTypeIpv4);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->header<IcmpHeader>(34).type, 0);
    EXPECT_EQ(answer->header<Ipv4Header>(14).destination, builders::address("192.0.2.1").wire());
    pool_->release({&*answer, 1});
}

TEST_F(HostTapTest, TakesAnotherNameWhenItsOwnIsTaken) {
    HostTapRequest wanted = request();
    wanted.interface_name = "near";
    {
        const HostTap tap = open(wanted);
        EXPECT_EQ(tap.name(), "tp-near");
        const auto second = HostTap::open(wanted, *pool_, notes_);
        ASSERT_FALSE(second.has_value());
        EXPECT_EQ(second.error().exit_code, ExitCode::address_in_use);
        EXPECT_NE(second.error().sentence.find("tp-near and near are there already"),
                  std::string::npos);
        ASSERT_EQ(notes_.size(), 1U);
        EXPECT_NE(notes_.front().find("near: the host has another device near, so ours is tp-near"),
                  std::string::npos)
            << notes_.front();
    }
    EXPECT_FALSE(run_command("ip link show tp-near")) << "gone with its owner";
}

TEST_F(HostTapTest, SaysNothingWhenThePortItselfHasItsName) {
    HostTapRequest wanted = request();
    wanted.interface_name = "near";
    wanted.port_device = "near";
    const HostTap tap = open(wanted);
    EXPECT_EQ(tap.name(), "tp-near");
    EXPECT_TRUE(notes_.empty()) << notes_.front();
}

TEST_F(HostTapTest, KnowsWhenSomebodyDeletedIt) {
    {
        const HostTap tap = open();
        EXPECT_TRUE(tap.is_there());
        ASSERT_TRUE(run_command("ip link delete wan"));
        EXPECT_FALSE(tap.is_there());
    }
    const HostTap again = open();
    EXPECT_EQ(again.name(), "wan");
    EXPECT_TRUE(again.is_there());
    EXPECT_EQ(addresses_of("wan"), "192.0.2.10/24 ");
}

TEST_F(HostTapTest, TakesABurstAndNotOneMore) {
    HostTap tap = open();
    std::array<Packet, kPuntBurstMax + 1> packets;
    ASSERT_EQ(pool_->allocate(packets), packets.size());
    const Frame frame = builders::udp({.destination = "192.0.2.10"});
    for (Packet& packet : packets) {
        packet.length = frame.packet.length;
        std::memcpy(packet.data(), frame.packet.data(), packet.length);
    }
    EXPECT_EQ(tap.transmit(packets), kPuntBurstMax);
    pool_->release(std::span{packets}.last(1));
}

TEST_F(HostTapTest, RefusesWhatTheHostDoesNotTake) {
    HostTap tap = open();
    ASSERT_TRUE(run_command("ip link set wan down"));
    EXPECT_FALSE(send(tap, builders::udp({.destination = "192.0.2.10"})));
    Packet packet;
    EXPECT_EQ(tap.receive({&packet, 1}), 0U);
}

TEST_F(HostTapTest, SaysWhichRouteTheKernelRefused) {
    HostTapRequest wanted = request();
    wanted.routes = {{builders::prefix("198.51.100.0/24"), builders::address("203.0.113.1")}};
    const HostTap tap = open(wanted);
    ASSERT_EQ(notes_.size(), 1U);
    EXPECT_NE(notes_.front().find("198.51.100.0/24"), std::string::npos) << notes_.front();
}

TEST_F(HostTapTest, ChangesItsAddressesAndStaysTheSameDevice) {
    HostTap tap = open();
    const unsigned index = ::if_nametoindex("wan");
    HostTapRequest wanted = request();
    wanted.addresses = {{builders::address("192.0.2.11"), builders::prefix("192.0.2.0/24")},
                        {builders::address("198.51.100.1"), builders::prefix("198.51.100.0/24")}};
    wanted.mac = MacAddress{{2, 0, 0, 0, 0, 0x77}};
    wanted.mtu_bytes = 1300;
    tap.follow(wanted, notes_);
    EXPECT_TRUE(notes_.empty()) << notes_.front();
    EXPECT_EQ(tap.name(), "wan");
    EXPECT_EQ(::if_nametoindex("wan"), index);
    EXPECT_EQ(::if_nametoindex("tp-wan"), 0U);
    EXPECT_EQ(addresses_of("wan"), "198.51.100.1/24 192.0.2.11/24 ") << "in the kernel's order";
    const auto device = find_kernel_device({.kernel_name = "wan", .pci_address = {}, .mac = {}});
    ASSERT_TRUE(device.has_value());
    EXPECT_EQ(device->mac, wanted.mac);
    EXPECT_EQ(device->mtu_bytes, 1300);
    EXPECT_TRUE(run_command("ip route show 198.51.100.0/24 | grep 'dev wan.*metric 20000'"));
    EXPECT_TRUE(run_command("ip route show default | grep 'via 192.0.2.1 dev wan.*metric 20000'"));
    EXPECT_TRUE(run_command("ip route get 192.0.2.1 | grep 'src 192.0.2.11'"));
    EXPECT_TRUE(run_command("ip route get 203.0.113.1 | grep 'src 192.0.2.11'"));
    EXPECT_TRUE(run_command("ip route get 198.51.100.9 | grep 'src 198.51.100.1'"));
    tap.follow(request(), notes_);
    EXPECT_TRUE(notes_.empty()) << notes_.front();
    EXPECT_EQ(addresses_of("wan"), "192.0.2.10/24 ");
    EXPECT_FALSE(run_command("ip route show 198.51.100.0/24 | grep dev"));
    EXPECT_TRUE(run_command("ip route show 192.0.2.0/24 | grep 'dev wan.*metric 20000'"));
    EXPECT_TRUE(run_command("ip route show default | grep 'via 192.0.2.1 dev wan.*metric 20000'"));
}

// The kernel drops a network's other addresses with its first one unless it is told to keep them.
TEST_F(HostTapTest, AnAddressThatStaysOutlivesTheFirstOfItsNetwork) {
    for (const char* const keeps : {"1", "0"}) {
        HostTapRequest wanted = request();
        const InterfaceAddress stays{builders::address("192.0.2.11"),
                                     builders::prefix("192.0.2.0/24")};
        wanted.addresses.push_back(stays);
        HostTap tap = open(wanted);
        ASSERT_TRUE(run_command("grep -q 1 /proc/sys/net/ipv4/conf/wan/promote_secondaries"));
        ASSERT_TRUE(run_command(std::string{"echo "} + keeps +
                                " > /proc/sys/net/ipv4/conf/wan/promote_secondaries"));
        wanted.addresses = {stays};
        tap.follow(wanted, notes_);
        EXPECT_TRUE(notes_.empty()) << notes_.front();
        EXPECT_EQ(addresses_of("wan"), "192.0.2.11/24 ") << keeps;
        EXPECT_TRUE(run_command("ip route show default | grep 'via 192.0.2.1 dev wan'")) << keeps;
        EXPECT_TRUE(run_command("ip route show 192.0.2.0/24 | grep 'dev wan'")) << keeps;
    }
}

TEST_F(HostTapTest, ARouteMovesToAnotherTap) {
    HostTap wan = open();
    HostTapRequest lan{
        .interface_name = "lan",
        .mac = MacAddress{{2, 0, 0, 0, 0, 0x77}},
        .mtu_bytes = 1400,
        .addresses = {{builders::address("198.51.100.1"), builders::prefix("198.51.100.0/24")}},
        .routes = {}};
    HostTap other = open(lan);
    HostTapRequest without = request();
    without.routes.clear();
    lan.routes = {{builders::prefix("0.0.0.0/0"), builders::address("198.51.100.9")}};
    other.withdraw_routes(lan);
    wan.withdraw_routes(without);
    other.follow(lan, notes_);
    wan.follow(without, notes_);
    EXPECT_TRUE(notes_.empty()) << notes_.front();
    EXPECT_TRUE(run_command("ip route show default | grep 'via 198.51.100.9 dev lan'"));
    EXPECT_FALSE(run_command("ip route show default | grep 'dev wan'"));
}

TEST_F(HostTapTest, RefusesANameThatIsTooLong) {
    HostTapRequest wanted = request();
    wanted.interface_name = "sixteen-letters-";
    const auto tap = HostTap::open(wanted, *pool_, notes_);
    ASSERT_FALSE(tap.has_value());
    EXPECT_EQ(tap.error().exit_code, ExitCode::port_unavailable);
}

}  // namespace
}  // namespace towpath::port
