// SPDX-License-Identifier: BSD-3-Clause
// What every message of the contract begins with, and the field types they share. Messages are
// fixed-size structs without pointers, bool or padding, in the byte order of this machine: both
// ends are processes of one host. Addresses and ports are the types of dataplane/wire.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "dataplane/contract/version.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath::contract {

// Never renumbered within one contract number. 1 to 99 go down (control to data plane), 100 and
// above come up.
enum class MessageType : std::uint16_t {
    hello_control = 1,
    start = 2,
    interface_set = 10,
    route_chunk = 11,
    nat_set = 12,
    source_chunk = 13,
    pool_chunk = 14,
    allow_chunk = 15,
    commit = 16,
    tunnel_set = 17,
    ipv6_route_chunk = 18,
    advertise_chunk = 19,
    peers_begin = 20,
    peer_set = 21,
    peer_prefix_chunk = 22,
    peers_commit = 23,
    session_install = 24,
    sessions_end = 25,
    handshake_send = 26,
    status_query = 30,
    counters_query = 31,
    reasons_query = 32,
    interfaces_query = 33,
    nat_lookup_query = 34,
    nat_list_query = 35,
    port_usage_query = 36,
    start_query = 37,
    peers_query = 38,
    sessions_query = 39,
    events_subscribe = 40,
    neighbors_query = 41,

    hello_dataplane = 100,
    started = 101,
    start_failed = 102,
    applied = 103,
    refused = 104,
    link_change = 105,
    peers_applied = 106,
    session_installed = 107,
    status_reply = 130,
    counters_reply = 131,
    reasons_reply = 132,
    interfaces_reply = 133,
    nat_lookup_reply = 134,
    nat_list_reply = 135,
    port_usage_reply = 136,
    start_reply = 137,
    peers_reply = 138,
    sessions_reply = 139,
    event_batch = 140,
    handshakes_received = 141,
    tunnel_events = 142,
    neighbors_reply = 143,
};

struct Header {
    std::uint32_t size_bytes = 0;  // of the whole message
    MessageType type{};
    std::uint16_t version = kContractVersion;
    std::uint32_t request = 0;  // echoed in every answer to a message that carried it
    std::uint32_t reserved = 0;
    friend bool operator==(const Header&, const Header&) = default;
};

// A header filled in for M.
template <class M>
[[nodiscard]] constexpr Header header_of(std::uint32_t request = 0) noexcept {
    return Header{static_cast<std::uint32_t>(sizeof(M)), M::kType, kContractVersion, request, 0};
}

// No message is longer than this; longer ones are refused before they are looked at.
inline constexpr std::size_t kMessageBytesMax = 32U * 1024;

// Text of at most N - 1 bytes. NUL to the end, so that equal texts are equal bytes.
template <std::size_t N>
struct Text {
    std::array<char, N> bytes{};

    // What does not fit is cut.
    constexpr void set(std::string_view text) noexcept {
        bytes = {};
        std::copy_n(text.begin(), std::min(text.size(), N - 1), bytes.begin());
    }
    [[nodiscard]] static constexpr Text of(std::string_view text) noexcept {
        Text result;
        result.set(text);
        return result;
    }
    // Up to the first NUL; never beyond the field.
    [[nodiscard]] constexpr std::string_view view() const noexcept {
        const auto end = std::find(bytes.begin(), bytes.end(), '\0');
        return {bytes.data(), static_cast<std::size_t>(end - bytes.begin())};
    }
    [[nodiscard]] std::string str() const { return std::string{view()}; }
    // Printable ASCII (or UTF-8), then only NUL.
    [[nodiscard]] constexpr bool is_canonical() const noexcept {
        const auto end = std::find(bytes.begin(), bytes.end(), '\0');
        return end != bytes.end() &&
               std::all_of(
                   bytes.begin(), end,
                   [](char c) { return static_cast<unsigned char>(c) >= 0x20U && c != 0x7F; }) &&
               std::all_of(end, bytes.end(), [](char c) { return c == '\0'; });
    }
    friend bool operator==(const Text&, const Text&) = default;
};

struct PrefixField {
    Ipv4Address address;
    std::uint8_t length = 0;
    std::array<std::uint8_t, 3> reserved{};

    [[nodiscard]] static constexpr PrefixField of(Ipv4Prefix prefix) noexcept {
        return {prefix.address(), prefix.length(), {}};
    }
    [[nodiscard]] constexpr Ipv4Prefix prefix() const noexcept { return {address, length}; }
    friend bool operator==(const PrefixField&, const PrefixField&) = default;
};

struct Ipv6PrefixField {
    Ipv6Address address;
    std::uint8_t length = 0;
    std::array<std::uint8_t, 7> reserved{};

    [[nodiscard]] static Ipv6PrefixField of(const Ipv6Prefix& prefix) noexcept {
        return {prefix.address(), prefix.length(), {}};
    }
    [[nodiscard]] Ipv6Prefix prefix() const noexcept { return {address, length}; }
    friend bool operator==(const Ipv6PrefixField&, const Ipv6PrefixField&) = default;
};

struct EndpointField {
    Ipv4Address address;
    Port port;
    std::uint16_t reserved = 0;

    [[nodiscard]] static constexpr EndpointField of(const Endpoint& endpoint) noexcept {
        return {endpoint.address, endpoint.port, 0};
    }
    [[nodiscard]] constexpr Endpoint endpoint() const noexcept { return {address, port}; }
    friend bool operator==(const EndpointField&, const EndpointField&) = default;
};

struct PortRangeField {
    std::uint16_t first = 0;
    std::uint16_t last = 0;  // inclusive
    friend bool operator==(const PortRangeField&, const PortRangeField&) = default;
};

// What every message must be. Used once under each struct.
template <class M>
inline constexpr bool kIsMessage = std::is_trivially_copyable_v<M>&& std::is_standard_layout_v<M>&&
                                       std::has_unique_object_representations_v<M> &&
                                   sizeof(M) <= kMessageBytesMax&& offsetof(M, header) == 0;

}  // namespace towpath::contract
