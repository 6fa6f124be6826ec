// SPDX-License-Identifier: BSD-3-Clause
// Addresses, prefixes, ports and endpoints as values. Text forms are in address.cc.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/result.h"

namespace towpath {

// An IPv4 address as a value; bits() is in host order, 192.0.2.1 is 0xC0000201.
class Ipv4Address {
public:
    constexpr Ipv4Address() = default;
    explicit constexpr Ipv4Address(std::uint32_t bits) noexcept : bits_{bits} {}
    explicit constexpr Ipv4Address(be32 wire) noexcept : bits_{wire.host()} {}

    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    [[nodiscard]] constexpr be32 wire() const noexcept { return be32{bits_}; }
    [[nodiscard]] constexpr bool is_unspecified() const noexcept { return bits_ == 0; }
    // 224.0.0.0/4.
    [[nodiscard]] constexpr bool is_multicast() const noexcept { return (bits_ >> 28) == 0xE; }

    friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) noexcept = default;

private:
    std::uint32_t bits_ = 0;
};

// 16 bytes in wire order, alignment 1: may overlay packet bytes. More in ipv6_address.h.
class Ipv6Address {
public:
    constexpr Ipv6Address() = default;
    explicit constexpr Ipv6Address(std::array<std::uint8_t, 16> bytes) noexcept : bytes_{bytes} {}
    [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const noexcept {
        return bytes_;
    }
    friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) noexcept = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
};

// A prefix in canonical form: no bit is set beyond length().
class Ipv4Prefix {
public:
    constexpr Ipv4Prefix() = default;
    // Bits beyond the length are cleared. length <= 32.
    constexpr Ipv4Prefix(Ipv4Address address, std::uint8_t length) noexcept
        : address_{address.bits() & mask_of(length)}, length_{length} {}

    [[nodiscard]] constexpr Ipv4Address address() const noexcept { return address_; }
    [[nodiscard]] constexpr std::uint8_t length() const noexcept { return length_; }
    [[nodiscard]] constexpr std::uint32_t mask() const noexcept { return mask_of(length_); }
    [[nodiscard]] constexpr bool contains(Ipv4Address address) const noexcept {
        return (address.bits() & mask()) == address_.bits();
    }
    [[nodiscard]] constexpr bool overlaps(Ipv4Prefix other) const noexcept {
        return contains(other.address_) || other.contains(address_);
    }
    // All host bits set; the prefix itself for lengths 31 and 32 have none (RFC 3021).
    [[nodiscard]] constexpr Ipv4Address broadcast() const noexcept {
        return Ipv4Address{address_.bits() | ~mask()};
    }

    friend constexpr auto operator<=>(Ipv4Prefix, Ipv4Prefix) noexcept = default;

private:
    static constexpr std::uint32_t mask_of(std::uint8_t length) noexcept {
        return length == 0 ? 0U : ~std::uint32_t{0} << (32U - length);
    }
    Ipv4Address address_{};
    std::uint8_t length_ = 0;
};

// A transport port, or the Identifier of an ICMP query (RFC 5508 section 3.1), in host order.
class Port {
public:
    constexpr Port() = default;
    explicit constexpr Port(std::uint16_t number) noexcept : number_{number} {}
    explicit constexpr Port(be16 wire) noexcept : number_{wire.host()} {}
    [[nodiscard]] constexpr std::uint16_t number() const noexcept { return number_; }
    [[nodiscard]] constexpr be16 wire() const noexcept { return be16{number_}; }
    friend constexpr auto operator<=>(Port, Port) noexcept = default;

private:
    std::uint16_t number_ = 0;
};

// IANA protocol numbers of what is translated.
enum class Protocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17 };

struct Endpoint {
    Ipv4Address address;
    Port port;
    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};
    // Group bit: multicast and broadcast.
    [[nodiscard]] constexpr bool is_group() const noexcept { return (bytes[0] & 1U) != 0; }
    [[nodiscard]] constexpr bool is_broadcast() const noexcept {
        return *this == MacAddress{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};
    }
    [[nodiscard]] constexpr bool is_zero() const noexcept { return *this == MacAddress{}; }
    friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) noexcept = default;
    // Six bytes in one comparison: every frame is compared.
    friend constexpr bool operator==(const MacAddress& left, const MacAddress& right) noexcept {
        return __builtin_memcmp(left.bytes.data(), right.bytes.data(), sizeof left.bytes) == 0;
    }
};

// Dotted quad without leading zeros; anything else is bad_value.
[[nodiscard]] Result<Ipv4Address> parse_ipv4_address(std::string_view text);
// "a.b.c.d/n". Host bits are kept out of the prefix, so the caller that must refuse them compares.
[[nodiscard]] Result<Ipv4Prefix> parse_ipv4_prefix(std::string_view text);
// Six pairs of hexadecimal digits with colons.
[[nodiscard]] Result<MacAddress> parse_mac_address(std::string_view text);

[[nodiscard]] std::string to_string(Ipv4Address address);
[[nodiscard]] std::string to_string(Ipv4Prefix prefix);
[[nodiscard]] std::string to_string(const Endpoint& endpoint);
[[nodiscard]] std::string to_string(const MacAddress& mac);
[[nodiscard]] std::string_view to_string(Protocol protocol) noexcept;

}  // namespace towpath
