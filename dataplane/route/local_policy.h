// SPDX-License-Identifier: BSD-3-Clause
// What the box itself is: its addresses, the pool that it translates to, the ports that its host
// keeps, and who may talk to it (decisions.md N10, N18). Immutable, part of a generation; built off
// the data path from plain settings. Knows nothing of mappings.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "dataplane/packet/interface.h"
#include "dataplane/packet/prefix_set.h"
#include "dataplane/route/tunnel_reach.h"
#include "dataplane/wire/address.h"

namespace towpath::route {

// One line of local.allow. Unset parts match anything.
struct LocalRule {
    InterfaceId interface = kNoInterface;  // kNoInterface: any
    Ipv4Prefix from{};                     // 0.0.0.0/0: any
    std::uint8_t ip_protocol = 0;          // 0: any
    std::uint16_t port_first = 0;          // destination ports, inclusive; unused for ICMP
    std::uint16_t port_last = 65535;
};

struct LocalSettings {
    std::vector<LocalRule> allow;  // beside the default of N18
    std::vector<Ipv4Prefix> inside_sources;
    std::vector<Ipv4Address> pool;
    std::vector<Ipv4Address> realm_addresses;  // own ones, to which peers of tunnels are translated
    std::bitset<65536> reserved_ports;         // never given to mappings on a shared address (N10)
    std::vector<Port> tunnel_ports;            // where WireGuard listens; reserved as well (W9)
    std::vector<TunnelLimit> tunnel_limits;
    // The host's ephemeral ports: replies to its own connections come in here, so TCP segments
    // other than a first SYN, and UDP, are let in from anywhere.
    std::uint16_t host_port_first = 61000;
    std::uint16_t host_port_last = 65535;
};

// What an address is to us. All false: a stranger. One byte, so that it travels in a register.
struct AddressUse {
    bool is_own : 1 = false;        // of an interface
    bool is_pool : 1 = false;       // mappings live on it; own and pool: shared (N10)
    bool is_realm : 1 = false;      // own, and mappings of tunnels' peers live on it (W13)
    bool is_broadcast : 1 = false;  // all host bits set in a connected prefix shorter than 31 bits
    [[nodiscard]] bool is_ours() const noexcept { return is_own || is_pool; }
};

class LocalPolicy {
public:
    LocalPolicy() : LocalPolicy{LocalSettings{}, InterfaceTable{}} {}
    LocalPolicy(const LocalSettings& settings, const InterfaceTable& interfaces);

    [[nodiscard, gnu::always_inline]] AddressUse use_of(Ipv4Address address) const noexcept {
        return is_stranger(address) ? AddressUse{} : find_use(address);
    }
    // True: certainly all false. Asked first, because almost every address is a stranger's.
    [[nodiscard, gnu::always_inline]] bool is_stranger(Ipv4Address address) const noexcept {
        const std::uint32_t bit = mixed(address) >> kFilterShift;
        return (filter_[bit / 64] >> (bit % 64) & 1U) == 0;
    }
    // Whether local.allow or the default lets a packet with these attributes reach the host.
    [[nodiscard]] bool allows(const Interface& ingress, Ipv4Address source,
                              std::uint8_t ip_protocol, Port destination_port) const noexcept;
    // The same of an IPv6 packet, which only rules for any source let through.
    [[nodiscard]] bool allows_any_source(const Interface& ingress, std::uint8_t ip_protocol,
                                         Port destination_port) const noexcept;
    [[nodiscard]] bool is_host_port(Port port) const noexcept {
        return port.number() >= host_port_first_ && port.number() <= host_port_last_;
    }
    [[nodiscard]] bool is_reserved(Port port) const noexcept {
        return reserved_ports_[port.number()];
    }
    // A UDP port of our own addresses where WireGuard listens; no rule is asked about it.
    [[nodiscard]] bool is_tunnel_port(Port port) const noexcept {
        return std::find(tunnel_ports_.begin(), tunnel_ports_.end(), port) != tunnel_ports_.end();
    }
    [[nodiscard]] bool has_tunnel_ports() const noexcept { return !tunnel_ports_.empty(); }
    [[nodiscard]] const TunnelReach& reach() const noexcept { return reach_; }
    [[nodiscard]] const PrefixSet& inside_sources() const noexcept { return inside_sources_; }
    [[nodiscard]] const std::vector<Ipv4Address>& pool() const noexcept { return pool_; }

private:
    // 0.0.0.0 is nobody's address, so it marks a free slot. So many of them that an address is
    // almost always found at once: with two pool addresses of which one is found at the second
    // look, the processor foresees nothing.
    static constexpr std::uint32_t kEmpty = 0;
    static constexpr std::size_t kSlotsPerAddress = 16;
    struct Slot {
        std::uint32_t address = kEmpty;
        AddressUse use;
    };
    [[nodiscard]] static std::uint32_t mixed(Ipv4Address address) noexcept {
        return address.bits() * 0x9E3779B1U;
    }
    [[nodiscard]] std::size_t slot_of(Ipv4Address address) const noexcept {
        return (mixed(address) >> 8U) & mask_;
    }
    [[nodiscard]] AddressUse find_use(Ipv4Address address) const noexcept;
    AddressUse& use_at(Ipv4Address address) noexcept;

    std::vector<Slot> slots_;
    std::size_t mask_ = 0;
    static constexpr unsigned kFilterBits = 4096;  // 50 and more for each of 80 pool addresses
    static constexpr unsigned kFilterShift = 20;   // keeps 12 bits of 32
    std::array<std::uint64_t, kFilterBits / 64> filter_{};
    PrefixSet inside_sources_;
    std::vector<LocalRule> allow_;
    std::vector<Ipv4Address> pool_;
    std::vector<Port> tunnel_ports_;
    std::bitset<65536> reserved_ports_;
    std::uint16_t host_port_first_;
    std::uint16_t host_port_last_;
    TunnelReach reach_;
};

}  // namespace towpath::route
