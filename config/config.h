// SPDX-License-Identifier: BSD-3-Clause
// What the operator asked for, as values: the result of reading one configuration file. Immutable
// by convention: made whole by parse() and checked by validate(), then only read.
//
// Not the data plane's view: names are still names (an interface in nat.inside, a pool entry).
// config/derive.h answers what they resolve to. Every member holds its default, so a Config made in
// a test is the Config of an empty file. Addresses are host values, times in seconds, sizes in
// bytes. Shapes: operator.md section 5, decisions.md N10, N18, N19.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/tunnel.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath::config {

// Stated limits of a configuration; one past each is refused by validate().
inline constexpr std::size_t kInterfacesMax = 32;
inline constexpr std::size_t kAddressesPerInterfaceMax = 16;
inline constexpr std::size_t kIpv6AddressesPerInterfaceMax = 8;
inline constexpr std::size_t kStaticRoutesMax = 4096;
inline constexpr std::size_t kPoolAddressesMax = 256;
inline constexpr std::size_t kSourcesMax = 256;
inline constexpr std::size_t kLocalRulesMax = 256;
inline constexpr std::size_t kKernelTrafficMax = 32;
inline constexpr std::size_t kReservedRangesMax = 64;
inline constexpr std::size_t kCoresMax = 16;

// first <= last, both inclusive.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    friend bool operator==(const PortRange&, const PortRange&) = default;
};

enum class Idle : std::uint8_t { adaptive, busy_poll };
enum class Driver : std::uint8_t { automatic, pci, af_xdp, af_packet, memif, tap, pcap };
enum class Filtering : std::uint8_t {
    endpoint_independent,
    address_dependent,
    address_and_port_dependent,
};
// Where a line of JSON per creation and end of a mapping goes (nat-behaviour.md 17.5).
enum class JsonLog : std::uint8_t { off, standard_error };
// What a private host hears when no mapping can be made (nat-behaviour.md section 2, decision 1).
enum class ExhaustionIcmp : std::uint8_t { host_unreachable, admin_prohibited, silent };

struct Hugepages {
    enum class Mode : std::uint8_t { automatic, off, size };
    Mode mode = Mode::automatic;
    std::uint64_t size_bytes = 0;  // of Mode::size
    friend bool operator==(const Hugepages&, const Hugepages&) = default;
};

// Fixed for the life of the data plane (decisions.md N14).
struct Dataplane {
    std::vector<unsigned> cores;  // ascending; empty is `auto`: cpuset and quota decide
    Hugepages hugepages;
    Idle idle = Idle::adaptive;
    std::size_t buffers = 0;  // packet buffers; 0 is `auto`
    friend bool operator==(const Dataplane&, const Dataplane&) = default;
};

// Which device an interface is. Exactly one is set, except for memif and pcap, which have none.
struct Match {
    std::string name;  // of the kernel
    std::string pci;   // "0000:3b:00.0"
    std::optional<MacAddress> mac;
    friend bool operator==(const Match&, const Match&) = default;
};

struct InterfaceAddress {
    Ipv4Address address;
    Ipv4Prefix prefix;  // of the connected network
    friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct Ipv6InterfaceAddress {
    Ipv6Address address;
    Ipv6Prefix prefix;  // of the connected network
    friend bool operator==(const Ipv6InterfaceAddress&, const Ipv6InterfaceAddress&) = default;
};

struct Memif {
    enum class Role : std::uint8_t { server, client };
    std::string socket;
    Role role = Role::server;
    std::uint32_t id = 0;
    friend bool operator==(const Memif&, const Memif&) = default;
};

struct Pcap {
    std::string receive;   // replayed in
    std::string transmit;  // captured out
    friend bool operator==(const Pcap&, const Pcap&) = default;
};

// Traffic to the interface's addresses that an af_xdp port leaves to the kernel. `icmp` has no
// ports: 0 to 0.
struct KernelTraffic {
    Protocol protocol = Protocol::tcp;
    PortRange ports;
    friend bool operator==(const KernelTraffic&, const KernelTraffic&) = default;
};

inline constexpr std::uint16_t kMtuLeast_bytes = 576;  // of an interface; RFC 791 section 3.1
inline constexpr std::uint16_t kMtuMost_bytes = 9216;

struct Interface {
    std::string name;
    Match match;
    Driver driver = Driver::automatic;
    std::vector<InterfaceAddress> addresses;
    std::vector<Ipv6InterfaceAddress> ipv6_addresses;
    std::uint16_t mtu_bytes = 1500;  // of IP packets
    std::uint16_t queues = 0;        // receive queues; 0 is `auto`
    bool adopt_address = false;      // a kernel address on the port is tolerated (N9)
    Memif memif;
    Pcap pcap;
    // Unset: SSH and DHCP. Only af_xdp reads it.
    std::vector<KernelTraffic> kernel_traffic = {{Protocol::tcp, {22, 22}},
                                                 {Protocol::udp, {67, 68}}};
    friend bool operator==(const Interface&, const Interface&) = default;
};

// At least one of via and interface is set; both addresses are of one family.
struct StaticRoute {
    IpPrefix to;
    std::optional<IpAddress> via;
    std::string interface;  // empty: the interface whose connected network holds `via`
    friend bool operator==(const StaticRoute&, const StaticRoute&) = default;
};

// The name of an interface (all of its addresses), or an inclusive range of addresses.
struct PoolEntry {
    std::string interface;
    Ipv4Address first;
    Ipv4Address last;
    friend bool operator==(const PoolEntry&, const PoolEntry&) = default;
};

struct FilteringByProtocol {
    Filtering udp = Filtering::endpoint_independent;
    Filtering tcp = Filtering::address_and_port_dependent;
    Filtering icmp = Filtering::endpoint_independent;
    friend bool operator==(const FilteringByProtocol&, const FilteringByProtocol&) = default;
};

// nat-behaviour.md section 5.
struct Timeouts {
    std::chrono::seconds udp{300};
    std::chrono::seconds udp_unreplied{120};
    std::chrono::seconds tcp_established{7440};
    std::chrono::seconds tcp_open{240};
    std::chrono::seconds tcp_close{240};
    std::chrono::seconds icmp{60};
    std::chrono::seconds port_hold{120};
    bool allow_below_floor = false;  // the explicit override of BAD-CFG-03
    friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

// Capacities: fixed for the life of the data plane.
struct Limits {
    std::size_t mappings = 262'144;
    std::size_t sessions = 262'144;
    std::size_t pool_addresses = 16;
    friend bool operator==(const Limits&, const Limits&) = default;
};

struct Nat {
    bool is_enabled = false;  // the section is present
    std::vector<std::string> inside;
    std::string outside;
    std::vector<PoolEntry> pool;     // unset in the file: the outside interface
    std::vector<Ipv4Prefix> source;  // empty: what inside interfaces reach (N19)
    PortRange ports{1024, 65535};
    std::vector<PortRange> reserve_ports;
    FilteringByProtocol filtering;
    Timeouts timeouts;
    Limits limits;
    bool hairpin = true;
    bool clamp_mss = true;
    bool udp_inbound_refresh = false;
    bool rewrite_identification = true;
    bool reject_syns = false;  // T-04.2
    ExhaustionIcmp exhaustion_icmp = ExhaustionIcmp::host_unreachable;
    JsonLog json_log = JsonLog::off;
    friend bool operator==(const Nat&, const Nat&) = default;
};

// Who may talk to the box itself (N18). `interface` empty and `prefix` unset: anybody.
struct LocalRule {
    std::string interface;
    std::optional<Ipv4Prefix> prefix;
    Protocol protocol = Protocol::tcp;
    PortRange ports{0, 65535};  // ignored for icmp
    friend bool operator==(const LocalRule&, const LocalRule&) = default;
};

// Ports of a shared address that belong to the host (N10): `ephemeral` becomes the kernel's
// net.ipv4.ip_local_port_range, `services` are never given to a mapping either.
struct HostPorts {
    PortRange ephemeral{61000, 65535};
    std::vector<PortRange> services;
    friend bool operator==(const HostPorts&, const HostPorts&) = default;
};

struct Management {
    std::string api_socket;           // empty: api.sock in the run directory
    std::optional<Endpoint> metrics;  // TCP address of the Prometheus text
    bool has_peer_metrics = false;    // a series per WireGuard peer in it
    friend bool operator==(const Management&, const Management&) = default;
};

struct Config {
    Dataplane dataplane;
    std::vector<Interface> interfaces;  // in the order of the file: the order of InterfaceId
    std::vector<Tunnel> tunnels;        // likewise; their ids follow those of the interfaces
    std::vector<StaticRoute> routes;
    Nat nat;
    std::vector<LocalRule> local_allow;
    HostPorts host_ports;
    Management management;
    friend bool operator==(const Config&, const Config&) = default;

    [[nodiscard]] const Interface* find_interface(std::string_view name) const noexcept {
        for (const Interface& candidate : interfaces) {
            if (candidate.name == name) {
                return &candidate;
            }
        }
        return nullptr;
    }
    [[nodiscard]] const Tunnel* find_tunnel(std::string_view name) const noexcept {
        for (const Tunnel& candidate : tunnels) {
            if (candidate.name == name) {
                return &candidate;
            }
        }
        return nullptr;
    }
    [[nodiscard]] bool has_interface(std::string_view name) const noexcept {
        return find_interface(name) != nullptr || find_tunnel(name) != nullptr;
    }
};

}  // namespace towpath::config
