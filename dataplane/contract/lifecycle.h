// SPDX-License-Identifier: BSD-3-Clause
// Messages about the life of the two processes: hello, start, applied, refused, link changes.
// `start` is accepted once in the life of a data plane; a different one is refused with
// "restart needed" (decisions.md N14).
#pragma once

#include "dataplane/contract/header.h"

namespace towpath::contract {

inline constexpr std::size_t kPortsMax = 32;  // packet/interface.h holds as many
inline constexpr std::size_t kTunnelsMax = 16;
inline constexpr std::size_t kCoresMax = 256;         // core numbers below this may be named
inline constexpr std::size_t kKernelTrafficMax = 32;  // per port

using CoreMask = std::array<std::uint64_t, kCoresMax / 64>;

enum class DataplaneState : std::uint8_t { waiting_for_start, forwarding, count };
enum class CoreChoice : std::uint8_t { automatic, listed, count };
enum class IdleMode : std::uint8_t { adaptive, busy_poll, count };
enum class HugepageMode : std::uint8_t { automatic, never, required, count };
enum class PortDriver : std::uint8_t { automatic, pci, af_xdp, af_packet, memif, tap, pcap, count };
enum class PortMatch : std::uint8_t { kernel_name, pci_address, mac, none, count };
enum class MemifRole : std::uint8_t { client, server, count };

// First message of a client.
struct HelloControl {
    static constexpr MessageType kType = MessageType::hello_control;
    Header header = header_of<HelloControl>();
    Text<32> build;
};
static_assert(sizeof(HelloControl) == 48 && kIsMessage<HelloControl>);

// Answer to the hello, and its only answer unless the client is refused.
struct HelloDataplane {
    static constexpr MessageType kType = MessageType::hello_dataplane;
    Header header = header_of<HelloDataplane>();
    std::uint64_t start_id = 0;    // drawn when the process started: another one, another process
    std::uint64_t generation = 0;  // applied last; 0: none
    std::uint64_t index_key = 0;   // of the permutation behind receiver indices (decisions.md W4)
    std::uint32_t process_id = 0;
    DataplaneState state = DataplaneState::waiting_for_start;
    std::array<std::uint8_t, 3> reserved{};
    Text<32> build;
    Text<32> instance;
};
static_assert(sizeof(HelloDataplane) == 112 && kIsMessage<HelloDataplane>);

// Traffic that an af_xdp port leaves to the kernel, by destination port; 0 to 0: every packet of
// the protocol.
struct KernelTraffic {
    PortRangeField ports;
    std::uint8_t protocol = 0;
    std::array<std::uint8_t, 3> reserved{};
    friend bool operator==(const KernelTraffic&, const KernelTraffic&) = default;
};

// A port to open; its position in Start::ports is the InterfaceId.
struct PortStart {
    Text<32> name;       // of the interface in the configuration
    Text<64> match;      // kernel name, PCI address or MAC, by match_kind
    Text<108> socket;    // memif
    Text<128> receive;   // pcap file to replay
    Text<128> transmit;  // pcap file to capture into
    std::array<KernelTraffic, kKernelTrafficMax> kernel_traffic{};
    std::uint16_t mtu_bytes = 1500;
    std::uint16_t receive_queues = 0;   // 0: as many as there are workers
    std::uint16_t transmit_queues = 0;  // 0: as many as there are workers
    std::uint16_t reserved_head = 0;
    std::uint32_t memif_id = 0;
    PortDriver driver = PortDriver::automatic;
    PortMatch match_kind = PortMatch::none;
    MemifRole memif_role = MemifRole::client;
    std::uint8_t adopts_address = 0;  // decisions.md N9
    std::uint8_t kernel_traffic_count = 0;
    std::array<std::uint8_t, 3> reserved{};
    friend bool operator==(const PortStart&, const PortStart&) = default;
};
static_assert(sizeof(PortStart) == 736 && std::has_unique_object_representations_v<PortStart>);

// A WireGuard interface; its interface id follows those of the ports.
struct TunnelStart {
    Text<32> name;  // also of the host's TUN device (decisions.md W10)
    friend bool operator==(const TunnelStart&, const TunnelStart&) = default;
};

// Everything that is fixed for the life of the data plane.
struct StartSettings {
    Text<32> instance;
    CoreMask cores{};  // with CoreChoice::listed
    std::uint64_t mappings = 0;
    std::uint64_t sessions = 0;
    std::uint64_t memory_bytes = 0;           // 0: computed from the capacities
    std::uint32_t pool_addresses = 0;         // most addresses that any later pool may have
    std::uint32_t buffers = 0;                // packet buffers; 0: computed
    std::uint32_t fragment_contexts = 0;      // per worker
    std::uint32_t routes = 0;                 // most routes; 0: kRoutesMax
    PortRangeField host_ports{61000, 65535};  // decisions.md N10
    CoreChoice core_choice = CoreChoice::automatic;
    IdleMode idle = IdleMode::adaptive;
    HugepageMode hugepages = HugepageMode::automatic;
    std::uint8_t port_count = 0;
    std::array<PortStart, kPortsMax> ports{};
    std::uint32_t peers = 0;            // most peers of all tunnels together
    std::uint32_t tunnel_prefixes = 0;  // most allowed IPs of all of them
    std::uint8_t tunnel_count = 0;      // port_count + tunnel_count <= kPortsMax
    std::array<std::uint8_t, 7> reserved{};
    std::array<TunnelStart, kTunnelsMax> tunnels{};
    friend bool operator==(const StartSettings&, const StartSettings&) = default;
};
static_assert(sizeof(StartSettings) == 32 + 32 + 24 + 16 + 8 + 736 * 32 + 16 + 32 * kTunnelsMax);

struct Start {
    static constexpr MessageType kType = MessageType::start;
    Header header = header_of<Start>();
    StartSettings settings;
};
static_assert(sizeof(Start) == 16 + sizeof(StartSettings) && kIsMessage<Start>);

// Answer to a start_query: what the data plane was started with, so that a control with another
// configuration can state what is live of it and name what needs a restart. Zero while it waits.
struct StartReply {
    static constexpr MessageType kType = MessageType::start_reply;
    Header header = header_of<StartReply>();
    StartSettings settings;
};
static_assert(sizeof(StartReply) == sizeof(Start) && kIsMessage<StartReply>);

// Answer to an accepted start, and to an equal one later.
struct Started {
    static constexpr MessageType kType = MessageType::started;
    Header header = header_of<Started>();
    CoreMask cores{};  // what `auto` came to
    std::uint32_t workers = 0;
    std::uint8_t uses_hugepages = 0;
    std::array<std::uint8_t, 3> reserved{};
    Text<1024> notes;  // what was degraded; sentences separated by "; "
};
static_assert(sizeof(Started) == 16 + 32 + 8 + 1024 && kIsMessage<Started>);

// The start could not be done. The data plane exits with this code after sending it.
struct StartFailed {
    static constexpr MessageType kType = MessageType::start_failed;
    Header header = header_of<StartFailed>();
    std::uint32_t exit_code = 1;  // towpath::ExitCode
    std::uint32_t reserved = 0;
    Text<512> sentence;
};
static_assert(sizeof(StartFailed) == 16 + 8 + 512 && kIsMessage<StartFailed>);

// The generation is published, or the world was already like that.
struct Applied {
    static constexpr MessageType kType = MessageType::applied;
    Header header = header_of<Applied>();
    std::uint64_t generation = 0;
    std::uint8_t has_changed = 0;
    std::array<std::uint8_t, 7> reserved{};
};
static_assert(sizeof(Applied) == 32 && kIsMessage<Applied>);

// Why a message was not accepted. What was applied before stays applied.
struct Refused {
    static constexpr MessageType kType = MessageType::refused;
    Header header = header_of<Refused>();
    MessageType what{};              // the type of the refused message; 0: not even that was clear
    std::uint8_t needs_restart = 0;  // fixed at start, now different
    std::uint8_t closes = 0;         // the connection ends after this message
    std::uint32_t reserved = 0;
    Text<512> sentence;
};
static_assert(sizeof(Refused) == 16 + 8 + 512 && kIsMessage<Refused>);

// A port came or went (decisions.md N12). Sent without being asked.
struct LinkChange {
    static constexpr MessageType kType = MessageType::link_change;
    Header header = header_of<LinkChange>();
    std::uint8_t interface = 0;
    std::uint8_t is_up = 0;
    std::array<std::uint8_t, 6> reserved{};
};
static_assert(sizeof(LinkChange) == 24 && kIsMessage<LinkChange>);

}  // namespace towpath::contract
