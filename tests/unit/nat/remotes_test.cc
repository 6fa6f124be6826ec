// SPDX-License-Identifier: BSD-3-Clause
// decisions.md N5: the remotes of a mapping that has sessions.
#include <gtest/gtest.h>

#include <map>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;

constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;

class Remotes : public testing::Test {
protected:
    void send(Protocol protocol, std::string_view remote, std::uint16_t remote_port,
              std::uint16_t port = 5000) {
        const Fields fields{.source = "10.0.0.1",
                            .source_port = port,
                            .destination = remote,
                            .destination_port = remote_port,
                            .tcp_flags = kTcpSyn};
        Frame frame = protocol == Protocol::tcp ? tcp(fields) : udp(fields);
        ASSERT_TRUE(rig.from_inside(frame).passed());
    }
    void answer(std::string_view remote, std::uint16_t remote_port, std::uint8_t flags) {
        Frame frame = tcp({.source = remote,
                           .source_port = remote_port,
                           .destination = "203.0.113.9",
                           .destination_port = 5000,
                           .tcp_flags = flags});
        ASSERT_TRUE(rig.from_outside(frame).passed());
    }
    // Every remote, a page of three at a time.
    std::map<Endpoint, RemoteView> remotes(Protocol protocol) {
        std::map<Endpoint, RemoteView> found;
        std::array<RemoteView, 3> page;
        std::uint32_t cursor = 0;
        do {
            const Page result = rig.states[0]->remotes(protocol, {address("10.0.0.1"), Port{5000}},
                                                       cursor, page, rig.now);
            EXPECT_LE(result.count, page.size());
            for (std::size_t row = 0; row < result.count; ++row) {
                EXPECT_TRUE(found.emplace(page[row].remote, page[row]).second);
            }
            cursor = result.cursor;
        } while (cursor != 0);
        return found;
    }
    static Endpoint endpoint(std::string_view text, std::uint16_t port) {
        return {address(text), Port{port}};
    }

    NatRig rig;
};

TEST_F(Remotes, ConnectionsWithTheirStateAndIdleTime) {
    for (std::uint16_t port = 1; port <= 10; ++port) {
        send(Protocol::tcp, "198.51.100.1", port);
        send(Protocol::tcp, "198.51.100.1", port, 6000);  // of another mapping
    }
    rig.advance(20s);
    answer("198.51.100.1", 2, kSynAck);
    rig.advance(5s);
    const auto found = remotes(Protocol::tcp);
    ASSERT_EQ(found.size(), 10U);
    EXPECT_EQ(rig.lookup(Protocol::tcp, "10.0.0.1", 5000)->sessions, 10U);
    EXPECT_EQ(found.at(endpoint("198.51.100.1", 1)).state, SessionState::init_inside);
    EXPECT_EQ(found.at(endpoint("198.51.100.1", 1)).idle_s, 25U);
    EXPECT_EQ(found.at(endpoint("198.51.100.1", 2)).state, SessionState::established);
    EXPECT_EQ(found.at(endpoint("198.51.100.1", 2)).idle_s, 5U);
}

TEST_F(Remotes, ThoseThatEndedAreGone) {
    send(Protocol::tcp, "198.51.100.1", 1);
    rig.advance(200s);
    send(Protocol::tcp, "198.51.100.1", 2);
    rig.advance(45s);
    const auto found = remotes(Protocol::tcp);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found.begin()->first, endpoint("198.51.100.1", 2));
}

TEST_F(Remotes, PermitsWhereTheFilterAsksForRemotes) {
    rig.policy.udp_filtering = Filtering::address_dependent;
    rig.publish();
    send(Protocol::udp, "198.51.100.1", 1);
    send(Protocol::udp, "198.51.100.1", 2);  // the same address
    send(Protocol::udp, "198.51.100.2", 2);
    const auto found = remotes(Protocol::udp);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found.at({address("198.51.100.1"), Port{}}).state, SessionState::permit);
}

TEST_F(Remotes, NoneWhereNothingTracksThem) {
    send(Protocol::udp, "198.51.100.1", 1);
    EXPECT_TRUE(remotes(Protocol::udp).empty());
    EXPECT_TRUE(remotes(Protocol::tcp).empty());  // no such mapping
}

// One call looks at a bounded part of the table, whatever it finds.
TEST_F(Remotes, AnEmptyPageGoesOn) {
    NatRig big{{.mappings = 16384, .sessions = 16384}};
    const auto connect = [&](std::string_view source, std::uint16_t port) {
        Frame frame = tcp({.source = source, .source_port = port, .tcp_flags = kTcpSyn});
        ASSERT_TRUE(big.from_inside(frame).passed());
    };
    for (std::uint16_t port = 1; port <= 5000; ++port) {
        connect("10.0.0.2", port);
    }
    connect("10.0.0.1", 5000);
    std::array<RemoteView, 3> page;
    const Endpoint inside{address("10.0.0.1"), Port{5000}};
    const Page first = big.states[0]->remotes(Protocol::tcp, inside, 0, page, big.now);
    EXPECT_EQ(first.count, 0U);
    ASSERT_NE(first.cursor, 0U);
    const Page second = big.states[0]->remotes(Protocol::tcp, inside, first.cursor, page, big.now);
    EXPECT_EQ(second.count, 1U);
    EXPECT_EQ(second.cursor, 0U);
}

}  // namespace
}  // namespace towpath::nat
