// SPDX-License-Identifier: BSD-3-Clause
// What a tunnel looks at in the packets that it carries: version, lengths, addresses and ECN
// (wireguard.md section 11 steps 12 to 15, section 2.5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/checksum.h"
#include "dataplane/wireguard/allowed_ips.h"
#include "dataplane/wireguard/datagram.h"

namespace towpath::wireguard {

// A view of an IPv4 or IPv6 packet, of which at least the fixed header is there.
class InnerPacket {
public:
    // Not an IP packet: family() is none.
    explicit InnerPacket(std::span<std::byte> bytes) noexcept : begin_{bytes.data()} {
        const unsigned version = bytes.empty() ? 0 : std::to_integer<unsigned>(bytes[0]) >> 4U;
        if (version == 4 && bytes.size() >= sizeof(Ipv4Header)) {
            family_ = IpFamily::ipv4;
        } else if (version == 6 && bytes.size() >= sizeof(Ipv6Header)) {
            family_ = IpFamily::ipv6;
        }
    }
    [[nodiscard]] IpFamily family() const noexcept { return family_; }
    [[nodiscard]] bool is_ipv4() const noexcept { return family_ == IpFamily::ipv4; }

    // Of a packet of a family, from here on.

    // As its header says, which may be anything.
    [[nodiscard]] std::size_t total_length_bytes() const noexcept {
        return is_ipv4() ? ipv4().total_length_bytes.host()
                         : sizeof(Ipv6Header) + ipv6().payload_length_bytes.host();
    }
    [[nodiscard]] std::size_t header_length_bytes() const noexcept {
        return is_ipv4() ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
    }
    [[nodiscard]] bool has_source_of(const InnerPacket& other) const noexcept {
        return family_ == other.family_ && (is_ipv4() ? ipv4().source == other.ipv4().source
                                                      : ipv6().source == other.ipv6().source);
    }
    [[nodiscard]] bool has_destination_of(const InnerPacket& other) const noexcept {
        return family_ == other.family_ &&
               (is_ipv4() ? ipv4().destination == other.ipv4().destination
                          : ipv6().destination == other.ipv6().destination);
    }
    // look(Ipv4Address) or look(const Ipv6Address&).
    template <class Look>
    auto with_source(Look&& look) const noexcept {
        return is_ipv4() ? look(Ipv4Address{ipv4().source}) : look(ipv6().source);
    }
    template <class Look>
    auto with_destination(Look&& look) const noexcept {
        return is_ipv4() ? look(Ipv4Address{ipv4().destination}) : look(ipv6().destination);
    }
    [[nodiscard]] Ecn ecn() const noexcept {
        const std::uint8_t field = is_ipv4() ? ipv4().dscp_and_ecn : ipv6().traffic_class();
        return static_cast<Ecn>(field & kEcnMask);
    }
    // RFC 6040 section 4.2: what the outer header says reaches a packet that can say it. A packet
    // that cannot is left alone, never dropped.
    void combine_ecn(Ecn outer) const noexcept {
        const Ecn inner = ecn();
        if (inner == Ecn::not_capable) {
            return;
        }
        if (outer == Ecn::congestion && inner != Ecn::congestion) {
            set_ecn(Ecn::congestion);
        } else if (outer == Ecn::ect_1 && inner == Ecn::ect_0) {
            set_ecn(Ecn::ect_1);
        }
    }

private:
    [[nodiscard]] Ipv4Header& ipv4() const noexcept {
        return *reinterpret_cast<Ipv4Header*>(begin_);
    }
    [[nodiscard]] Ipv6Header& ipv6() const noexcept {
        return *reinterpret_cast<Ipv6Header*>(begin_);
    }
    void set_ecn(Ecn ecn) const noexcept {
        const auto bits = static_cast<unsigned>(ecn);
        if (!is_ipv4()) {
            Ipv6Header& ip = ipv6();
            ip.version_class_flow =
                be32{(ip.version_class_flow.host() & ~(unsigned{kEcnMask} << 20U)) | bits << 20U};
            return;
        }
        Ipv4Header& ip = ipv4();
        const auto field =
            static_cast<std::uint8_t>((ip.dscp_and_ecn & ~unsigned{kEcnMask}) | bits);
        const ChecksumDelta delta = ChecksumDelta{}.replace(be16{std::uint16_t{ip.dscp_and_ecn}},
                                                            be16{std::uint16_t{field}});
        ip.dscp_and_ecn = field;
        ip.checksum = update_checksum(ip.checksum, delta);
    }

    std::byte* begin_;
    IpFamily family_ = IpFamily::none;
};

// How many zeros are sealed behind `length_bytes` (wireguard.md section 10.1): to a multiple of 16,
// but not beyond the MTU.
[[nodiscard]] constexpr std::size_t padding_bytes(std::size_t length_bytes,
                                                  std::size_t mtu_bytes) noexcept {
    const auto aligned = [](std::size_t bytes) { return (bytes + 15U) & ~std::size_t{15}; };
    if (mtu_bytes == 0) {
        return aligned(length_bytes) - length_bytes;
    }
    const std::size_t last_bytes =
        length_bytes > mtu_bytes ? length_bytes % mtu_bytes : length_bytes;
    const std::size_t padded_bytes = aligned(last_bytes);
    return (padded_bytes < mtu_bytes ? padded_bytes : mtu_bytes) - last_bytes;
}

}  // namespace towpath::wireguard
