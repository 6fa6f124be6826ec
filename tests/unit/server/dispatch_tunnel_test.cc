// SPDX-License-Identifier: BSD-3-Clause
// What the data plane answers to messages about tunnels: peers come as whole transactions, sessions
// once, and what workers have for control goes up unasked.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch.h"
#include "tests/builders/fake_engine.h"

namespace towpath::server {
namespace {

using namespace contract;

class DispatchTunnel : public ::testing::Test {
protected:
    DispatchTunnel() {
        Start start;
        start.settings.port_count = 2;
        start.settings.tunnel_count = 1;
        start.settings.tunnels[0].name.set("wg0");
        start.settings.peers = 4;
        send(HelloControl{});
        EXPECT_EQ(take<HelloDataplane>().index_key, engine_.index_key());
        send(start);
        take<Started>();
    }

    template <class M>
    void send(const M& message) {
        const auto bytes = bytes_of(message);
        std::memcpy(buffer_.bytes.data(), bytes.data(), bytes.size());
        dispatcher_.handle(client_, std::span{buffer_.bytes}.first(bytes.size()), sink());
    }
    Send sink() {
        return [this](std::span<const std::byte> bytes) {
            auto copy = std::make_unique<MessageBuffer>();
            std::memcpy(copy->bytes.data(), bytes.data(), bytes.size());
            EXPECT_TRUE(decode_upward(std::span{copy->bytes}.first(bytes.size())).has_value());
            sent_.push_back(std::move(copy));
        };
    }
    template <class M>
    M take() {
        EXPECT_FALSE(sent_.empty());
        M message;
        if (!sent_.empty()) {
            std::memcpy(&message, sent_.front()->bytes.data(), sizeof(message));
            EXPECT_EQ(message.header.type, M::kType);
            sent_.erase(sent_.begin());
        }
        return message;
    }
    static PeerSet peer(std::uint32_t number) {
        PeerSet set;
        set.peer = number;
        set.tunnel = 2;
        return set;
    }
    static PeerPrefixChunk prefixes(std::uint32_t number, std::uint32_t total, std::uint32_t offset,
                                    std::initializer_list<const char*> texts) {
        PeerPrefixChunk chunk;
        chunk.peer = number;
        chunk.part = {total, offset, static_cast<std::uint32_t>(texts.size()), 0};
        std::size_t entry = 0;
        for (const char* text : texts) {
            chunk.entries[entry++] = IpPrefixField::of(*parse_ip_prefix(text));
        }
        return chunk;
    }
    static PeersCommit commit(std::uint64_t number) {
        PeersCommit message;
        message.number = number;
        return message;
    }

    FakeEngine engine_;
    Dispatcher dispatcher_{{"test", 77}, engine_};
    Client client_;
    MessageBuffer buffer_;
    std::vector<std::unique_ptr<MessageBuffer>> sent_;
};

TEST_F(DispatchTunnel, ATransactionIsAppliedAsAWhole) {
    PeersBegin begin;
    begin.is_whole = 1;
    send(begin);
    send(peer(0));
    send(prefixes(0, 3, 0, {"10.0.0.0/8", "2001:db8::/32"}));
    send(prefixes(0, 3, 2, {"192.0.2.1/32"}));
    send(peer(1));
    EXPECT_TRUE(engine_.fake_tunnels.transactions.empty());
    send(commit(9));
    const auto applied = take<PeersApplied>();
    EXPECT_EQ(applied.number, 9U);
    EXPECT_EQ(applied.peers, 2U);
    ASSERT_EQ(engine_.fake_tunnels.transactions.size(), 1U);
    const PeersTransaction& transaction = engine_.fake_tunnels.transactions[0];
    EXPECT_TRUE(transaction.is_whole);
    ASSERT_EQ(transaction.changes.size(), 2U);
    EXPECT_EQ(transaction.changes[0].allowed_ips.size(), 3U);
    EXPECT_EQ(to_string(transaction.changes[0].allowed_ips[2]), "192.0.2.1/32");
    EXPECT_TRUE(transaction.changes[1].allowed_ips.empty());
}

TEST_F(DispatchTunnel, ARefusedPeerRefusesItsTransaction) {
    send(PeersBegin{});
    send(peer(0));
    send(peer(4));  // one past what the data plane was started for
    EXPECT_NE(take<Refused>().sentence.view().find("restart needed"), std::string_view::npos);
    send(commit(1));
    EXPECT_EQ(take<Refused>().what, MessageType::peers_commit);
    EXPECT_TRUE(engine_.fake_tunnels.transactions.empty());
}

TEST_F(DispatchTunnel, AllowedIpsMustContinueTheirPeer) {
    send(peer(0));  // nothing was begun
    EXPECT_EQ(take<Refused>().what, MessageType::peer_set);

    send(PeersBegin{});
    send(peer(0));
    send(prefixes(1, 1, 0, {"10.0.0.0/8"}));
    EXPECT_EQ(take<Refused>().what, MessageType::peer_prefix_chunk);

    send(PeersBegin{});
    send(peer(0));
    send(prefixes(0, 2, 1, {"10.0.0.0/8"}));
    EXPECT_EQ(take<Refused>().what, MessageType::peer_prefix_chunk);

    send(PeersBegin{});
    send(peer(0));
    send(prefixes(0, 2, 0, {"10.0.0.0/8"}));
    send(commit(1));  // the list is unfinished
    EXPECT_EQ(take<Refused>().what, MessageType::peers_commit);
    EXPECT_TRUE(engine_.fake_tunnels.transactions.empty());
}

TEST_F(DispatchTunnel, APeerNeedsATunnel) {
    PeerSet set = peer(0);
    set.tunnel = 1;  // a port
    send(PeersBegin{});
    send(set);
    EXPECT_EQ(take<Refused>().what, MessageType::peer_set);
    set.tunnel = 3;  // nothing
    send(PeersBegin{});
    send(set);
    EXPECT_EQ(take<Refused>().what, MessageType::peer_set);
}

TEST_F(DispatchTunnel, TunnelSetIsForTunnels) {
    TunnelSet set;
    set.id = 1;
    send(set);
    EXPECT_EQ(take<Refused>().what, MessageType::tunnel_set);
    set.id = 2;
    set.listen_port = 51820;
    Commit publish;
    publish.generation = 1;
    send(publish);  // spoiled
    take<Refused>();
    send(set);
    publish.generation = 2;
    send(publish);
    take<Applied>();
    ASSERT_EQ(engine_.published.size(), 1U);
    EXPECT_EQ(engine_.published[0].second.tunnels[0].listen_port, 51820);
}

TEST_F(DispatchTunnel, ASessionIsAcknowledgedOrRefused) {
    SessionInstall install;
    install.peer = 1;
    install.index = 0xABCD;
    send(install);
    EXPECT_EQ(take<SessionInstalled>().index, 0xABCDU);
    engine_.fake_tunnels.failure = {ExitCode::failed, "the index is known"};
    send(install);
    EXPECT_EQ(take<Refused>().sentence.view(), "the index is known");
    EXPECT_EQ(engine_.fake_tunnels.installed.size(), 1U);
}

TEST_F(DispatchTunnel, PagesAreAnswered) {
    engine_.fake_tunnels.peer_rows.resize(3);
    engine_.fake_tunnels.peer_rows[2].peer = 3;
    PeersQuery peers;
    send(peers);
    const auto first = take<PeersReply>();
    EXPECT_EQ(first.count, 2U);
    peers.cursor = first.next_cursor;
    send(peers);
    const auto last = take<PeersReply>();
    EXPECT_EQ(last.rows[0].peer, 3U);
    EXPECT_EQ(last.next_cursor, 0U);
    engine_.fake_tunnels.session_rows.resize(1);
    engine_.fake_tunnels.session_rows[0].index = 9;
    send(SessionsQuery{});
    EXPECT_EQ(take<SessionsReply>().rows[0].index, 9U);
}

TEST_F(DispatchTunnel, WhatWorkersHaveGoesUpInBoundedBatches) {
    engine_.fake_tunnels.handshakes.resize(kHandshakesPerBatch + 3);
    engine_.fake_tunnels.events.resize(2);
    dispatcher_.push(client_, sink());
    EXPECT_EQ(take<TunnelEvents>().count, 2U);
    const auto first = take<HandshakesReceived>();
    EXPECT_EQ(first.count, kHandshakesPerBatch);
    EXPECT_EQ(first.waiting, 3U);
    EXPECT_EQ(take<HandshakesReceived>().count, 3U);
    EXPECT_TRUE(sent_.empty());
}

TEST_F(DispatchTunnel, HandshakesAndEndsArePassedOn) {
    HandshakeSend handshake;
    handshake.length = 148;
    send(handshake);
    SessionsEnd end;
    end.peer = 3;
    end.end = SessionEnd::stop_sending;
    send(end);
    EXPECT_TRUE(sent_.empty());  // neither is answered
    ASSERT_EQ(engine_.fake_tunnels.sent.size(), 1U);
    ASSERT_EQ(engine_.fake_tunnels.ended.size(), 1U);
    EXPECT_EQ(engine_.fake_tunnels.ended[0].peer, 3U);
}

}  // namespace
}  // namespace towpath::server
