// SPDX-License-Identifier: BSD-3-Clause
#include "testbed/traffic/probe_frame.h"

#include <array>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/udp.h"

namespace towpath::testbed {
namespace {

constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::size_t kProbeOffset =
    sizeof(EthernetHeader) + sizeof(Ipv4Header) + sizeof(UdpHeader);
static_assert(kProbeOffset + sizeof(Probe) <= kFrameMinimumBytes);

}  // namespace

void write_frame(std::span<std::byte> frame, const FlowPlan& plan, const Probe& probe) noexcept {
    auto* ethernet = header_at<EthernetHeader>(frame, 0);
    auto* ipv4 = header_at<Ipv4Header>(frame, sizeof *ethernet);
    auto* udp = header_at<UdpHeader>(frame, sizeof *ethernet + sizeof *ipv4);
    auto* written = header_at<Probe>(frame, kProbeOffset);
    if (written == nullptr) {
        return;
    }
    *written = probe;
    *ethernet = {plan.gateway_mac, plan.source_mac, be16{kEtherTypeIpv4}};
    const auto ip_bytes = static_cast<std::uint16_t>(frame.size() - sizeof *ethernet);
    const auto udp_bytes = static_cast<std::uint16_t>(ip_bytes - sizeof *ipv4);
    *ipv4 = Ipv4Header{.version_and_ihl = 0x45,
                       .dscp_and_ecn = 0,
                       .total_length_bytes = be16{ip_bytes},
                       .identification = be16{static_cast<std::uint16_t>(probe.sequence.host())},
                       .flags_and_offset = be16{kIpv4FlagDontFragment},
                       .ttl = 64,
                       .protocol = kProtocolUdp,
                       .checksum = be16{0},
                       .source = plan.source.wire(),
                       .destination = plan.destination.wire()};
    ipv4->checksum = full_checksum(std::as_bytes(std::span{ipv4, 1}));
    const auto flow = static_cast<std::uint16_t>(probe.sequence.host() % plan.flow_count);
    *udp = {be16{static_cast<std::uint16_t>(plan.first_source_port + flow)},
            be16{plan.destination_port}, be16{udp_bytes}, be16{0}};
    // Behind the probe is only zero, which adds nothing to the sum.
    const std::span<const std::byte> summed{frame.data() + sizeof *ethernet + sizeof *ipv4,
                                            sizeof *udp + sizeof probe};
    const be16 checksum = full_checksum(
        summed, pseudo_header_sum(ipv4->source, ipv4->destination, kProtocolUdp, udp_bytes));
    udp->checksum = checksum.raw() == 0 ? be16::from_raw(0xFFFF) : checksum;
}

std::optional<Probe> read_probe(std::span<const std::byte> frame, const FlowPlan& plan) noexcept {
    const auto* ethernet = header_at<EthernetHeader>(frame, 0);
    const auto* ipv4 = header_at<Ipv4Header>(frame, sizeof *ethernet);
    const auto* udp = header_at<UdpHeader>(frame, sizeof *ethernet + sizeof *ipv4);
    const auto* probe = header_at<Probe>(frame, kProbeOffset);
    if (probe == nullptr || ethernet->ether_type != be16{kEtherTypeIpv4} ||
        ipv4->version_and_ihl != 0x45 || ipv4->protocol != kProtocolUdp ||
        ipv4->destination != plan.destination.wire() ||
        udp->destination_port != be16{plan.destination_port}) {
        return std::nullopt;
    }
    return *probe;
}

std::size_t imix_size_bytes(std::uint64_t sequence) noexcept {
    constexpr std::array<std::size_t, 12> kCycle{60,  590, 60, 60,  590, 60,
                                                 590, 60,  60, 590, 60,  1514};
    return kCycle[sequence % kCycle.size()];
}

}  // namespace towpath::testbed
