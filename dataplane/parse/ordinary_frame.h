// SPDX-License-Identifier: BSD-3-Clause
// Almost every packet is an ordinary one: a unicast frame for us from a station, with a whole IPv4
// packet without options between hosts that may exist. This answers that with few loads and
// branches, by taking the headers as words. It refuses nothing: what is not ordinary goes through
// the checks of parse_stage.cc one by one, and they alone name reasons.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/packet/interface.h"
#include "dataplane/packet/packet.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::parse {

// 0/8, 127/8, 224/4 and 240/4 (BAD-IP-07, 08).
[[nodiscard]] inline bool is_martian(Ipv4Address address) noexcept {
    const std::uint32_t network = address.bits() >> 24U;
    return network - 1U >= 223U || network == 127;  // zero wraps
}

class OrdinaryFrame {
public:
    static constexpr std::size_t kHeaders_bytes = sizeof(EthernetHeader) + sizeof(Ipv4Header);

    // `ingress` as it stands in the generation in force.
    explicit OrdinaryFrame(const Interface& ingress) noexcept
        : own_mac_{mac_word(ingress.mac)},
          length_max_bytes_{std::uint32_t{ingress.mtu_bytes} +
                            static_cast<std::uint32_t>(sizeof(EthernetHeader))} {}

    // True: the packet has passed all that check_frame, check_header, check_addresses and
    // is_fragment ask, and its offsets, length and protocol are set. False: it is as it was.
    [[nodiscard, gnu::always_inline]] bool accept(Packet& packet) const noexcept {
        if (packet.verdict != DropReason::none || packet.from_host ||
            packet.length < kHeaders_bytes || packet.length > length_max_bytes_) {
            return false;
        }
        const std::byte* bytes = packet.data();
        const auto to_mac = word<std::uint64_t>(bytes) & kMacMask;
        const auto source = word<std::uint64_t>(bytes + sizeof(MacAddress));
        if (to_mac != own_mac_ || (to_mac & kGroupBit) != 0 ||
            (source & kSourceMask) != kSourceWanted || (source & kMacMask) == own_mac_) {
            return false;
        }
        const std::byte* header = bytes + sizeof(EthernetHeader);
        const auto first = word<std::uint64_t>(header);
        const auto second = word<std::uint64_t>(header + 8);
        const auto last = word<std::uint32_t>(header + 16);
        const std::size_t total_bytes = swap_bytes(static_cast<std::uint16_t>(first >> 16U));
        const Ipv4Address from{swap_bytes(static_cast<std::uint32_t>(second >> 32U))};
        const Ipv4Address to{swap_bytes(last)};
        if ((first & kIpv4Mask) != kIpv4Wanted || total_bytes < sizeof(Ipv4Header) ||
            total_bytes > packet.length - sizeof(EthernetHeader) || (second & kTtlMask) == 0 ||
            is_martian(from) || is_martian(to) || from == to) {
            return false;
        }
        if (fold_checksum(low(first) + high(first) + low(second) + high(second) + last) != 0xFFFF) {
            return false;
        }
        packet.l3 = sizeof(EthernetHeader);
        packet.l4 = kHeaders_bytes;
        packet.length = static_cast<std::uint16_t>(sizeof(EthernetHeader) + total_bytes);
        packet.ip_protocol = static_cast<std::uint8_t>(second >> 8U);
        packet.transport = TransportKind::unknown;
        packet.fragment = FragmentKind::whole;
        return true;
    }

private:
    static constexpr std::uint64_t kMacMask = 0xFFFFFFFFFFFFU;
    static constexpr std::uint64_t kGroupBit = 1;  // of the first byte in memory
    // The word at the source MAC ends with the EtherType: a station's MAC, and IPv4.
    static constexpr std::uint64_t kSourceMask = 0xFFFF000000000000U | kGroupBit;
    static constexpr std::uint64_t kSourceWanted = std::uint64_t{be16{kEtherTypeIpv4}.raw()} << 48U;
    // The first word of the IPv4 header: version 4 and five words of header; no fragment.
    static constexpr std::uint64_t kIpv4Mask =
        0xFFU | std::uint64_t{be16{kIpv4FlagMoreFragments | kIpv4FragmentOffsetMask}.raw()} << 48U;
    static constexpr std::uint64_t kIpv4Wanted = 0x45;
    static constexpr std::uint64_t kTtlMask = 0xFF;  // in the second

    template <class Word>
    [[nodiscard]] static Word word(const std::byte* bytes) noexcept {
        Word value = 0;
        std::memcpy(&value, bytes, sizeof value);
        return value;
    }
    [[nodiscard]] static std::uint64_t mac_word(const MacAddress& mac) noexcept {
        std::uint64_t value = 0;
        std::memcpy(&value, mac.bytes.data(), mac.bytes.size());
        return value;
    }
    [[nodiscard]] static constexpr std::uint64_t low(std::uint64_t value) noexcept {
        return value & 0xFFFFFFFFU;
    }
    [[nodiscard]] static constexpr std::uint64_t high(std::uint64_t value) noexcept {
        return value >> 32U;
    }

    std::uint64_t own_mac_;
    std::uint32_t length_max_bytes_;
};

}  // namespace towpath::parse
