// SPDX-License-Identifier: BSD-3-Clause
#include "config/tunnel_scalar.h"

#include <algorithm>
#include <array>

namespace towpath::config {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kKeyTextLength = 44;

tl::unexpected<std::string> refuse(std::string_view rest) {
    return tl::unexpected<std::string>{std::string{rest}};
}

// The 24 bits of a group of up to four characters; unset if one is not of the alphabet.
std::optional<std::uint32_t> group_bits(std::string_view group) {
    std::uint32_t bits = 0;
    for (const char character : group) {
        const std::size_t value = kAlphabet.find(character);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        bits = bits << 6U | static_cast<std::uint32_t>(value);
    }
    return bits << 6U * (4U - group.size());
}

// A whole prefix, or one address.
Result<IpPrefix> prefix_or_address(std::string_view text) {
    if (text.find('/') != std::string_view::npos) {
        return parse_ip_prefix(text);
    }
    const auto address = parse_ip_address(text);
    if (!address) {
        return tl::unexpected{address.error()};
    }
    return IpPrefix{*address, address_bits(address->family())};
}

// RFC 1123 section 2.1, and underscores, which names in private zones have.
bool is_host_name(std::string_view text) {
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const bool is_numeric = text.find_first_not_of("0123456789.") == std::string_view::npos;
    return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
           !is_numeric && text.find_first_not_of(kAllowed) == std::string_view::npos &&
           text.find("..") == std::string_view::npos;
}

}  // namespace

Scalar<PublicKeyBytes> parse_key(std::string_view text) {
    PublicKeyBytes key{};
    std::array<std::byte, 33> bytes{};
    const bool has_shape = text.size() == kKeyTextLength && text.back() == '=';
    bool is_key = has_shape;
    for (std::size_t group = 0; is_key && group < kKeyTextLength / 4; ++group) {
        const std::string_view characters = text.substr(group * 4, 4);
        const auto bits = group_bits(
            characters.substr(0, group + 1 == kKeyTextLength / 4 ? 3 : std::string_view::npos));
        is_key = bits.has_value();
        for (std::size_t octet = 0; is_key && octet < 3; ++octet) {
            bytes[group * 3 + octet] = static_cast<std::byte>(*bits >> (16U - 8U * octet));
        }
    }
    // Bits beyond the key must be zero, or one key had several texts.
    is_key = is_key && bytes[kKeyLength_bytes] == std::byte{0};
    std::copy_n(bytes.begin(), key.size(), key.begin());
    ::explicit_bzero(bytes.data(), bytes.size());
    if (!is_key) {
        return refuse(" is not a key: 44 characters of base64 that end in '='");
    }
    return key;
}

std::string to_base64(std::span<const std::byte, kKeyLength_bytes> key) {
    std::string text;
    for (std::size_t at = 0; at < key.size(); at += 3) {
        std::uint32_t bits = 0;
        const std::size_t count = std::min<std::size_t>(3, key.size() - at);
        for (std::size_t octet = 0; octet < count; ++octet) {
            bits |= static_cast<std::uint32_t>(key[at + octet]) << (16U - 8U * octet);
        }
        for (std::size_t character = 0; character < 4; ++character) {
            text += character <= count ? kAlphabet[bits >> (18U - 6U * character) & 63U] : '=';
        }
    }
    return text;
}

std::string label_of(const Peer& peer) {
    constexpr std::size_t kShown = 8;
    return peer.name.empty() ? to_base64(peer.public_key).substr(0, kShown) + "..." : peer.name;
}

Scalar<IpPrefix> parse_any_prefix(std::string_view text) {
    const auto prefix = parse_ip_prefix(text);
    if (!prefix) {
        return refuse(" is not a prefix, as in 10.0.1.0/24 or 2001:db8::/32");
    }
    if (prefix->address() != *parse_ip_address(text.substr(0, text.find('/')))) {
        return refuse(" is not a prefix: it has host bits; did you mean " + to_string(*prefix) +
                      "?");
    }
    return *prefix;
}

Scalar<IpPrefix> parse_allowed_ip(std::string_view text) {
    const auto prefix = prefix_or_address(text);
    if (!prefix) {
        return refuse(" is not a prefix, as in 10.0.1.0/24 or 2001:db8::/32");
    }
    return *prefix;
}

Scalar<TunnelAddress> parse_tunnel_address(std::string_view text) {
    const auto prefix = prefix_or_address(text);
    if (!prefix) {
        return refuse(" is not an address with its length, as in 10.99.0.1/24");
    }
    return TunnelAddress{*parse_ip_address(text.substr(0, text.find('/'))), *prefix};
}

Scalar<PeerEndpoint> parse_peer_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return refuse(" has no port, as in 192.0.2.7:51820");
    }
    const auto port = parse_number(text.substr(colon + 1), 1, 65535);
    if (!port) {
        return refuse(" has no port of 1..65535");
    }
    PeerEndpoint endpoint;
    endpoint.port = static_cast<std::uint16_t>(*port);
    if (const auto literal = parse_ip_endpoint(text)) {
        endpoint.address = literal->address;
    } else if (is_host_name(text.substr(0, colon))) {
        endpoint.name = text.substr(0, colon);
    } else {
        return refuse(" is not an endpoint: 192.0.2.7:51820, [2001:db8::7]:51820 or NAME:51820");
    }
    return endpoint;
}

}  // namespace towpath::config
