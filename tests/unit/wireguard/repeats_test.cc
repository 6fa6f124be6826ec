// SPDX-License-Identifier: BSD-3-Clause
// Packets of a burst that follow one with the same address are not asked about again; nobody gains
// by that: what is another session's, another tunnel's, forged or nobody's is judged for itself
// (wireguard.md sections 10 and 11, 17 #36).
#include <vector>

#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

constexpr InterfaceId kOtherTunnel{2};
constexpr PeerId kOther = 1;
constexpr std::uint32_t kOtherSlot = 5;

class RepeatsTest : public TunnelTest {
protected:
    // Another peer on both sides: near reaches it as 10.99.4.0/24, far knows it as 10.99.3.0/24.
    RepeatsTest() {
        connect();
        near.add_peer(kOther, {"10.99.4.0/24"}, "203.0.113.3:51820");
        far.add_peer(kOther, {"10.99.3.0/24"}, "192.0.2.1:51820");
        EXPECT_EQ(install(near, kOtherSlot, true, 0, kOther), InstallResult::installed);
        EXPECT_EQ(install(far, kOtherSlot, false, 0, kOther), InstallResult::installed);
    }
};

TEST_F(RepeatsTest, EverySourceIsJudgedInItsOwnSession) {
    struct Row {
        const char* what;
        Frame frame;
        Exit exit;
        bool is_forged = false;
    };
    constexpr Exit kIn{Lane::parse, DropReason::none};
    constexpr Exit kNotAllowed{Lane::drop, DropReason::admit_source_not_allowed};
    constexpr Exit kForged{Lane::drop, DropReason::tunnel_bad_tag};
    const auto of_peer = [](const char* source) { return inner(source, "10.99.2.5"); };
    const auto of_other = [](const char* source) { return inner(source, "10.99.4.5"); };
    const auto ipv6 = [](const char* source) { return inner_ipv6(source, "2001:db8:2::5"); };
    std::vector<Row> rows;
    rows.push_back({"its own", of_peer("10.99.1.5"), kIn});
    rows.push_back({"the same, forged", of_peer("10.99.1.5"), kForged, true});
    rows.push_back({"the same", of_peer("10.99.1.5"), kIn});
    rows.push_back({"the same of another peer", of_other("10.99.1.5"), kNotAllowed});
    rows.push_back({"and again", of_other("10.99.1.5"), kNotAllowed});
    rows.push_back({"the other's own", of_other("10.99.3.5"), kIn});
    rows.push_back({"that of the first", of_peer("10.99.3.5"), kNotAllowed});
    rows.push_back({"nobody's, forged", of_peer("10.99.9.9"), kForged, true});
    rows.push_back({"nobody's", of_peer("10.99.9.9"), kNotAllowed});
    rows.push_back({"and again", of_peer("10.99.9.9"), kNotAllowed});
    rows.push_back({"its own again", of_peer("10.99.1.5"), kIn});
    rows.push_back({"IPv6", ipv6("2001:db8:1::5"), kIn});
    rows.push_back({"IPv6 again", ipv6("2001:db8:1::5"), kIn});
    rows.push_back({"IPv6 of nobody", ipv6("2001:db8:9::5"), kNotAllowed});
    rows.push_back({"and again", ipv6("2001:db8:9::5"), kNotAllowed});
    rows.push_back({"IPv4 after IPv6", of_peer("10.99.1.5"), kIn});
    for (Row& row : rows) {
        ASSERT_EQ(near.seal(row.frame, now).lane, Lane::underlay) << row.what;
        travel(row.frame);
        if (row.is_forged) {
            row.frame.packet.bytes().back() ^= std::byte{1};
        }
    }
    far.batch.clear();
    for (Row& row : rows) {
        ASSERT_TRUE(far.batch.admit(row.frame.packet, Lane::open));
    }
    open_stage(*far.states[0], far.batch, now);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        EXPECT_EQ(Box::exit_of(far.batch, static_cast<PacketIndex>(row)), rows[row].exit)
            << row << ": " << rows[row].what;
    }
}

TEST_F(RepeatsTest, EveryDestinationIsLookedUpInItsOwnTunnel) {
    AllowedIps others{16, 64, near.quiescence};
    EXPECT_TRUE(others.insert(ip_prefix("10.99.2.0/24"), kOther).has_value());
    near.interfaces.count = 3;
    near.interfaces.storage[2] = near.interfaces.storage[1];
    near.interfaces.storage[2].id = kOtherTunnel;
    near.tunnels.storage[2] = near.tunnels.storage[1];
    near.tunnels.storage[2].allowed_ips = &others;
    struct Row {
        const char* destination;
        InterfaceId egress;
        std::uint32_t slot;  // 0: no peer
    };
    const std::vector<Row> rows{
        {"10.99.2.5", kTunnel, 1},          {"10.99.2.5", kOtherTunnel, kOtherSlot},
        {"10.99.2.5", kTunnel, 1},          {"10.99.2.5", kTunnel, 1},
        {"10.99.4.5", kOtherTunnel, 0},     {"10.99.4.5", kOtherTunnel, 0},
        {"10.99.4.5", kTunnel, kOtherSlot}, {"10.99.9.9", kTunnel, 0},
        {"10.99.9.9", kTunnel, 0},          {"10.99.2.5", kTunnel, 1}};
    std::vector<Frame> frames;
    near.batch.clear();
    for (const Row& row : rows) {
        frames.push_back(inner("10.99.1.5", row.destination));
        frames.back().packet.egress = row.egress;
        ASSERT_TRUE(near.batch.admit(frames.back().packet, Lane::seal));
    }
    seal_stage(*near.states[0], near.batch, now);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto index = static_cast<PacketIndex>(row);
        if (rows[row].slot == 0) {
            EXPECT_EQ(near.batch[index].verdict, DropReason::seal_no_peer) << row;
            continue;
        }
        ASSERT_EQ(Box::exit_of(near.batch, index).lane, Lane::underlay) << row;
        const Packet& packet = near.batch[index];
        const auto& header = packet.header<TransportHeader>(packet.l4 + sizeof(UdpHeader));
        EXPECT_EQ(header.receiver_index.host(), index_of(rows[row].slot)) << row;
    }
}

}  // namespace
}  // namespace towpath::wireguard
