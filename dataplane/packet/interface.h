// SPDX-License-Identifier: BSD-3-Clause
// An interface as stages see it: identity, addresses and role. Not the device behind it, which is a
// port::Port. Published inside an immutable generation; a reader may keep a reference for one
// burst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/address.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath {

// Index of an interface in the configuration's order; fixed for the life of the data plane.
enum class InterfaceId : std::uint8_t {};
inline constexpr InterfaceId kNoInterface{0xFF};
inline constexpr std::size_t kInterfacesMax = 32;
inline constexpr std::size_t kAddressesPerInterfaceMax = 16;
inline constexpr std::size_t kIpv6AddressesPerInterfaceMax = 8;

// Which side of the NAT an interface is on (decisions.md N18). `neutral` is routed, never
// translated.
enum class InterfaceRole : std::uint8_t { neutral, inside, outside };

struct InterfaceAddress {
    Ipv4Address address;
    Ipv4Prefix prefix;  // of the connected network
};

struct Ipv6InterfaceAddress {
    Ipv6Address address;
    Ipv6Prefix prefix;  // of the connected network
};

struct Interface {
    InterfaceId id = kNoInterface;
    InterfaceRole role = InterfaceRole::neutral;
    MacAddress mac;
    std::uint16_t mtu_bytes = 1500;  // of IP packets
    bool is_up = false;
    bool has_host = false;  // a TAP carries the host's own traffic (decisions.md N10)
    bool is_tunnel =
        false;  // WireGuard: packets to it are sealed, not framed; mtu of inner packets
    std::uint8_t address_count = 0;
    bool has_ipv6 = false;  // IPv6 is spoken here: else every IPv6 packet drops
    std::uint8_t ipv6_address_count = 0;
    std::array<InterfaceAddress, kAddressesPerInterfaceMax> address_storage{};
    std::array<Ipv6InterfaceAddress, kIpv6AddressesPerInterfaceMax> ipv6_storage{};
    Ipv6Address link_local;  // unspecified where there is no link, as in a tunnel

    [[nodiscard]] std::span<const InterfaceAddress> addresses() const noexcept {
        return {address_storage.data(), address_count};
    }
    [[nodiscard]] bool owns(Ipv4Address address) const noexcept {
        for (const InterfaceAddress& candidate : addresses()) {
            if (candidate.address == address) {
                return true;
            }
        }
        return false;
    }
    // Without the link-local one.
    [[nodiscard]] std::span<const Ipv6InterfaceAddress> ipv6_addresses() const noexcept {
        return {ipv6_storage.data(), ipv6_address_count};
    }
    [[nodiscard]] bool owns(const Ipv6Address& address) const noexcept {
        for (const Ipv6InterfaceAddress& candidate : ipv6_addresses()) {
            if (candidate.address == address) {
                return true;
            }
        }
        return address == link_local && !is_unspecified(address);
    }
};

// All interfaces, by id. Ids below `count` are valid; an interface that is gone stays with is_up
// false.
struct InterfaceTable {
    std::size_t count = 0;
    std::array<Interface, kInterfacesMax> storage{};

    [[nodiscard]] const Interface& operator[](InterfaceId id) const noexcept {
        return storage[static_cast<std::size_t>(id)];
    }
    [[nodiscard]] std::span<const Interface> all() const noexcept {
        return {storage.data(), count};
    }
    // The interface that carries `address` as its own, or null.
    [[nodiscard]] const Interface* owner_of(Ipv4Address address) const noexcept {
        for (const Interface& candidate : all()) {
            if (candidate.owns(address)) {
                return &candidate;
            }
        }
        return nullptr;
    }
};

}  // namespace towpath
