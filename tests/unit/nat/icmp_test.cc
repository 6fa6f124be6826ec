// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors through both stages: RFC 5508, nat-behaviour.md section 9, vectors 27.4
// and 27.5.
#include <gtest/gtest.h>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;
using Exit = NatRig::Exit;

Frame from_hex(std::string_view hex) {
    std::vector<std::byte> bytes;
    std::string digits;
    for (const char character : hex) {
        if (character == ' ') {
            continue;
        }
        digits += character;
        if (digits.size() == 2) {
            bytes.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
            digits.clear();
        }
    }
    Frame frame{14 + bytes.size()};
    frame.packet.l3 = 14;
    frame.packet.l4 = 34;
    std::memcpy(frame.bytes().data() + 14, bytes.data(), bytes.size());
    return frame;
}
std::vector<std::byte> l3_bytes(Frame& frame) {
    const auto bytes = frame.bytes().subspan(14);
    return {bytes.begin(), bytes.end()};
}

class IcmpError : public testing::Test {
protected:
    // 10.0.0.1:5000 has spoken to 198.51.100.1:443 by UDP.
    void SetUp() override {
        Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
        ASSERT_TRUE(rig.from_inside(sent).passed());
        about = std::make_unique<Frame>(std::move(sent));
    }
    Frame error(IcmpType type = IcmpType::destination_unreachable,
                std::uint8_t code = kIcmpPortUnreachable, std::uint16_t mtu_bytes = 0) {
        return icmp_error({.source = "192.0.2.99", .destination = "203.0.113.9"}, *about, type,
                          code, mtu_bytes);
    }
    // The error after `change` with every checksum right again but those it breaks itself.
    template <class Change>
    DropReason refused(const Change& change, bool seals_inner = true) {
        Frame frame = error();
        auto& inner = frame.packet.header<Ipv4Header>(frame.packet.l4 + 8U);
        change(frame, inner);
        if (seals_inner) {
            inner.checksum = be16{};
            inner.checksum = full_checksum(frame.transport().subspan(8, 20));
        }
        frame.seal_transport();
        return rig.from_outside(frame).reason;
    }

    NatRig rig;
    std::unique_ptr<Frame> about;
};

TEST_F(IcmpError, Vector27_4_FragmentationNeededAboutUdp) {
    NatRig vector_rig;
    Frame first = udp({.source = "10.20.30.40", .source_port = 41641});
    vector_rig.policy.port_first = 50002;  // the vector's outside port
    vector_rig.policy.port_last = 50002;
    vector_rig.publish();
    ASSERT_TRUE(vector_rig.from_inside(first).passed());
    ASSERT_EQ(first.packet.source_port, Port{50002});
    Frame frame = from_hex(
        "45000038 0abc0000 3a010ece c63364fe cb007109 0304a7f2 00000578 45000024 1c464000 3e11ba3e"
        "cb007109 c6336407 c3520d96 00107e98");
    ASSERT_TRUE(vector_rig.from_outside(frame).passed());
    // The vector has TTL 57: who transmits takes one off, and 0x0100 on to the header checksum.
    Frame after = from_hex(
        "45000038 0abc0000 3a01229c c63364fe 0a141e28 03049424 00000578 45000024 1c464000 3e11ce0c"
        "0a141e28 c6336407 a2a90d96 0010b30f");
    EXPECT_EQ(l3_bytes(frame), l3_bytes(after));
    EXPECT_EQ(frame.packet.egress, kLan);
}

TEST_F(IcmpError, Vector27_5_TimeExceededAboutTcp) {
    NatRig vector_rig;
    Frame first = tcp({.source = "10.20.30.40",
                       .source_port = 38000,
                       .destination = "198.51.100.7",
                       .tcp_flags = kTcpSyn});
    vector_rig.policy.port_first = 50004;
    vector_rig.policy.port_last = 50004;
    vector_rig.publish();
    ASSERT_TRUE(vector_rig.from_inside(first).passed());
    Frame frame = from_hex(
        "45000038 0abd0000 3c0175fd c0000201 cb007109 0b002bea 00000000 4500003c 77aa4000 01069bcd"
        "cb007109 c6336407 c35401bb 01020304");
    ASSERT_TRUE(vector_rig.from_outside(frame).passed());
    Frame after = from_hex(
        "45000038 0abd0000 3c0189cb c0000201 0a141e28 0b005ace 00000000 4500003c 77aa4000 0106af9b"
        "0a141e28 c6336407 947001bb 01020304");
    EXPECT_EQ(l3_bytes(frame), l3_bytes(after));
}

TEST_F(IcmpError, I04_RestoresTheEmbeddedPacket) {
    Frame frame = error();
    ASSERT_TRUE(rig.from_outside(frame).passed());
    const auto& inner = frame.packet.header<Ipv4Header>(frame.packet.l4 + 8U);
    EXPECT_EQ(inner.source, address("10.0.0.1").wire());
    EXPECT_EQ(frame.ipv4().destination, inner.source);
    EXPECT_TRUE(checksums_are_valid(frame));
    EXPECT_TRUE(checksum_is_valid(frame.transport().subspan(8, 20)));
}

TEST_F(IcmpError, U12a_AnyRouterMayReport) {
    Frame frame = icmp_error({.source = "192.0.2.200", .destination = "203.0.113.9"}, *about,
                             IcmpType::time_exceeded, 0);
    EXPECT_TRUE(rig.from_outside(frame).passed());
}

TEST_F(IcmpError, U12b_EveryCodeOfType3Passes) {
    for (std::uint8_t code = 0; code <= 15; ++code) {
        rig.now += 2s;  // the mapping's budget of errors
        Frame frame = error(IcmpType::destination_unreachable, code,
                            code == kIcmpFragmentationNeeded ? 1400 : 0);
        ASSERT_TRUE(rig.from_outside(frame).passed()) << int{code};
        EXPECT_EQ(frame.icmp().code, code);
        EXPECT_EQ(frame.icmp().sequence,
                  be16{code == kIcmpFragmentationNeeded ? std::uint16_t{1400} : std::uint16_t{0}});
    }
}

TEST_F(IcmpError, I06_NeitherRefreshesNorEndsAMapping) {  // U-12, T-10
    for (int second = 0; second < 121; ++second) {
        rig.advance(1s);
        Frame frame = error();
        if (second < 119) {
            ASSERT_TRUE(rig.from_outside(frame).passed());
        }
    }
    rig.advance(2s);
    Frame late = error();
    EXPECT_EQ(rig.from_outside(late), (Exit{Lane::drop, DropReason::icmp_error_no_mapping}));
}

TEST_F(IcmpError, OutboundNamesTheMappingAndHidesTheReporter) {  // I-05
    Frame inbound = udp({.source = "198.51.100.1",
                         .source_port = 443,
                         .destination = "203.0.113.9",
                         .destination_port = 5000});
    ASSERT_TRUE(rig.from_outside(inbound).passed());
    Frame frame = icmp_error({.source = "10.0.0.254", .destination = "198.51.100.1"}, inbound,
                             IcmpType::destination_unreachable, kIcmpPortUnreachable);
    ASSERT_TRUE(rig.from_inside(frame).passed());
    const auto& inner = frame.packet.header<Ipv4Header>(frame.packet.l4 + 8U);
    EXPECT_EQ(frame.ipv4().source, address("203.0.113.9").wire());
    EXPECT_EQ(frame.ipv4().destination, address("198.51.100.1").wire());
    EXPECT_EQ(inner.destination, address("203.0.113.9").wire());
    EXPECT_EQ(frame.packet.header<UdpHeader>(frame.packet.l4 + 28U).destination_port, be16{5000});
    EXPECT_TRUE(checksums_are_valid(frame));
    EXPECT_TRUE(checksum_is_valid(frame.transport().subspan(8, 20)));
}

TEST_F(IcmpError, I05_OutboundWithoutMappingIsDropped) {
    Frame other = udp({.source = "198.51.100.1", .destination = "10.0.0.77"});
    Frame frame = icmp_error({.source = "10.0.0.77", .destination = "198.51.100.1"}, other,
                             IcmpType::destination_unreachable, kIcmpPortUnreachable);
    EXPECT_EQ(rig.from_inside(frame), (Exit{Lane::drop, DropReason::icmp_error_no_mapping}));
}

TEST_F(IcmpError, BadIcmp11_OuterDestinationIsNotTheEmbeddedSource) {
    NatRig two{{.pool = {"203.0.113.9", "203.0.113.10"}}};
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(two.from_inside(sent).passed());
    const bool is_ten = sent.ipv4().source == address("203.0.113.10").wire();
    Frame frame =
        icmp_error({.source = "192.0.2.99", .destination = is_ten ? "203.0.113.9" : "203.0.113.10"},
                   sent, IcmpType::time_exceeded, 0);
    EXPECT_EQ(two.from_outside(frame).reason, DropReason::icmp_error_destination_mismatch);
}

TEST_F(IcmpError, BadIcmp12_NoMapping) {
    EXPECT_EQ(refused([](Frame& frame, Ipv4Header&) {
                  frame.packet.header<UdpHeader>(frame.packet.l4 + 28U).source_port = be16{5001};
              }),
              DropReason::icmp_error_no_mapping);
}

TEST_F(IcmpError, BadIcmp13_14_FilterAppliesToTheEmbeddedRemote) {
    EXPECT_EQ(
        refused([](Frame&, Ipv4Header& inner) { inner.destination = address("192.0.2.5").wire(); }),
        DropReason::none);  // endpoint independent: anyone may have been meant
    rig.policy.udp_filtering = Filtering::address_and_port_dependent;
    rig.publish();
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());  // creates the session
    EXPECT_EQ(refused([](Frame&, Ipv4Header&) {}), DropReason::none);
    EXPECT_EQ(
        refused([](Frame&, Ipv4Header& inner) { inner.destination = address("192.0.2.5").wire(); }),
        DropReason::icmp_error_filtered);
}

TEST_F(IcmpError, BadIcmp21_RateIsLimitedPerMapping) {
    int passed = 0;
    for (int count = 0; count < 50; ++count) {
        Frame frame = error();
        const Exit exit = rig.from_outside(frame);
        passed += exit.passed() ? 1 : 0;
        EXPECT_TRUE(exit.passed() || exit.reason == DropReason::icmp_error_rate);
    }
    EXPECT_EQ(passed, 20);
    Frame too_big = error(IcmpType::destination_unreachable, kIcmpFragmentationNeeded, 1280);
    EXPECT_TRUE(rig.from_outside(too_big).passed());  // has its own budget
    rig.now += 1s;
    Frame again = error();
    EXPECT_TRUE(rig.from_outside(again).passed());
}

// What parse refuses before: the NAT's own reading holds as well, whoever calls it.
class EmbeddedCheck : public IcmpError {
protected:
    template <class Change>
    DropReason stage_refuses(const Change& change, bool seals_inner = true) {
        Frame frame = error();
        frame.packet.transport = TransportKind::icmp_error;
        frame.packet.ingress = kWan;
        auto& inner = frame.packet.header<Ipv4Header>(frame.packet.l4 + 8U);
        change(frame, inner);
        if (seals_inner) {
            inner.checksum = be16{};
            inner.checksum = full_checksum(frame.transport().subspan(8, 20));
        }
        frame.seal_transport();
        Batch batch;
        EXPECT_TRUE(batch.admit(frame.packet, Lane::nat_inbound));
        nat_inbound_stage(*rig.states[0], batch, rig.now);
        return batch[0].verdict;
    }
};

TEST_F(EmbeddedCheck, RefusesWhatCannotBeRead) {
    using Reason = DropReason;
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header& inner) { inner.version_and_ihl = 0x65; }),
              Reason::icmp_error_bad_embedded);  // BAD-ICMP-03
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header& inner) { inner.version_and_ihl = 0x44; }),
              Reason::icmp_error_bad_embedded);  // BAD-ICMP-04
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header& inner) { inner.version_and_ihl = 0x4F; }),
              Reason::icmp_error_bad_embedded);  // its total length is below that header
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header& inner) {
                  inner.total_length_bytes = be16{std::uint16_t{27}};
              }),
              Reason::icmp_error_bad_embedded);  // BAD-ICMP-05
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header& inner) {
                  inner.flags_and_offset = be16{std::uint16_t{1}};
              }),
              Reason::icmp_error_embedded_fragment);  // BAD-ICMP-07
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header& inner) { inner.protocol = 47; }),
              Reason::icmp_error_embedded_protocol);  // BAD-ICMP-09
    EXPECT_EQ(stage_refuses([](Frame& frame, Ipv4Header& inner) {
                  inner.protocol = 1;
                  frame.transport()[28] = std::byte{3};
              }),
              Reason::icmp_error_embedded_error);  // BAD-ICMP-08
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header& inner) { inner.ttl ^= 1U; }, false),
              Reason::icmp_error_embedded_checksum);  // BAD-ICMP-10
    EXPECT_EQ(stage_refuses([](Frame& frame, Ipv4Header&) {
                  frame.icmp().code = kIcmpFragmentationNeeded;
                  frame.icmp().sequence = be16{std::uint16_t{67}};
              }),
              Reason::icmp_error_mtu_bogus);  // BAD-ICMP-16
    EXPECT_EQ(stage_refuses([](Frame& frame, Ipv4Header&) { frame.packet.length -= 1; }),
              Reason::icmp_error_truncated);  // BAD-ICMP-02
    EXPECT_EQ(stage_refuses(
                  [](Frame& frame, Ipv4Header&) { frame.packet.fragment = FragmentKind::first; }),
              Reason::icmp_error_fragmented);  // BAD-ICMP-17
    EXPECT_EQ(stage_refuses([](Frame&, Ipv4Header&) {}), Reason::none);
}

TEST_F(EmbeddedCheck, BadIcmp01_WrongIcmpChecksum) {
    Frame frame = error();
    frame.packet.transport = TransportKind::icmp_error;
    frame.icmp().checksum = be16{static_cast<std::uint16_t>(frame.icmp().checksum.host() ^ 1U)};
    Batch batch;
    ASSERT_TRUE(batch.admit(frame.packet, Lane::nat_inbound));
    nat_inbound_stage(*rig.states[0], batch, rig.now);
    EXPECT_EQ(batch[0].verdict, DropReason::icmp_bad_checksum);
}

TEST_F(IcmpError, I03d_ExtensionsAreCopiedUntouched) {
    Frame plain = icmp_error({.source = "192.0.2.99", .destination = "203.0.113.9"}, *about,
                             IcmpType::time_exceeded, 0, 0, 44);
    Frame frame{plain.packet.length + 84U + 8U};
    frame.packet.l3 = 14;
    frame.packet.l4 = 34;
    std::memcpy(frame.bytes().data(), plain.bytes().data(), plain.packet.length);
    frame.transport()[5] = std::byte{32};  // 128 bytes of datagram
    for (std::size_t index = 0; index < 8; ++index) {
        frame.transport()[8 + 128 + index] = static_cast<std::byte>(0xA0 + index);
    }
    frame.seal_ipv4();
    frame.seal_transport();
    ASSERT_TRUE(rig.from_outside(frame).passed());
    EXPECT_TRUE(checksums_are_valid(frame));
    for (std::size_t index = 0; index < 8; ++index) {
        EXPECT_EQ(frame.transport()[8 + 128 + index], static_cast<std::byte>(0xA0 + index));
    }
}

}  // namespace
}  // namespace towpath::nat
