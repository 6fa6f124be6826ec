// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wire/address.h"

#include <charconv>
#include <cstdio>

namespace towpath {
namespace {

// A decimal number at the front of `text`, without sign or leading zero; consumes it.
Result<std::uint32_t> take_number(std::string_view& text, std::uint32_t limit) {
    std::uint32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (failure != std::errc{} || value > limit || (digits > 1 && text.front() == '0')) {
        return tl::unexpected{Error::bad_value};
    }
    text.remove_prefix(digits);
    return value;
}

bool take_character(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

Result<Ipv4Address> take_ipv4_address(std::string_view& text) {
    std::uint32_t bits = 0;
    for (int octet = 0; octet < 4; ++octet) {
        if (octet > 0 && !take_character(text, '.')) {
            return tl::unexpected{Error::bad_value};
        }
        const auto number = take_number(text, 255);
        if (!number) {
            return tl::unexpected{number.error()};
        }
        bits = bits << 8U | *number;
    }
    return Ipv4Address{bits};
}

}  // namespace

Result<Ipv4Address> parse_ipv4_address(std::string_view text) {
    auto address = take_ipv4_address(text);
    if (address && !text.empty()) {
        return tl::unexpected{Error::bad_value};
    }
    return address;
}

Result<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) {
    const auto address = take_ipv4_address(text);
    if (!address) {
        return tl::unexpected{address.error()};
    }
    if (!take_character(text, '/')) {
        return tl::unexpected{Error::bad_value};
    }
    const auto length = take_number(text, 32);
    if (!length || !text.empty()) {
        return tl::unexpected{Error::bad_value};
    }
    return Ipv4Prefix{*address, static_cast<std::uint8_t>(*length)};
}

Result<MacAddress> parse_mac_address(std::string_view text) {
    MacAddress mac;
    if (text.size() != 17) {
        return tl::unexpected{Error::bad_length};
    }
    for (std::size_t index = 0; index < 6; ++index) {
        const char* first = text.data() + index * 3;
        const auto [end, failure] = std::from_chars(first, first + 2, mac.bytes[index], 16);
        if (failure != std::errc{} || end != first + 2 || (index < 5 && *end != ':')) {
            return tl::unexpected{Error::bad_value};
        }
    }
    return mac;
}

std::string to_string(Ipv4Address address) {
    const std::uint32_t bits = address.bits();
    return std::to_string(bits >> 24U) + '.' + std::to_string(bits >> 16U & 255U) + '.' +
           std::to_string(bits >> 8U & 255U) + '.' + std::to_string(bits & 255U);
}

std::string to_string(Ipv4Prefix prefix) {
    return to_string(prefix.address()) + '/' + std::to_string(prefix.length());
}

std::string to_string(const Endpoint& endpoint) {
    return to_string(endpoint.address) + ':' + std::to_string(endpoint.port.number());
}

std::string to_string(const MacAddress& mac) {
    std::array<char, 18> text{};
    std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", mac.bytes[0],
                  mac.bytes[1], mac.bytes[2], mac.bytes[3], mac.bytes[4], mac.bytes[5]);
    return text.data();
}

std::string_view to_string(Protocol protocol) noexcept {
    switch (protocol) {
        case Protocol::icmp:
            return "icmp";
        case Protocol::tcp:
            return "tcp";
        case Protocol::udp:
            return "udp";
    }
    return "unknown";
}

}  // namespace towpath
