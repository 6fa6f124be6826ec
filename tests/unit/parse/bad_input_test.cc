// SPDX-License-Identifier: BSD-3-Clause
// The bad input catalogue (nat-behaviour.md 26.1 to 26.7) as a table: what is wrong with an
// otherwise good packet, and what becomes of it.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "tests/builders/packet_builder.h"
#include "tests/unit/parse/parse_one.h"

namespace towpath::parse {
namespace {

using builders::Frame;
using enum DropReason;

struct Case {
    std::string name;
    std::function<Frame()> make;
    DropReason reason = none;
    Lane lane = Lane::drop;
};
void PrintTo(const Case& input, std::ostream* out) {
    *out << input.name;
}

class BadInput : public testing::TestWithParam<Case> {};

TEST_P(BadInput, IsNamed) {
    Frame frame = GetParam().make();
    EXPECT_EQ(parse_one(frame), GetParam().lane);
    EXPECT_EQ(describe(frame.packet.verdict).name, describe(GetParam().reason).name);
}

// A good UDP packet, spoiled.
template <class Spoil>
std::function<Frame()> spoiled(Spoil spoil) {
    return [spoil] {
        Frame frame = builders::udp();
        spoil(frame);
        return frame;
    };
}
// The same, with the IPv4 header checksum made to follow.
template <class Spoil>
std::function<Frame()> header(Spoil spoil) {
    return [spoil] {
        Frame frame = builders::udp();
        spoil(frame.ipv4());
        frame.seal_checksum();
        return frame;
    };
}
template <class Spoil>
std::function<Frame()> segment(Spoil spoil) {
    return [spoil] {
        Frame frame = builders::tcp();
        spoil(frame.tcp());
        return frame;
    };
}
std::function<Frame()> with_options(const std::vector<std::uint8_t>& options, InterfaceId ingress) {
    return [options, ingress] {
        return ingress == InterfaceId{0} ? builders::udp({.ip_options = options})
                                         : builders::udp({.source = "203.0.113.7",
                                                          .destination = "192.0.2.10",
                                                          .ip_options = options,
                                                          .ingress = ingress});
    };
}

// N13 and N7: the bytes look like a good packet, but the port saw more segments or merged
// datagrams.
TEST(PortVerdict, IsWhatThePacketDropsFor) {
    for (const DropReason reason : {DropReason::multi_segment, DropReason::l2_oversize}) {
        Frame frame = builders::udp();
        frame.packet.verdict = reason;
        EXPECT_EQ(parse_one(frame), Lane::drop);
        EXPECT_EQ(frame.packet.verdict, reason);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Link, BadInput,
    testing::Values(
        Case{"BAD-L2-01 no whole header", spoiled([](Frame& f) { f.packet.length = 13; }),
             frame_truncated},
        Case{"BAD-L2-01 no IPv4 header", spoiled([](Frame& f) { f.packet.length = 33; }),
             frame_truncated},
        Case{"BAD-L2-02 one tag",
             spoiled([](Frame& f) { f.ethernet().ether_type = be16{kEtherTypeVlan}; }),
             frame_vlan_unknown},
        Case{"BAD-L2-02 provider tag",
             spoiled([](Frame& f) { f.ethernet().ether_type = be16{std::uint16_t{0x88A8}}; }),
             frame_vlan_unknown},
        Case{"BAD-L2-03 another station", spoiled([](Frame& f) {
                 f.ethernet().destination = MacAddress{{2, 0, 0, 0, 0, 0x55}};
             }),
             frame_not_for_us},
        Case{"BAD-L2-04 group source",
             spoiled([](Frame& f) { f.ethernet().source = builders::kBroadcastMac; }),
             frame_bad_source},
        Case{"BAD-L2-04 our own source",
             spoiled([](Frame& f) { f.ethernet().source = builders::kOurMac; }), frame_bad_source},
        Case{"BAD-L2-05 PPPoE",
             spoiled([](Frame& f) { f.ethernet().ether_type = be16{std::uint16_t{0x8864}}; }),
             frame_type_unknown},
        Case{"IPv6 goes its own way",
             spoiled([](Frame& f) { f.ethernet().ether_type = be16{kEtherTypeIpv6}; }), none,
             Lane::parse6},
        Case{"BAD-L2-05 length form",
             spoiled([](Frame& f) { f.ethernet().ether_type = be16{std::uint16_t{0x0100}}; }),
             frame_type_unknown},
        Case{"BAD-L2-06 unicast in broadcast",
             spoiled([](Frame& f) { f.ethernet().destination = builders::kBroadcastMac; }),
             frame_unicast_in_group},
        Case{"BAD-IP-13 directed broadcast in broadcast",
             [] {
                 return builders::udp(
                     {.destination = "10.77.1.255", .destination_mac = builders::kBroadcastMac});
             },
             directed_broadcast},
        Case{"BAD-IP-15 at the MTU", [] { return builders::udp({.payload_bytes = 1472}); }, none,
             Lane::classify},
        Case{"BAD-IP-15 one past the MTU", [] { return builders::udp({.payload_bytes = 1473}); },
             l2_oversize}));

INSTANTIATE_TEST_SUITE_P(
    Ipv4, BadInput,
    testing::Values(
        Case{"BAD-IP-01", header([](Ipv4Header& ip) { ip.version_and_ihl = 0x65; }),
             ipv4_bad_version},
        Case{"BAD-IP-02 below five words",
             header([](Ipv4Header& ip) { ip.version_and_ihl = 0x44; }), ipv4_bad_header_length},
        Case{"BAD-IP-02 beyond the packet", spoiled([](Frame& f) {
                 f.ipv4().version_and_ihl = 0x4F;
                 f.packet.length = 14 + 40;
             }),
             ipv4_bad_header_length},
        Case{"BAD-IP-03 below the header",
             header([](Ipv4Header& ip) { ip.total_length_bytes = be16{std::uint16_t{19}}; }),
             ipv4_bad_total_length},
        Case{"BAD-IP-03 zero", header([](Ipv4Header& ip) { ip.total_length_bytes = be16{}; }),
             ipv4_bad_total_length},
        Case{"BAD-IP-03 beyond the packet", header([](Ipv4Header& ip) {
                 ip.total_length_bytes =
                     be16{static_cast<std::uint16_t>(ip.total_length_bytes.host() + 1)};
             }),
             ipv4_bad_total_length},
        Case{"BAD-IP-04", spoiled([](Frame& f) { f.ipv4().checksum = be16{std::uint16_t{1}}; }),
             ipv4_bad_checksum},
        Case{"BAD-IP-05 reserved flag goes on",
             header([](Ipv4Header& ip) { ip.flags_and_offset = be16{kIpv4FlagReserved}; }), none,
             Lane::classify},
        Case{"BAD-IP-06", header([](Ipv4Header& ip) { ip.ttl = 0; }), ipv4_ttl_zero},
        Case{"BAD-IP-07 0/8", [] { return builders::udp({.source = "0.0.0.0"}); }, ipv4_bad_source},
        Case{"BAD-IP-07 127/8", [] { return builders::udp({.source = "127.0.0.1"}); },
             ipv4_bad_source},
        Case{"BAD-IP-07 224/4", [] { return builders::udp({.source = "224.0.0.1"}); },
             ipv4_bad_source},
        Case{"BAD-IP-07 broadcast", [] { return builders::udp({.source = "255.255.255.255"}); },
             ipv4_bad_source},
        Case{"BAD-IP-08 0/8", [] { return builders::udp({.destination = "0.1.2.3"}); },
             ipv4_bad_destination},
        Case{"BAD-IP-08 127/8", [] { return builders::udp({.destination = "127.0.0.1"}); },
             ipv4_bad_destination},
        Case{"BAD-IP-08 multicast", [] { return builders::udp({.destination = "239.1.2.3"}); },
             ipv4_bad_destination},
        Case{"BAD-IP-08 240/4", [] { return builders::udp({.destination = "250.0.0.1"}); },
             ipv4_bad_destination},
        Case{"BAD-IP-09", [] { return builders::udp({.destination = "10.77.1.2"}); }, ipv4_land},
        Case{"BAD-OPT-01 length zero", with_options({7, 0, 0, 0}, InterfaceId{0}),
             ipv4_option_malformed},
        Case{"BAD-OPT-01 length one", with_options({7, 1, 0, 0}, InterfaceId{0}),
             ipv4_option_malformed},
        Case{"BAD-OPT-01 past the end", with_options({7, 5, 0, 0}, InterfaceId{0}),
             ipv4_option_malformed},
        Case{"BAD-OPT-01 no length", with_options({1, 1, 1, 7}, InterfaceId{0}),
             ipv4_option_malformed},
        Case{"BAD-OPT-02 loose, inside is told",
             with_options({131, 7, 4, 198, 51, 100, 1, 0}, InterfaceId{0}), ipv4_source_route,
             Lane::icmp_error},
        Case{"BAD-OPT-02 strict, outside is not",
             with_options({137, 7, 4, 198, 51, 100, 1, 0}, InterfaceId{1}), ipv4_source_route},
        Case{"BAD-OPT-03 unknown goes on", with_options({0x9E, 4, 1, 2}, InterfaceId{0}), none,
             Lane::classify},
        Case{"BAD-OPT-04 after the end goes on", with_options({0, 7, 0, 9}, InterfaceId{0}), none,
             Lane::classify}));

INSTANTIATE_TEST_SUITE_P(
    Tcp, BadInput,
    testing::Values(
        Case{"BAD-TCP-01 below",
             segment([](TcpHeader& tcp) { tcp.data_offset_and_reserved = 0x40; }), tcp_bad_offset},
        Case{"BAD-TCP-01 beyond",
             segment([](TcpHeader& tcp) { tcp.data_offset_and_reserved = 0xF0; }), tcp_bad_offset},
        Case{"BAD-TCP-02", [] { return builders::ipv4({}, 6, 19); }, tcp_truncated},
        Case{"BAD-TCP-03 SYN FIN", segment([](TcpHeader& tcp) { tcp.flags = kTcpSyn | kTcpFin; }),
             tcp_bad_flags},
        Case{"BAD-TCP-03 SYN RST", segment([](TcpHeader& tcp) { tcp.flags = kTcpSyn | kTcpRst; }),
             tcp_bad_flags},
        Case{"BAD-TCP-03 FIN alone", segment([](TcpHeader& tcp) { tcp.flags = kTcpFin; }),
             tcp_bad_flags},
        Case{"BAD-TCP-03 none", segment([](TcpHeader& tcp) { tcp.flags = 0; }), tcp_bad_flags},
        Case{"BAD-TCP-03 all", segment([](TcpHeader& tcp) { tcp.flags = 0x3F; }), tcp_bad_flags},
        Case{"BAD-TCP-04 source", segment([](TcpHeader& tcp) { tcp.source_port = be16{}; }),
             tcp_port_zero},
        Case{"BAD-TCP-04 destination",
             segment([](TcpHeader& tcp) { tcp.destination_port = be16{}; }), tcp_port_zero},
        Case{"BAD-TCP-05 bad checksum goes on",
             segment([](TcpHeader& tcp) { tcp.checksum = be16{std::uint16_t{1}}; }), none,
             Lane::classify},
        Case{"BAD-TCP-06 SYN with data goes on",
             segment([](TcpHeader& tcp) { tcp.flags = kTcpSyn; }), none, Lane::classify}));

INSTANTIATE_TEST_SUITE_P(
    Udp, BadInput,
    testing::Values(
        Case{"BAD-UDP-01 no header", [] { return builders::ipv4({}, 17, 7); }, udp_bad_length},
        Case{"BAD-UDP-01 length below eight",
             spoiled([](Frame& f) { f.udp().length_bytes = be16{std::uint16_t{7}}; }),
             udp_bad_length},
        Case{"BAD-UDP-02",
             spoiled([](Frame& f) { f.udp().length_bytes = be16{std::uint16_t{25}}; }),
             udp_bad_length},
        Case{"BAD-UDP-03 short length goes on",
             spoiled([](Frame& f) { f.udp().length_bytes = be16{std::uint16_t{20}}; }), none,
             Lane::classify},
        Case{"BAD-UDP-04", spoiled([](Frame& f) { f.udp().source_port = be16{}; }), udp_port_zero},
        Case{"BAD-UDP-05", spoiled([](Frame& f) { f.udp().destination_port = be16{}; }),
             udp_port_zero},
        Case{"BAD-UDP-06 no checksum goes on", spoiled([](Frame& f) { f.udp().checksum = be16{}; }),
             none, Lane::classify},
        Case{"BAD-UDP-08 empty goes on", [] { return builders::udp({.payload_bytes = 0}); }, none,
             Lane::classify}));

// An ICMP error from outside about a packet of ours.
Frame error_about(Frame about, IcmpType type = IcmpType::destination_unreachable,
                  std::uint8_t code = kIcmpPortUnreachable, std::uint16_t mtu_bytes = 0,
                  std::size_t quoted_bytes = 28) {
    return builders::icmp_error(
        {.source = "198.51.100.254", .destination = "192.0.2.10", .ingress = InterfaceId{1}}, about,
        type, code, mtu_bytes, quoted_bytes);
}
Frame ours() {
    return builders::udp({.source = "192.0.2.10", .destination = "198.51.100.1", .ttl = 1});
}
template <class Spoil>
std::function<Frame()> embedded(Spoil spoil) {
    return [spoil] {
        Frame about = ours();
        spoil(about.ipv4());
        about.seal_checksum();
        return error_about(std::move(about));
    };
}

INSTANTIATE_TEST_SUITE_P(
    Icmp, BadInput,
    testing::Values(
        Case{"BAD-ICQ-01", [] { return builders::ipv4({}, 1, 7); }, icmp_truncated},
        Case{"BAD-ICQ-02",
             [] {
                 Frame frame = builders::icmp_echo();
                 frame.icmp().checksum = be16{std::uint16_t{1}};
                 return frame;
             },
             icmp_bad_checksum},
        Case{"BAD-ICQ-03 address mask",
             [] { return builders::icmp_query({}, static_cast<IcmpType>(17)); },
             icmp_type_unsupported},
        Case{"BAD-ICQ-03 echo with a code goes on",
             [] { return builders::icmp_echo({.icmp_code = 3}); }, none, Lane::classify},
        Case{"BAD-ICMP-23 redirect", [] { return error_about(ours(), IcmpType::redirect, 1); },
             icmp_type_unsupported},
        Case{"BAD-ICMP-23 source quench",
             [] { return error_about(ours(), IcmpType::source_quench, 0); }, icmp_type_unsupported},
        Case{"a good error goes on", [] { return error_about(ours()); }, none, Lane::classify},
        Case{"BAD-ICMP-01",
             [] {
                 Frame frame = error_about(ours());
                 frame.icmp().checksum = be16{std::uint16_t{1}};
                 return frame;
             },
             icmp_bad_checksum},
        Case{"BAD-ICMP-02",
             [] { return error_about(ours(), IcmpType::destination_unreachable, 3, 0, 27); },
             icmp_error_truncated},
        Case{"BAD-ICMP-03", embedded([](Ipv4Header& ip) { ip.version_and_ihl = 0x65; }),
             icmp_error_bad_embedded},
        Case{"BAD-ICMP-04 below", embedded([](Ipv4Header& ip) { ip.version_and_ihl = 0x44; }),
             icmp_error_bad_embedded},
        Case{"BAD-ICMP-04 past the end",
             [] {
                 Frame about = ours();
                 about.ipv4().version_and_ihl = 0x46;
                 return error_about(std::move(about));
             },
             icmp_error_bad_embedded},
        Case{"BAD-ICMP-05",
             embedded([](Ipv4Header& ip) { ip.total_length_bytes = be16{std::uint16_t{27}}; }),
             icmp_error_bad_embedded},
        Case{"BAD-ICMP-06 truncation goes on",
             embedded([](Ipv4Header& ip) { ip.total_length_bytes = be16{std::uint16_t{1500}}; }),
             none, Lane::classify},
        Case{"BAD-ICMP-07",
             embedded([](Ipv4Header& ip) { ip.flags_and_offset = be16{std::uint16_t{1}}; }),
             icmp_error_embedded_fragment},
        Case{"BAD-ICMP-08",
             [] {
                 Frame about = ours();
                 Frame inner = builders::icmp_error({.source = "192.0.2.10"}, about,
                                                    IcmpType::time_exceeded, 0);
                 return error_about(std::move(inner));
             },
             icmp_error_embedded_error},
        Case{"BAD-ICMP-09", embedded([](Ipv4Header& ip) { ip.protocol = 47; }),
             icmp_error_embedded_protocol},
        Case{"BAD-ICMP-10",
             [] {
                 Frame about = ours();
                 about.ipv4().checksum = be16{std::uint16_t{1}};
                 return error_about(std::move(about));
             },
             icmp_error_embedded_checksum},
        Case{"BAD-ICMP-15 MTU zero goes on",
             [] { return error_about(ours(), IcmpType::destination_unreachable, 4, 0); }, none,
             Lane::classify},
        Case{"BAD-ICMP-16 MTU 67",
             [] { return error_about(ours(), IcmpType::destination_unreachable, 4, 67); },
             icmp_error_mtu_bogus},
        Case{"BAD-ICMP-16 MTU 68 goes on",
             [] { return error_about(ours(), IcmpType::destination_unreachable, 4, 68); }, none,
             Lane::classify},
        Case{"BAD-ICMP-18 length beyond the packet means no extension",
             [] {
                 Frame frame = error_about(ours());
                 frame.transport()[5] = std::byte{200};
                 frame.seal_transport();
                 return frame;
             },
             none, Lane::classify}));

}  // namespace
}  // namespace towpath::parse
