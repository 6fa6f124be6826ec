// SPDX-License-Identifier: BSD-3-Clause
// Every bad datagram of wireguard.md section 17 that the open stage sees, by its number there.
#include <functional>

#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

class OpenRefusalTest : public TunnelTest {
protected:
    static constexpr Exit dropped(DropReason reason) { return {Lane::drop, reason}; }

    OpenRefusalTest() { connect(); }

    // A datagram to the far side with any payload.
    static Frame datagram(std::span<const std::uint8_t> payload,
                          std::string_view source = "192.0.2.1") {
        Frame frame = builders::udp({.source = source,
                                     .source_port = 51820,
                                     .destination = "198.51.100.1",
                                     .destination_port = kListenPort.number(),
                                     .payload_bytes = payload.size()});
        std::ranges::copy(std::as_bytes(payload), frame.transport().begin() + 8);
        frame.packet.source_port = Port{frame.udp().source_port};
        frame.packet.destination_port = Port{frame.udp().destination_port};
        return frame;
    }
    static Frame datagram(std::uint32_t type, std::size_t length_bytes) {
        std::vector<std::uint8_t> payload(length_bytes);
        const std::array<std::uint8_t, 4> word{
            static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(type >> 8U),
            static_cast<std::uint8_t>(type >> 16U), static_cast<std::uint8_t>(type >> 24U)};
        std::copy_n(word.begin(), std::min(word.size(), length_bytes), payload.begin());
        return datagram(payload);
    }
    Exit open_at_far(Frame frame) { return far.open(frame, now); }

    static TransportHeader& header_of(Frame& frame) {
        return frame.packet.header<TransportHeader>(frame.packet.l4 + sizeof(UdpHeader));
    }
    // An authentic datagram around any bytes, sealed with far's receiving key.
    Frame around(std::span<const std::byte> inner, std::uint64_t counter) {
        std::vector<std::uint8_t> payload(kTransportLength_min_bytes + inner.size());
        Frame frame = datagram(payload);
        TransportHeader& header = header_of(frame);
        header = {type_word(MessageType::transport_data), le32{index_of(1)}, le64{counter}};
        std::byte* const data =
            frame.packet.data() + frame.packet.l4 + sizeof(UdpHeader) + sizeof(TransportHeader);
        std::copy(inner.begin(), inner.end(), data);
        const crypto::AeadPacket packet{data, &far.session(1).receive_key, counter,
                                        static_cast<std::uint32_t>(inner.size())};
        near.states[0]->aead.seal_batch({&packet, 1});
        return frame;
    }
    // Nothing of the peer has changed.
    void expect_untouched(const std::function<void()>& body) {
        const PeerEndpoint endpoint_before = far.peer().endpoint.read();
        const std::uint64_t bytes_before = far.peer().received_bytes.load();
        const Now received_before = far.peer().received_at.at();
        const std::uint64_t slots_before = far.peer().slots.load().word();
        body();
        EXPECT_EQ(far.peer().endpoint.read().remote, endpoint_before.remote);
        EXPECT_EQ(far.peer().received_bytes.load(), bytes_before);
        EXPECT_EQ(far.peer().received_at.at(), received_before);
        EXPECT_EQ(far.peer().slots.load().word(), slots_before);
        EXPECT_TRUE(far.events().empty());
    }
};

TEST_F(OpenRefusalTest, Number1To5MalformedMessages) {
    expect_untouched([&] {
        now += std::chrono::seconds{1};
        // #1: below four bytes.
        for (const std::size_t length_bytes : {0U, 1U, 3U}) {
            EXPECT_EQ(open_at_far(datagram(4, length_bytes)),
                      dropped(DropReason::tunnel_malformed));
        }
        // #3: other types, and bytes that must be zero.
        for (const std::uint32_t type : {0U, 5U, 255U, 0x104U, 0x1000004U}) {
            EXPECT_EQ(open_at_far(datagram(type, 64)), dropped(DropReason::tunnel_malformed));
        }
        // #4: handshake messages of another length; #5: data below 32 bytes.
        for (const auto& [type, length] : {std::pair{1U, 147U},
                                           {1U, 149U},
                                           {2U, 91U},
                                           {2U, 93U},
                                           {3U, 63U},
                                           {3U, 65U},
                                           {1U, 32U},
                                           {4U, 31U},
                                           {4U, 4U}}) {
            EXPECT_EQ(open_at_far(datagram(type, length)), dropped(DropReason::tunnel_malformed))
                << type << " " << length;
        }
    });
}

TEST_F(OpenRefusalTest, Number2UdpLengthThatLies) {
    for (const int length_bytes : {0, 7, 8 + 33, 0xFFFF}) {
        Frame frame = datagram(4, 32);
        frame.udp().length_bytes = be16{static_cast<std::uint16_t>(length_bytes)};
        EXPECT_EQ(open_at_far(std::move(frame)), dropped(DropReason::tunnel_malformed))
            << length_bytes;
    }
}

// #46.
TEST_F(OpenRefusalTest, Number46LongerThanAnyBuffer) {
    EXPECT_EQ(open_at_far(datagram(4, crypto::kAeadLength_max + 64)),
              dropped(DropReason::tunnel_malformed));
}

TEST_F(OpenRefusalTest, TrimsToTheUdpLength) {
    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
    frame.packet.length = static_cast<std::uint16_t>(frame.packet.length + 3);
    EXPECT_EQ(open_at_far(std::move(frame)).lane, Lane::parse);
}

TEST_F(OpenRefusalTest, Number25UnknownIndex) {
    expect_untouched([&] {
        for (const std::uint32_t index :
             {index_of(2), index_of(1, 1), index_of(255), index_of(100'000), 0U, 0xFFFFFFFFU}) {
            Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
            header_of(frame).receiver_index = le32{index};
            EXPECT_EQ(open_at_far(std::move(frame)), dropped(DropReason::tunnel_unknown_index));
        }
        // The index of another tunnel's session.
        Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
        frame.packet.destination_port = Port{std::uint16_t{51821}};
        EXPECT_EQ(open_at_far(std::move(frame)), dropped(DropReason::tunnel_unknown_index));
    });
}

TEST_F(OpenRefusalTest, Number26ExpiredOrInvalidKey) {
    Frame in_time = sealed(inner("10.99.1.5", "10.99.2.5"));
    Frame late = sealed(inner("10.99.1.5", "10.99.2.5"));
    now += kRejectAfterTime - Duration{1};
    EXPECT_EQ(open_at_far(std::move(in_time)).lane, Lane::parse);
    now += Duration{1};
    EXPECT_EQ(open_at_far(std::move(late)), dropped(DropReason::tunnel_session_expired));
    EXPECT_FALSE(far.session(1).may_receive.load());
}

TEST_F(OpenRefusalTest, Number27BadTag) {
    expect_untouched([&] {
        now += std::chrono::seconds{1};
        Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
        frame.bytes().back() ^= std::byte{1};
        travel(frame, "203.0.113.66:1");
        EXPECT_EQ(open_at_far(std::move(frame)), dropped(DropReason::tunnel_bad_tag));
        Frame forged = around({}, 500);
        header_of(forged).counter = le64{501};
        EXPECT_EQ(open_at_far(std::move(forged)), dropped(DropReason::tunnel_bad_tag));
        // The counter that was claimed is still free: nothing was committed.
    });
    EXPECT_EQ(open_at_far(around({}, 501)).lane, Lane::absorb);
}

TEST_F(OpenRefusalTest, Number28CounterBeyondTheLast) {
    expect_untouched([&] {
        for (const std::uint64_t counter : {kRejectAfterMessages, ~std::uint64_t{0}}) {
            EXPECT_EQ(open_at_far(around({}, counter)),
                      dropped(DropReason::tunnel_counter_exhausted));
        }
    });
    EXPECT_EQ(open_at_far(around({}, kRejectAfterMessages - 1)).lane, Lane::absorb);  // #30
}

TEST_F(OpenRefusalTest, Number29DuplicatesAndOldCounters) {
    ASSERT_EQ(open_at_far(around({}, 10'000)).lane, Lane::absorb);
    expect_untouched([&] {
        now += std::chrono::seconds{1};
        for (const std::uint64_t counter :
             {std::uint64_t{10'000}, 10'000 - ReplayWindow::kReach - 1}) {
            Frame frame = around({}, counter);
            travel(frame, "203.0.113.66:1");
            EXPECT_EQ(open_at_far(std::move(frame)), dropped(DropReason::tunnel_replay));
        }
    });
    EXPECT_EQ(open_at_far(around({}, 10'000 - ReplayWindow::kReach)).lane, Lane::absorb);
}

// #29 within one burst: both copies pass the early test, one is committed.
TEST_F(OpenRefusalTest, Number29DuplicateInOneBurst) {
    Frame first = around({}, 77);
    Frame second = around({}, 77);
    far.batch.clear();
    ASSERT_TRUE(far.batch.admit(first.packet, Lane::open));
    ASSERT_TRUE(far.batch.admit(second.packet, Lane::open));
    open_stage(*far.states[0], far.batch, now);
    EXPECT_EQ(Box::exit_of(far.batch, 0).lane, Lane::absorb);
    EXPECT_EQ(Box::exit_of(far.batch, 1), dropped(DropReason::tunnel_replay));
}

TEST_F(OpenRefusalTest, Number32Keepalive) {
    const std::uint64_t before = far.peer().received_bytes.load();
    EXPECT_EQ(open_at_far(around({}, 99)).lane, Lane::absorb);
    EXPECT_EQ(far.peer().received_bytes.load(), before + 32);
    EXPECT_EQ(far.states[0]->counters.keepalives_received.value(), 1U);
}

// #33, #34, #36: refused after authentication, so the session's effects stand and nothing counts as
// the peer's traffic.
TEST_F(OpenRefusalTest, Number33To36InnerPackets) {
    std::uint64_t counter = 1000;
    const auto expect = [&](std::span<const std::byte> bytes, DropReason reason) {
        now += std::chrono::seconds{1};
        const std::uint64_t before = far.peer().received_bytes.load();
        Frame frame = around(bytes, counter);
        travel(frame, "203.0.113.7:" + std::to_string(counter++));
        EXPECT_EQ(open_at_far(std::move(frame)), dropped(reason)) << bytes.size();
        EXPECT_EQ(far.peer().received_bytes.load(), before);
        EXPECT_EQ(far.peer().received_at.at(), now);
        EXPECT_EQ(far.peer().endpoint.read().remote.port.number(), counter - 1);  // it roamed
    };
    std::vector<std::byte> ipv4 = inner_bytes(inner("10.99.1.5", "10.99.2.5", 12));  // 40 bytes
    std::vector<std::byte> ipv6 = inner_bytes(inner_ipv6("2001:db8:1::5", "2001:db8:2::5", 8));
    // #33
    for (const std::size_t length_bytes : {1U, 15U, 19U}) {
        expect(std::span{ipv4}.first(length_bytes), DropReason::tunnel_not_ip);
    }
    expect(std::span{ipv6}.first(39), DropReason::tunnel_not_ip);
    for (const int version : {0, 5, 7, 15}) {
        std::vector<std::byte> other = ipv4;
        other[0] = static_cast<std::byte>(version << 4 | 5);
        expect(other, DropReason::tunnel_not_ip);
    }
    // #34
    for (const int total : {0, 19, 41, 0xFFFF}) {
        std::vector<std::byte> other = ipv4;
        other[2] = static_cast<std::byte>(total >> 8);
        other[3] = static_cast<std::byte>(total);
        expect(other, DropReason::tunnel_inner_length);
    }
    expect(std::span{ipv6}.first(47), DropReason::tunnel_inner_length);
    // #36: another peer's, and nobody's.
    far.add_peer(9, {"10.99.1.128/25"});
    for (const char* source : {"10.99.1.200", "10.99.9.9"}) {
        expect(inner_bytes(inner(source, "10.99.2.5")), DropReason::admit_source_not_allowed);
    }
    expect(inner_bytes(inner_ipv6("2001:db8:9::5", "2001:db8:2::5")),
           DropReason::admit_source_not_allowed);
}

// #35: what is behind the inner packet is not looked at.
TEST_F(OpenRefusalTest, Number35PaddingIsTrimmed) {
    const std::vector<std::byte> packet = inner_bytes(inner("10.99.1.5", "10.99.2.5", 12));
    std::vector<std::byte> padded = packet;
    padded.resize(packet.size() + 200, std::byte{0xA5});
    Frame frame = around(padded, 3000);
    ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
    EXPECT_EQ(inner_bytes(frame), packet);
}

TEST_F(OpenRefusalTest, TunnelThatIsDown) {
    far.interfaces.storage[1].is_up = false;
    expect_untouched([&] {
        EXPECT_EQ(open_at_far(sealed(inner("10.99.1.5", "10.99.2.5"))),
                  dropped(DropReason::tunnel_down));
        EXPECT_EQ(open_at_far(datagram(1, 148)), dropped(DropReason::tunnel_down));
    });
}

}  // namespace
}  // namespace towpath::wireguard
