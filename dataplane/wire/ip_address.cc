// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wire/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace towpath {
namespace {

// Digits only, no leading zero, at most `limit`.
Result<std::uint32_t> parse_number(std::string_view text, std::uint32_t limit) {
    std::uint32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || value > limit ||
        (text.size() > 1 && text.front() == '0')) {
        return tl::unexpected{Error::bad_value};
    }
    return value;
}

std::array<std::uint8_t, 16> masked(const IpAddress& address, std::uint8_t length) noexcept {
    std::array<std::uint8_t, 16> bytes{};
    const auto given = address.bytes();
    for (std::size_t octet = 0; octet < given.size(); ++octet) {
        const std::size_t first = octet * 8;
        const std::size_t kept = length > first ? std::min<std::size_t>(length - first, 8) : 0;
        const auto mask = static_cast<std::uint8_t>(0xFF00U >> kept);
        bytes[octet] = std::to_integer<std::uint8_t>(given[octet]) & mask;
    }
    return bytes;
}

IpAddress address_of(IpFamily family, const std::array<std::uint8_t, 16>& bytes) noexcept {
    if (family == IpFamily::ipv6) {
        return Ipv6Address{bytes};
    }
    if (family == IpFamily::none) {
        return {};
    }
    return Ipv4Address{std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
                       std::uint32_t{bytes[2]} << 8U | bytes[3]};
}

}  // namespace

IpPrefix::IpPrefix(const IpAddress& address, std::uint8_t length) noexcept
    : address_{address_of(address.family(), masked(address, length))}, length_{length} {}

bool IpPrefix::contains(const IpAddress& address) const noexcept {
    return address.family() == family() && IpPrefix{address, length_}.address() == address_;
}

Result<Ipv6Address> parse_ipv6_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size()) {
        return tl::unexpected{Error::bad_length};
    }
    std::copy(text.begin(), text.end(), terminated.begin());
    std::array<std::uint8_t, 16> bytes{};
    if (::inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1) {
        return tl::unexpected{Error::bad_value};
    }
    return Ipv6Address{bytes};
}

Result<IpAddress> parse_ip_address(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        return parse_ipv6_address(text).map([](const Ipv6Address& a) { return IpAddress{a}; });
    }
    return parse_ipv4_address(text).map([](Ipv4Address a) { return IpAddress{a}; });
}

Result<IpPrefix> parse_ip_prefix(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return tl::unexpected{Error::bad_value};
    }
    const auto address = parse_ip_address(text.substr(0, slash));
    if (!address) {
        return tl::unexpected{address.error()};
    }
    const auto length = parse_number(text.substr(slash + 1), address_bits(address->family()));
    if (!length) {
        return tl::unexpected{length.error()};
    }
    return IpPrefix{*address, static_cast<std::uint8_t>(*length)};
}

Result<IpEndpoint> parse_ip_endpoint(std::string_view text) {
    const bool has_brackets = text.starts_with('[');
    const std::size_t colon = has_brackets ? text.find("]:") : text.find(':');
    if (colon == std::string_view::npos) {
        return tl::unexpected{Error::bad_value};
    }
    const std::string_view host = text.substr(has_brackets ? 1 : 0, colon - (has_brackets ? 1 : 0));
    const auto port = parse_number(text.substr(colon + (has_brackets ? 2 : 1)), 65535);
    const auto address = parse_ip_address(host);
    if (!address || !port || address->is_ipv6() != has_brackets) {
        return tl::unexpected{Error::bad_value};
    }
    return IpEndpoint{*address, Port{static_cast<std::uint16_t>(*port)}};
}

std::string to_string(const Ipv6Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, address.bytes().data(), text.data(), text.size());
    return text.data();
}

std::string to_string(const IpAddress& address) {
    switch (address.family()) {
        case IpFamily::ipv4:
            return to_string(address.ipv4());
        case IpFamily::ipv6:
            return to_string(address.ipv6());
        case IpFamily::none:
            break;
    }
    return "(none)";
}

std::string to_string(const IpPrefix& prefix) {
    return to_string(prefix.address()) + '/' + std::to_string(prefix.length());
}

std::string to_string(const IpEndpoint& endpoint) {
    const std::string port = std::to_string(endpoint.port.number());
    if (endpoint.is_none()) {
        return "(none)";
    }
    return endpoint.address.is_ipv6() ? '[' + to_string(endpoint.address) + "]:" + port
                                      : to_string(endpoint.address) + ':' + port;
}

}  // namespace towpath
