// SPDX-License-Identifier: BSD-3-Clause
// What somebody asks of a port, and what a port reports: plain values that every driver shares.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/wire/address.h"

namespace towpath::port {

// automatic: af_xdp for a kernel netdev, pci for a device bound to a user-space driver (N19).
enum class Driver : std::uint8_t { automatic, pci, af_xdp, af_packet, memif, tap, pcap };

// Which device; at least one is given for pci, af_xdp, af_packet and automatic. For tap
// `kernel_name` names the netdev that is made.
struct PortMatch {
    std::string kernel_name;  // "wan0"
    std::string pci_address;  // "0000:00:04.0"
    std::optional<MacAddress> mac;
};

struct MemifRequest {
    std::string socket_path;
    std::uint32_t id = 0;
    bool is_server = true;  // listens; the other side connects
};

struct PcapRequest {
    std::string receive_file;   // replayed once; empty: nothing is received
    std::string transmit_file;  // replaced; empty: what is transmitted is thrown away
};

// Traffic to the interface's own addresses that af_xdp leaves to the kernel. With Protocol::icmp
// the ports are Identifiers of answers to the host's own queries; 0 alone means every one of them.
struct KernelTraffic {
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;        // destination
    std::uint16_t port_last = 0;   // inclusive end of a range; below `port`: that port alone
    bool any_destination = false;  // not only own addresses: DHCP, before there is one
};

struct PortRequest {
    std::string name;  // of the interface in the configuration: what messages say
    PortMatch match{};
    Driver driver = Driver::automatic;
    std::uint16_t mtu_bytes = 0;  // 0: as the device has it
    std::uint16_t receive_queues = 1;
    std::uint16_t transmit_queues = 1;
    bool adopt_address = false;  // take over kernel addresses instead of refusing them (N9)
    // Where adopted addresses are written down, so that a killed process loses none of them; of an
    // af_packet port. Empty: nowhere.
    std::string adopted_file{};
    MemifRequest memif{};
    PcapRequest pcap{};
    std::vector<KernelTraffic> kernel_traffic{};
    // The interface's addresses, for drivers that leave traffic to the kernel by destination.
    std::vector<Ipv4Address> own_addresses{};
    bool speaks_ipv6 = false;  // the interface has IPv6 addresses, likewise
};

struct PortStatistics {
    std::uint64_t receive_packets = 0;
    std::uint64_t receive_bytes = 0;
    std::uint64_t receive_missed = 0;  // lost before receive: ring full, no buffer
    std::uint64_t transmit_packets = 0;
    std::uint64_t transmit_bytes = 0;
    std::uint64_t transmit_refused = 0;    // offered and handed back
    std::uint64_t checksum_completed = 0;  // N7
};

}  // namespace towpath::port
