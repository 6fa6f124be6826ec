// SPDX-License-Identifier: BSD-3-Clause
// Questions about the running data plane and their answers. Reading disturbs no worker: counters
// are read as they stand; look-ups of mappings are answered by the owner (decisions.md N4).
#pragma once

#include "dataplane/contract/header.h"
#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/world.h"

namespace towpath::contract {

inline constexpr std::size_t kReasonsMax = 192;
inline constexpr std::size_t kStagesMax = 32;
inline constexpr std::size_t kWorkersMax = 16;
inline constexpr std::size_t kReasonsPerReply = 32;
inline constexpr std::size_t kInterfacesPerReply = 8;
inline constexpr std::size_t kMappingsPerReply = 64;
inline constexpr std::size_t kRemotesPerReply = 64;
inline constexpr std::size_t kPortRowsPerReply = 64;
inline constexpr std::size_t kEventsPerBatch = 64;

enum class LookupSide : std::uint8_t { any, inside, outside, count };
enum class MappingKind : std::uint8_t { udp, tcp, icmp, count };

// A query without parameters.
template <MessageType Type>
struct PlainQuery {
    static constexpr MessageType kType = Type;
    Header header = header_of<PlainQuery>();
};
using StatusQuery = PlainQuery<MessageType::status_query>;
using CountersQuery = PlainQuery<MessageType::counters_query>;      // one reply per worker
using ReasonsQuery = PlainQuery<MessageType::reasons_query>;        // replies in parts
using InterfacesQuery = PlainQuery<MessageType::interfaces_query>;  // replies in parts
using PortUsageQuery = PlainQuery<MessageType::port_usage_query>;   // replies in parts
using StartQuery = PlainQuery<MessageType::start_query>;
using EventsSubscribe = PlainQuery<MessageType::events_subscribe>;  // event batches from now on
static_assert(sizeof(StatusQuery) == 16 && kIsMessage<StatusQuery>);

struct StatusReply {
    static constexpr MessageType kType = MessageType::status_reply;
    Header header = header_of<StatusReply>();
    std::uint64_t generation = 0;
    std::uint64_t uptime_s = 0;
    std::array<std::uint64_t, 3> mappings{};  // live, by MappingKind
    std::uint64_t sessions = 0;
    std::uint64_t mapping_capacity = 0;
    std::uint64_t session_capacity = 0;
    std::uint64_t buffers = 0;
    std::uint64_t buffers_free = 0;
    std::uint64_t events_lost = 0;
    std::uint32_t workers = 0;
    DataplaneState state = DataplaneState::waiting_for_start;
    std::uint8_t has_software_distribution = 0;  // decisions.md N11
    std::uint8_t uses_hugepages = 0;
    std::uint8_t reserved = 0;
    Text<1024> notes;  // what runs degraded; sentences separated by "; "
};
static_assert(sizeof(StatusReply) == 16 + 88 + 8 + 1024 && kIsMessage<StatusReply>);

struct StageRow {
    std::uint64_t packets = 0;
    std::uint64_t cycles = 0;
};

struct InterfaceRow {
    std::uint64_t receive_packets = 0;
    std::uint64_t receive_bytes = 0;
    std::uint64_t transmit_packets = 0;
    std::uint64_t transmit_bytes = 0;
    std::uint64_t address_conflicts =
        0;  // ARP or ND messages of others that claim an address of ours
};

// The counters of one worker.
struct CountersReply {
    static constexpr MessageType kType = MessageType::counters_reply;
    Header header = header_of<CountersReply>();
    std::uint32_t workers = 0;  // a query has this many replies
    std::uint32_t worker = 0;
    std::uint32_t core = 0;
    std::uint32_t reserved = 0;
    std::uint64_t busy_ns = 0;
    std::uint64_t idle_ns = 0;
    std::uint64_t received = 0;
    std::uint64_t resumed = 0;
    std::uint64_t released = 0;
    std::uint64_t originated = 0;
    std::uint64_t transmitted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t punted = 0;
    std::uint64_t handed_off = 0;
    std::uint64_t held = 0;
    std::uint64_t absorbed = 0;
    std::uint64_t checksum_completed = 0;
    std::uint64_t icmp_errors_over_rate = 0;         // suppressed; the packets are in `drops`
    std::uint64_t icmp_errors_repeated = 0;          // the same
    std::array<std::uint64_t, kReasonsMax> drops{};  // by the index of a ReasonRow
    std::array<StageRow, kStagesMax> stages{};
    std::array<InterfaceRow, kPortsMax> interfaces{};
};
static_assert(sizeof(CountersReply) == 16 + 16 + 15 * 8 + 8 * kReasonsMax + 512 + 40 * kPortsMax &&
              kIsMessage<CountersReply>);

// Parts of an answer: rows [offset, offset + count) of `total`.
struct ReplyPart {
    std::uint32_t total = 0;
    std::uint32_t offset = 0;
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
};

enum class ReasonKind : std::uint8_t { drop, stage, count };

// The name of an index in CountersReply. So control needs no list of its own.
struct ReasonRow {
    std::uint16_t index = 0;
    ReasonKind kind = ReasonKind::drop;
    std::uint8_t reserved = 0;
    Text<44> name;
    Text<208> help;
};

struct ReasonsReply {
    static constexpr MessageType kType = MessageType::reasons_reply;
    Header header = header_of<ReasonsReply>();
    ReplyPart part;
    std::array<ReasonRow, kReasonsPerReply> rows{};
};
static_assert(sizeof(ReasonsReply) == 32 + 256 * kReasonsPerReply && kIsMessage<ReasonsReply>);

struct PortRow {
    std::uint8_t id = 0;
    std::uint8_t is_up = 0;
    std::uint8_t has_host = 0;  // a TAP carries the host's traffic (decisions.md N10)
    PortDriver driver = PortDriver::automatic;
    std::uint16_t mtu_bytes = 0;
    std::uint16_t receive_queues = 0;
    std::uint16_t transmit_queues = 0;
    MacAddress mac;
    Text<32> name;
    Text<464> notes;
};

struct InterfacesReply {
    static constexpr MessageType kType = MessageType::interfaces_reply;
    Header header = header_of<InterfacesReply>();
    ReplyPart part;
    std::array<PortRow, kInterfacesPerReply> rows{};
};
static_assert(sizeof(InterfacesReply) == 32 + 512 * kInterfacesPerReply &&
              kIsMessage<InterfacesReply>);

struct NatLookupQuery {
    static constexpr MessageType kType = MessageType::nat_lookup_query;
    Header header = header_of<NatLookupQuery>();
    EndpointField endpoint;
    MappingKind kind = MappingKind::udp;
    LookupSide side = LookupSide::any;
    std::array<std::uint8_t, 6> reserved{};
};
static_assert(sizeof(NatLookupQuery) == 32 && kIsMessage<NatLookupQuery>);

// Sessions are counted only with is_tracked (decisions.md N5).
struct MappingRow {
    EndpointField inside;
    EndpointField outside;
    MappingKind kind = MappingKind::udp;
    std::uint8_t worker = 0;
    Filtering filtering = Filtering::endpoint_independent;
    std::uint8_t is_tracked = 0;
    std::uint32_t age_s = 0;
    std::uint32_t idle_s = 0;
    std::uint32_t expires_s = 0;  // 0 with sessions: it ends with the last of them
    std::uint32_t sessions = 0;
};
static_assert(sizeof(MappingRow) == 16 + 20 &&
              std::has_unique_object_representations_v<MappingRow>);

// permitted: no connection; the inside sent there, so it may answer.
enum class RemoteState : std::uint8_t { permitted, opening, established, closing, count };

struct RemoteRow {
    EndpointField remote;  // port 0: any port of that address
    RemoteState state = RemoteState::permitted;
    std::array<std::uint8_t, 3> reserved{};
    std::uint32_t idle_s = 0;
};

// Of a tracked mapping its remotes, as many as fit; mapping.sessions says how many sessions it has.
struct NatLookupReply {
    static constexpr MessageType kType = MessageType::nat_lookup_reply;
    Header header = header_of<NatLookupReply>();
    std::uint8_t is_found = 0;
    std::array<std::uint8_t, 3> reserved{};
    std::uint32_t remote_count = 0;
    MappingRow mapping;
    std::array<RemoteRow, kRemotesPerReply> remotes{};
};
static_assert(sizeof(NatLookupReply) == 24 + 36 + 16 * kRemotesPerReply &&
              kIsMessage<NatLookupReply>);

// One page. cursor 0 begins; each reply says where the next page begins.
struct NatListQuery {
    static constexpr MessageType kType = MessageType::nat_list_query;
    Header header = header_of<NatListQuery>();
    std::uint64_t cursor = 0;
    std::uint32_t limit = kMappingsPerReply;  // 1 to kMappingsPerReply
    std::uint32_t reserved = 0;
};
static_assert(sizeof(NatListQuery) == 32 && kIsMessage<NatListQuery>);

struct NatListReply {
    static constexpr MessageType kType = MessageType::nat_list_reply;
    Header header = header_of<NatListReply>();
    std::uint64_t next_cursor = 0;  // 0: this was the last page
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
    std::array<MappingRow, kMappingsPerReply> rows{};
};
static_assert(sizeof(NatListReply) == 32 + 36 * kMappingsPerReply && kIsMessage<NatListReply>);

struct PortUsageRow {
    Ipv4Address address;
    MappingKind kind = MappingKind::udp;
    std::array<std::uint8_t, 3> reserved{};
    std::uint32_t in_use = 0;
    std::uint32_t free = 0;
    std::uint32_t not_for_mappings = 0;  // reserved ports inside the port range
    std::uint32_t held_down = 0;
    std::uint64_t failures = 0;  // creations refused for want of a port, since start
};

struct PortUsageReply {
    static constexpr MessageType kType = MessageType::port_usage_reply;
    Header header = header_of<PortUsageReply>();
    ReplyPart part;
    std::array<PortUsageRow, kPortRowsPerReply> rows{};
};
static_assert(sizeof(PortUsageReply) == 32 + 32 * kPortRowsPerReply && kIsMessage<PortUsageReply>);

// begin, exists..., end: the resync of one worker after events were lost or a subscription began.
enum class EventKind : std::uint8_t { created, deleted, begin, exists, end, count };

struct EventRow {
    std::uint64_t time_ms = 0;  // of the data plane's monotonic clock
    EventKind kind = EventKind::created;
    MappingKind mapping = MappingKind::udp;
    std::uint8_t worker = 0;
    std::uint8_t is_tracked = 0;  // not translated, only remembered: both endpoints are equal
    EndpointField inside;
    EndpointField outside;
    std::uint32_t reserved_tail = 0;
};

struct EventBatch {
    static constexpr MessageType kType = MessageType::event_batch;
    Header header = header_of<EventBatch>();
    std::uint64_t lost = 0;  // since start, all workers
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
    std::array<EventRow, kEventsPerBatch> rows{};
};
static_assert(sizeof(EventBatch) == 32 + 32 * kEventsPerBatch && kIsMessage<EventBatch>);

}  // namespace towpath::contract
