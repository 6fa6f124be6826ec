// SPDX-License-Identifier: BSD-3-Clause
// What an IPv6 address is by its bits alone (RFC 4291 section 2), and addresses and MACs that
// follow from others (RFC 4291 section 2.7.1 and appendix A, RFC 2464 sections 4 and 7).
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstring>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byte_order.h"

namespace towpath {

// An address as a number, most significant half first: ordered and masked cheaply.
struct Ipv6Words {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend constexpr auto operator<=>(const Ipv6Words&, const Ipv6Words&) noexcept = default;
};

[[nodiscard]] inline Ipv6Words words_of(const Ipv6Address& address) noexcept {
    Ipv6Words words;
    std::memcpy(&words, address.bytes().data(), sizeof words);
    return {swap_bytes(words.high), swap_bytes(words.low)};
}
[[nodiscard]] inline Ipv6Address address_of(const Ipv6Words& words) noexcept {
    std::array<std::uint8_t, 16> bytes{};
    const Ipv6Words wire{swap_bytes(words.high), swap_bytes(words.low)};
    std::memcpy(bytes.data(), &wire, sizeof wire);
    return Ipv6Address{bytes};
}
// The bits of a prefix of `length` <= 128.
[[nodiscard]] constexpr Ipv6Words ipv6_mask(std::uint8_t length) noexcept {
    const std::uint64_t high = length == 0 ? 0 : length >= 64 ? ~0ULL : ~0ULL << (64U - length);
    const std::uint64_t low = length <= 64 ? 0 : ~0ULL << (128U - length);
    return {high, low};
}

// A prefix in canonical form: no bit is set beyond length().
class Ipv6Prefix {
public:
    constexpr Ipv6Prefix() = default;
    // Bits beyond the length are cleared. length <= 128.
    Ipv6Prefix(const Ipv6Address& address, std::uint8_t length) noexcept
        : bits_{words_of(address).high & ipv6_mask(length).high,
                words_of(address).low & ipv6_mask(length).low},
          length_{length} {}

    [[nodiscard]] Ipv6Address address() const noexcept { return address_of(bits_); }
    [[nodiscard]] constexpr std::uint8_t length() const noexcept { return length_; }
    // First and last address, as numbers.
    [[nodiscard]] constexpr Ipv6Words first() const noexcept { return bits_; }
    [[nodiscard]] constexpr Ipv6Words last() const noexcept {
        const Ipv6Words mask = ipv6_mask(length_);
        return {bits_.high | ~mask.high, bits_.low | ~mask.low};
    }
    [[nodiscard]] bool contains(const Ipv6Address& address) const noexcept {
        const Ipv6Words words = words_of(address);
        const Ipv6Words mask = ipv6_mask(length_);
        return (words.high & mask.high) == bits_.high && (words.low & mask.low) == bits_.low;
    }
    friend constexpr auto operator<=>(const Ipv6Prefix&, const Ipv6Prefix&) noexcept = default;

private:
    Ipv6Words bits_;
    std::uint8_t length_ = 0;
};

inline constexpr Ipv6Address kAllNodes{{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

[[nodiscard]] inline bool is_unspecified(const Ipv6Address& address) noexcept {
    return words_of(address) == Ipv6Words{};
}
// ff00::/8.
[[nodiscard]] constexpr bool is_multicast(const Ipv6Address& address) noexcept {
    return address.bytes()[0] == 0xFF;
}
// fe80::/10.
[[nodiscard]] constexpr bool is_link_local(const Ipv6Address& address) noexcept {
    return address.bytes()[0] == 0xFE && (address.bytes()[1] & 0xC0U) == 0x80;
}
// ::/96 (unspecified, loopback, the compatible ones of old) and ::ffff:0:0/96 (mapped): on no wire.
[[nodiscard]] inline bool is_martian(const Ipv6Address& address) noexcept {
    const Ipv6Words words = words_of(address);
    return words.high == 0 && (words.low >> 32U == 0 || words.low >> 32U == 0xFFFF);
}

// ff02::1:ffXX:XXXX, where who has `address` listens for questions about it.
[[nodiscard]] constexpr Ipv6Address solicited_node_group(const Ipv6Address& address) noexcept {
    const auto& bytes = address.bytes();
    return Ipv6Address{
        {0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, bytes[13], bytes[14], bytes[15]}};
}
// Of frames to a group.
[[nodiscard]] constexpr MacAddress group_mac(const Ipv6Address& group) noexcept {
    const auto& bytes = group.bytes();
    return {{0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]}};
}
// fe80::/64 with the modified EUI-64 of the MAC.
[[nodiscard]] constexpr Ipv6Address link_local_of(const MacAddress& mac) noexcept {
    const auto& octets = mac.bytes;
    return Ipv6Address{{0xFE, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(octets[0] ^ 2U),
                        octets[1], octets[2], 0xFF, 0xFE, octets[3], octets[4], octets[5]}};
}

}  // namespace towpath
