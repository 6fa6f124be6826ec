// SPDX-License-Identifier: BSD-3-Clause
// What the API, the metrics page and the client can know and ask of the control process: plain
// values behind one interface. All calls are made on the event loop's thread; questions that only
// the data plane can answer take a continuation, which is called once, on the same thread, never
// from inside the call.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/tunnel_model.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/result.h"

namespace towpath::control {

// not_answering: connected, but its periodic queries stay without an answer.
enum class DataplaneLink : std::uint8_t { disconnected, starting, forwarding, not_answering };

struct CoreStatus {
    std::uint32_t worker = 0;
    std::uint32_t core = 0;
    double busy_ratio = 0;  // over the last second, 0 to 1
};

// Where static routes lead.
struct NextHopModel {
    std::string interface;
    IpAddress address;
    std::string routes;  // the first one's prefix, and how many more
};

struct StatusModel {
    std::string version;
    std::string dataplane_version;  // empty while disconnected
    std::string instance;
    std::string config_file;
    DataplaneLink dataplane = DataplaneLink::disconnected;
    std::uint64_t dataplane_silent_s = 0;  // not_answering since; else 0
    std::uint64_t control_uptime_s = 0;
    std::uint64_t dataplane_uptime_s = 0;
    std::uint64_t dataplane_start_id = 0;
    std::uint32_t dataplane_restarts = 0;  // seen by this control
    std::uint64_t generation = 0;          // applied
    bool last_reload_ok = true;
    std::string last_reload_error;  // the first of its errors; empty while last_reload_ok
    std::string last_refusal;       // what the data plane said last time it refused something
    std::uint64_t mappings_udp = 0;
    std::uint64_t mappings_tcp = 0;
    std::uint64_t mappings_icmp = 0;
    std::uint64_t mapping_capacity = 0;
    std::uint64_t sessions = 0;
    std::uint64_t session_capacity = 0;
    std::uint64_t buffers = 0;
    std::uint64_t buffers_free = 0;
    std::uint64_t events_lost = 0;
    bool software_distribution = false;  // decisions.md N11
    bool hugepages = false;
    std::vector<CoreStatus> cores;
    std::vector<NextHopModel> dead_next_hops;  // nobody answers ARP or neighbour discovery
    std::vector<std::string> notes;            // what runs degraded
};

struct InterfaceModel {
    std::string name;
    std::string driver;
    std::string role;  // inside, outside, neutral
    std::string mac;
    std::vector<std::string> addresses;  // with prefix length
    bool is_reported = false;  // else this is only what the configuration says, and no figure
    bool is_up = false;
    bool has_host = false;
    std::uint16_t mtu_bytes = 0;
    std::uint16_t receive_queues = 0;
    std::uint16_t transmit_queues = 0;
    std::uint64_t receive_packets = 0;
    std::uint64_t receive_bytes = 0;
    std::uint64_t transmit_packets = 0;
    std::uint64_t transmit_bytes = 0;
    std::uint64_t address_conflicts =
        0;                          // ARP or ND messages of others that claim an address of ours
    double receive_bits_per_s = 0;  // over the last second
    double transmit_bits_per_s = 0;
    std::string notes;
};

struct RouteModel {
    std::string to;
    std::string via;        // empty: to whom it concerns directly, or into a tunnel
    std::string interface;  // empty: nowhere, such packets are refused
    std::string origin;     // connected, static, allowed-ips; own: an address of the box
    std::string peer;       // with allowed-ips
};

struct RoutesModel {
    std::vector<RouteModel> routes;
    std::size_t total = 0;  // as many as there are
};

struct DropModel {
    std::string reason;
    std::string help;
    std::uint64_t total = 0;
    double per_second = 0;
};

struct StageModel {
    std::string stage;
    std::uint64_t packets = 0;
    std::uint64_t cycles = 0;
};

// Sums over workers.
struct TotalsModel {
    std::uint64_t received = 0;
    std::uint64_t transmitted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t punted = 0;
    std::uint64_t handed_off = 0;
    std::uint64_t held = 0;
    std::uint64_t checksum_completed = 0;
    std::uint64_t icmp_errors_over_rate = 0;  // suppressed by the rate limit
    std::uint64_t icmp_errors_repeated = 0;   // suppressed: sent about the flow a moment before
    std::uint64_t mappings_created = 0;       // heard from the event stream (decisions.md N4)
    std::uint64_t mappings_deleted = 0;
    std::uint64_t events_lost = 0;
    std::uint64_t log_written = 0;  // records of the NAT log (nat.log), since control started
    std::uint64_t log_dropped = 0;  // its reader had no room for them
};

// A remote of a mapping that has sessions.
struct RemoteModel {
    Endpoint remote;    // port 0: any port of that address
    std::string state;  // permitted, opening, established, closing
    std::uint32_t idle_s = 0;
};

struct MappingModel {
    std::string protocol;  // udp, tcp, icmp
    Endpoint inside;
    Endpoint outside;
    std::string filtering;
    std::uint32_t worker = 0;
    std::uint32_t age_s = 0;
    std::uint32_t idle_s = 0;
    std::uint32_t expires_s = 0;  // 0 with sessions: it ends with the last of them
    bool is_tracked = false;      // false: sessions are not known (decisions.md N5)
    std::uint32_t sessions = 0;
    // Only of a look-up, and not more than the contract's kRemotesPerReply of them.
    std::vector<RemoteModel> remotes;
};

struct MappingPage {
    std::vector<MappingModel> mappings;
    std::uint64_t next_cursor = 0;  // 0: no more
};

struct PortUsageModel {
    Ipv4Address address;
    std::string protocol;
    std::uint32_t in_use = 0;
    std::uint32_t free = 0;
    std::uint32_t reserved = 0;
    std::uint32_t held_down = 0;
    std::uint64_t failures = 0;
};

// A next hop, by ARP or neighbour discovery.
struct NeighborModel {
    std::string interface;
    IpAddress address;
    MacAddress mac;           // of who does not answer zero
    std::string state;        // "reachable", "stale", "probe", "incomplete", "failed"
    std::uint32_t age_s = 0;  // since it was last heard
    [[nodiscard]] bool is_resolved() const noexcept { return mac != MacAddress{}; }
};

// One difference that a reload found.
struct ChangeModel {
    std::string what;  // "nat.timeouts", "interfaces.wan.driver"
    bool is_live = true;
};

struct ReloadResult {
    bool ok = false;
    std::vector<std::string> errors;  // file:line:column: error: ...; empty if ok
    std::vector<std::string> warnings;
    std::vector<ChangeModel> applied;
    std::vector<ChangeModel> needs_restart;  // held back
    std::uint64_t generation = 0;
};

struct CheckResult {
    bool ok = false;
    std::vector<std::string> errors;
    std::vector<std::string> warnings;
};

template <class T>
using Reply = std::function<void(Outcome<T>)>;

class ApiModel {
public:
    virtual ~ApiModel() = default;

    // From what control last heard (at most about a second old).
    [[nodiscard]] virtual StatusModel status() const = 0;
    [[nodiscard]] virtual std::vector<InterfaceModel> interfaces() const = 0;
    [[nodiscard]] virtual std::vector<DropModel> drops() const = 0;
    // As configured; those of packets to `towards`, or all up to `limit`.
    [[nodiscard]] virtual RoutesModel routes(const std::optional<IpAddress>& towards,
                                             std::size_t limit) const = 0;
    [[nodiscard]] virtual std::vector<StageModel> stages() const = 0;
    [[nodiscard]] virtual TotalsModel totals() const = 0;

    // Asked of the data plane; fails with ExitCode::unreachable while there is none, and after 2 s
    // without an answer. `protocol` is udp, tcp or icmp. No mapping: an empty optional.
    virtual void nat_lookup(const Endpoint& endpoint, Protocol protocol,
                            Reply<std::optional<MappingModel>> reply) = 0;
    virtual void nat_list(std::uint64_t cursor, std::uint32_t limit, Reply<MappingPage> reply) = 0;
    virtual void port_usage(Reply<std::vector<PortUsageModel>> reply) = 0;
    // In the order of interfaces and addresses.
    virtual void neighbors(Reply<std::vector<NeighborModel>> reply) = 0;

    // WireGuard, as it is in force: tunnels from what control knows, at once.
    [[nodiscard]] virtual std::vector<TunnelModel> tunnels() const = 0;
    // Asked of the data plane, as above; cursor 0 begins.
    virtual void peer_list(std::uint64_t cursor, Reply<PeerPage> reply) = 0;
    [[nodiscard]] virtual std::vector<TunnelKeysModel> tunnel_keys() const = 0;
    // Whether metrics have a series per peer (management.metrics-per-peer).
    [[nodiscard]] virtual bool shows_peer_metrics() const = 0;
    // Begins a handshake with every peer whose endpoint is known.
    virtual RekeyModel rekey_all() = 0;
    // The greatest time stamp heard of the peer is forgotten (decisions.md W20). `peer` is its name
    // or its public key in base64, or the beginning of that. Fails if that is not one peer.
    virtual Outcome<void> forget_timestamp(const std::string& peer) = 0;

    // Reads the configuration file again and applies what can be applied live. Fails with
    // ExitCode::unreachable, within 8 s, if the data plane does not answer; a valid configuration
    // is applied when it does.
    virtual void reload(Reply<ReloadResult> reply) = 0;
    // Checks a text as if it were the configuration; changes nothing.
    [[nodiscard]] virtual CheckResult check(const std::string& text) const = 0;
};

}  // namespace towpath::control
