// SPDX-License-Identifier: BSD-3-Clause
// Addresses, prefixes and endpoints of either family, for what has no reason to care which: tunnel
// endpoints, allowed IPs. An IPv4 address is not the same as its IPv4-mapped IPv6 address.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/wire/address.h"

namespace towpath {

enum class IpFamily : std::uint8_t { none, ipv4, ipv6 };

// The bits of an address in a family.
[[nodiscard]] constexpr std::uint8_t address_bits(IpFamily family) noexcept {
    return family == IpFamily::ipv4 ? 32 : family == IpFamily::ipv6 ? 128 : 0;
}

class IpAddress {
public:
    constexpr IpAddress() = default;  // of no family
    explicit(false) constexpr IpAddress(Ipv4Address address) noexcept : family_{IpFamily::ipv4} {
        for (std::size_t octet = 0; octet < 4; ++octet) {
            bytes_[octet] = static_cast<std::uint8_t>(address.bits() >> (24U - 8U * octet));
        }
    }
    explicit(false) constexpr IpAddress(const Ipv6Address& address) noexcept
        : bytes_{address.bytes()}, family_{IpFamily::ipv6} {}

    [[nodiscard]] constexpr IpFamily family() const noexcept { return family_; }
    [[nodiscard]] constexpr bool is_ipv4() const noexcept { return family_ == IpFamily::ipv4; }
    [[nodiscard]] constexpr bool is_ipv6() const noexcept { return family_ == IpFamily::ipv6; }
    [[nodiscard]] constexpr bool is_none() const noexcept { return family_ == IpFamily::none; }
    // Of the family that it has.
    [[nodiscard]] constexpr Ipv4Address ipv4() const noexcept {
        return Ipv4Address{std::uint32_t{bytes_[0]} << 24U | std::uint32_t{bytes_[1]} << 16U |
                           std::uint32_t{bytes_[2]} << 8U | bytes_[3]};
    }
    [[nodiscard]] constexpr Ipv6Address ipv6() const noexcept { return Ipv6Address{bytes_}; }
    // 4 or 16 bytes in wire order; none of no family.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return std::as_bytes(std::span{bytes_}).first(address_bits(family_) / 8U);
    }
    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;

private:
    std::array<std::uint8_t, 16> bytes_{};  // of IPv4 the first four, the others zero
    IpFamily family_ = IpFamily::none;
};

// In canonical form: no bit is set beyond length().
class IpPrefix {
public:
    constexpr IpPrefix() = default;
    // Bits beyond the length are cleared. length <= address_bits(address.family()).
    IpPrefix(const IpAddress& address, std::uint8_t length) noexcept;
    explicit(false) IpPrefix(Ipv4Prefix prefix) noexcept
        : address_{prefix.address()}, length_{prefix.length()} {}

    [[nodiscard]] constexpr const IpAddress& address() const noexcept { return address_; }
    [[nodiscard]] constexpr std::uint8_t length() const noexcept { return length_; }
    [[nodiscard]] constexpr IpFamily family() const noexcept { return address_.family(); }
    [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
    friend constexpr auto operator<=>(const IpPrefix&, const IpPrefix&) noexcept = default;

private:
    IpAddress address_;
    std::uint8_t length_ = 0;
};

struct IpEndpoint {
    IpAddress address;
    Port port;
    [[nodiscard]] constexpr bool is_none() const noexcept { return address.is_none(); }
    friend constexpr auto operator<=>(const IpEndpoint&, const IpEndpoint&) noexcept = default;
};

// RFC 4291 section 2.2, without a zone.
[[nodiscard]] Result<Ipv6Address> parse_ipv6_address(std::string_view text);
[[nodiscard]] Result<IpAddress> parse_ip_address(std::string_view text);
// "ADDRESS/LENGTH". Host bits are kept out of the prefix.
[[nodiscard]] Result<IpPrefix> parse_ip_prefix(std::string_view text);
// "192.0.2.1:51820" or "[2001:db8::1]:51820".
[[nodiscard]] Result<IpEndpoint> parse_ip_endpoint(std::string_view text);

// RFC 5952.
[[nodiscard]] std::string to_string(const Ipv6Address& address);
[[nodiscard]] std::string to_string(const IpAddress& address);
[[nodiscard]] std::string to_string(const IpPrefix& prefix);
[[nodiscard]] std::string to_string(const IpEndpoint& endpoint);

}  // namespace towpath
