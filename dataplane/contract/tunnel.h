// SPDX-License-Identifier: BSD-3-Clause
// Messages about WireGuard: the peers of the tunnels, their sessions, and the handshake packets
// that control makes and reads. Peers are stated as a transaction of their own, so that one peer of
// a hundred thousand changes without the others being named again (decisions.md W12). Sessions are
// no desired state: each is installed once (W1).
#pragma once

#include "dataplane/contract/header.h"
#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/world.h"
#include "dataplane/wire/ip_address.h"

namespace towpath::contract {

inline constexpr std::uint32_t kPeersMax = 1U << 20U;
inline constexpr std::uint8_t kSessionWorkersMax = 16;
inline constexpr std::uint32_t kNoPeer = 0xFFFFFFFF;
inline constexpr std::size_t kHandshakeBytesMax = 148;  // an initiation, the longest of them
inline constexpr std::uint32_t kPeerPrefixesMax = 131072;
inline constexpr std::size_t kPeerPrefixesPerChunk = 256;
inline constexpr std::size_t kAllowedIpsInPeerSet = 4;
inline constexpr std::uint32_t kAdvertisedMax = 8192;  // of all tunnels
inline constexpr std::size_t kAdvertisedPerChunk = 256;
inline constexpr std::size_t kPeersPerReply = 128;
inline constexpr std::size_t kSessionsPerReply = 256;
inline constexpr std::size_t kHandshakesPerBatch = 64;
inline constexpr std::size_t kTunnelEventsPerBatch = 256;

using PublicKeyField = std::array<std::byte, 32>;
using TransportKeyField = std::array<std::byte, 32>;
using TimestampField = std::array<std::byte, 12>;  // TAI64N as on the wire
using HandshakeField = std::array<std::byte, kHandshakeBytesMax>;

struct IpAddressField {
    std::array<std::uint8_t, 16> bytes{};
    IpFamily family = IpFamily::none;
    std::array<std::uint8_t, 3> reserved{};

    [[nodiscard]] static IpAddressField of(const IpAddress& address) noexcept;
    [[nodiscard]] IpAddress address() const noexcept;
    // A family, and nothing behind the bytes that it has.
    [[nodiscard]] bool is_valid() const noexcept;
    friend bool operator==(const IpAddressField&, const IpAddressField&) = default;
};

struct IpEndpointField {
    IpAddressField address;
    Port port;
    std::uint16_t reserved = 0;

    [[nodiscard]] static IpEndpointField of(const IpEndpoint& endpoint) noexcept {
        return {IpAddressField::of(endpoint.address), endpoint.port, 0};
    }
    [[nodiscard]] IpEndpoint endpoint() const noexcept { return {address.address(), port}; }
    friend bool operator==(const IpEndpointField&, const IpEndpointField&) = default;
};

struct IpPrefixField {
    IpAddressField address;  // no bit is set beyond the length
    std::uint8_t length = 0;
    std::array<std::uint8_t, 3> reserved{};

    [[nodiscard]] static IpPrefixField of(const IpPrefix& prefix) noexcept {
        return {IpAddressField::of(prefix.address()), prefix.length(), {}};
    }
    [[nodiscard]] IpPrefix prefix() const noexcept { return {address.address(), length}; }
    [[nodiscard]] bool is_valid() const noexcept;
    friend bool operator==(const IpPrefixField&, const IpPrefixField&) = default;
};

// A tunnel of the start message, by its interface id: which datagrams are for it and who it is.
// State, like interface_set; role, MTU and addresses are in the interface_set of the same id.
struct TunnelSet {
    static constexpr MessageType kType = MessageType::tunnel_set;
    Header header = header_of<TunnelSet>();
    std::uint8_t id = 0;            // of the interface: port_count + position in Start::tunnels
    std::uint8_t has_identity = 0;  // without one no handshake is answered
    std::uint16_t listen_port = 0;  // 0: not in use
    std::uint8_t is_limited = 0;    // reaches what advertise_chunks list for it, and no more
    std::uint8_t is_exit_node = 0;  // if limited: and what leaves by outside interfaces
    // Peers are translated to the address of the interface that is neither outside nor a tunnel and
    // by which they leave; advertise_chunks list the destinations for which it is the other way
    // round.
    std::uint8_t is_translated = 0;
    std::uint8_t is_stateful =
        0;  // others only answer what peers began, where nobody is translated
    std::array<std::byte, 32> mac1_key{};  // of our public key (wireguard.md section 3)
    friend bool operator==(const TunnelSet&, const TunnelSet&) = default;
};
static_assert(sizeof(TunnelSet) == 16 + 8 + 32 && kIsMessage<TunnelSet>);

// What a prefix is to a tunnel.
enum class AdvertisedUse : std::uint8_t { reached, translation_exception, count };

// Part of the list of what limited tunnels reach, and of the exceptions from their source NAT
// (decisions.md W13).
struct AdvertisedField {
    IpPrefixField prefix;
    std::uint8_t tunnel = 0;  // interface id
    AdvertisedUse use = AdvertisedUse::reached;
    std::array<std::uint8_t, 2> reserved{};
    friend bool operator==(const AdvertisedField&, const AdvertisedField&) = default;
};
struct AdvertiseChunk {
    static constexpr MessageType kType = MessageType::advertise_chunk;
    using Entry = AdvertisedField;
    static constexpr std::uint32_t kEntriesMax = kAdvertisedMax;
    Header header = header_of<AdvertiseChunk>();
    ListPart part;
    std::array<AdvertisedField, kAdvertisedPerChunk> entries{};
};
static_assert(sizeof(AdvertiseChunk) == 32 + 28 * kAdvertisedPerChunk &&
              kIsMessage<AdvertiseChunk>);

// Begins a transaction and forgets an unfinished one.
struct PeersBegin {
    static constexpr MessageType kType = MessageType::peers_begin;
    Header header = header_of<PeersBegin>();
    std::uint8_t is_whole = 0;  // at the commit, peers that were not stated are removed
    std::array<std::uint8_t, 7> reserved{};
};
static_assert(sizeof(PeersBegin) == 24 && kIsMessage<PeersBegin>);

// Absolute. Its allowed IPs are here if they are few; otherwise they follow in peer_prefix_chunks,
// with none here.
struct PeerSet {
    static constexpr MessageType kType = MessageType::peer_set;
    Header header = header_of<PeerSet>();
    std::uint32_t peer = 0;   // control's number for it, below Start::peers, while it exists
    std::uint8_t tunnel = 0;  // interface id
    std::uint8_t is_removed = 0;
    std::uint16_t persistent_keepalive_s = 0;  // 0: off
    PublicKeyField public_key{};
    IpEndpointField endpoint;  // as configured or resolved; of no family: none
    // Rises when the configured value changes: an endpoint is applied once, so that a restart of
    // control never undoes a peer's roaming (decisions.md W11).
    std::uint32_t endpoint_generation = 0;
    std::uint32_t allowed_ip_count = 0;
    std::array<IpPrefixField, kAllowedIpsInPeerSet> allowed_ips{};
};
static_assert(sizeof(PeerSet) == 16 + 8 + 32 + 24 + 8 + 24 * kAllowedIpsInPeerSet &&
              kIsMessage<PeerSet>);

// Part of the allowed IPs of the peer that was stated last. A prefix of another peer moves (W12).
struct PeerPrefixChunk {
    static constexpr MessageType kType = MessageType::peer_prefix_chunk;
    using Entry = IpPrefixField;
    static constexpr std::uint32_t kEntriesMax = kPeerPrefixesMax;
    Header header = header_of<PeerPrefixChunk>();
    std::uint32_t peer = 0;
    std::uint32_t reserved = 0;
    ListPart part;
    std::array<IpPrefixField, kPeerPrefixesPerChunk> entries{};
};
static_assert(sizeof(PeerPrefixChunk) == 40 + 24 * kPeerPrefixesPerChunk &&
              kIsMessage<PeerPrefixChunk>);

// Makes what was stated true. Answered by peers_applied, or refused as a whole.
struct PeersCommit {
    static constexpr MessageType kType = MessageType::peers_commit;
    Header header = header_of<PeersCommit>();
    std::uint64_t number = 0;  // comes back
};
static_assert(sizeof(PeersCommit) == 24 && kIsMessage<PeersCommit>);

struct PeersApplied {
    static constexpr MessageType kType = MessageType::peers_applied;
    Header header = header_of<PeersApplied>();
    std::uint64_t number = 0;
    std::uint32_t peers = 0;     // that exist now
    std::uint32_t prefixes = 0;  // of all of them
};
static_assert(sizeof(PeersApplied) == 32 && kIsMessage<PeersApplied>);

// One keypair, installed once: a known index is refused. The packet that goes with it (a response;
// nothing for an initiator, whose staged packets or keepalive the data plane sends itself) leaves
// after the session is in force (decisions.md W3).
struct SessionInstall {
    static constexpr MessageType kType = MessageType::session_install;
    Header header = header_of<SessionInstall>();
    std::uint32_t peer = 0;
    std::uint32_t index = 0;         // ours: a permuted slot and generation (W4)
    std::uint32_t remote_index = 0;  // the peer's
    std::uint8_t is_initiator = 0;
    std::uint8_t worker = 0;  // owner: where the last handshake message arrived
    std::uint8_t packet_length = 0;
    std::uint8_t reserved = 0;
    TransportKeyField send_key{};
    TransportKeyField receive_key{};
    std::uint64_t received_at_ns = 0;  // when the handshake message that made it arrived
    IpEndpointField remote;            // whence
    IpAddressField local;              // and where to
    TimestampField timestamp{};        // greatest received of this peer (W20); zeros: none
    HandshakeField packet{};
    std::uint32_t reserved_tail = 0;
    friend bool operator==(const SessionInstall&, const SessionInstall&) = default;
};
static_assert(sizeof(SessionInstall) == 16 + 16 + 64 + 8 + 24 + 20 + 12 + 152 &&
              kIsMessage<SessionInstall>);

struct SessionInstalled {
    static constexpr MessageType kType = MessageType::session_installed;
    Header header = header_of<SessionInstalled>();
    std::uint32_t peer = 0;
    std::uint32_t index = 0;
};
static_assert(sizeof(SessionInstalled) == 24 && kIsMessage<SessionInstalled>);

// A handshake packet without a session: an initiation to a peer's endpoint, or a cookie reply to
// where the offending packet came from. Not answered.
struct HandshakeSend {
    static constexpr MessageType kType = MessageType::handshake_send;
    Header header = header_of<HandshakeSend>();
    std::uint32_t peer = kNoPeer;  // its endpoint; none: `to`
    std::uint8_t tunnel = 0;
    std::uint8_t length = 0;
    std::uint8_t dscp_and_ecn = 0;
    std::uint8_t forgets_local = 0;  // the peer's remembered local address is given up
    IpEndpointField to;
    IpEndpointField from;
    HandshakeField packet{};
    std::uint32_t reserved = 0;
};
static_assert(sizeof(HandshakeSend) == 16 + 8 + 48 + 152 && kIsMessage<HandshakeSend>);

enum class SessionEnd : std::uint8_t {
    stop_sending,  // receive until they expire: our identity changed
    erase,         // all sessions of the peer
    drop_staged,   // only what waits for a session: the handshake was given up
    count,
};
struct SessionsEnd {
    static constexpr MessageType kType = MessageType::sessions_end;
    Header header = header_of<SessionsEnd>();
    std::uint32_t peer = 0;
    SessionEnd end = SessionEnd::erase;
    std::array<std::uint8_t, 3> reserved{};
};
static_assert(sizeof(SessionsEnd) == 24 && kIsMessage<SessionsEnd>);

// One page; cursor 0 begins, each reply says where the next page begins.
template <MessageType Type>
struct PageQuery {
    static constexpr MessageType kType = Type;
    Header header = header_of<PageQuery>();
    std::uint64_t cursor = 0;
};
using PeersQuery = PageQuery<MessageType::peers_query>;
using SessionsQuery = PageQuery<MessageType::sessions_query>;
static_assert(sizeof(PeersQuery) == 24 && kIsMessage<PeersQuery>);

// What sealed packets find on the way to a peer's endpoint, by the tables in force.
enum class EndpointWay : std::uint8_t {
    unknown,           // no endpoint, or nothing is in force
    open,              // as far as we can see
    no_route,          // drop reason seal_no_route
    in_tunnel,         // drop reason seal_endpoint_in_tunnel
    interface_down,    // a route, but its interface has no link
    neighbor_missing,  // the next hop has no MAC: it does not answer, or was not asked of late
    count,
};

struct PeerRow {
    std::uint32_t peer = 0;
    std::uint8_t tunnel = 0;
    EndpointWay way = EndpointWay::unknown;
    std::uint16_t persistent_keepalive_s = 0;
    PublicKeyField public_key{};
    IpEndpointField endpoint;
    IpAddressField local;
    std::uint32_t endpoint_generation = 0;
    std::uint64_t receive_bytes = 0;
    std::uint64_t transmit_bytes = 0;
    std::uint64_t receive_packets = 0;
    std::uint64_t transmit_packets = 0;
    std::uint32_t allowed_ips = 0;
    std::uint32_t staged = 0;
    TimestampField timestamp{};  // greatest received
    std::uint32_t reserved_tail = 0;
};
static_assert(sizeof(PeerRow) == 8 + 32 + 24 + 24 + 32 + 24 &&
              std::has_unique_object_representations_v<PeerRow>);

struct PeersReply {
    static constexpr MessageType kType = MessageType::peers_reply;
    Header header = header_of<PeersReply>();
    std::uint64_t next_cursor = 0;  // 0: this was the last page
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
    std::array<PeerRow, kPeersPerReply> rows{};
};
static_assert(sizeof(PeersReply) == 32 + sizeof(PeerRow) * kPeersPerReply &&
              kIsMessage<PeersReply>);

enum class SessionPlace : std::uint8_t { previous, current, next, none, count };
struct SessionRow {
    std::uint32_t index = 0;
    std::uint32_t remote_index = 0;
    std::uint32_t peer = 0;
    std::uint32_t age_ms = 0;  // since its keys were installed
    std::uint8_t is_initiator = 0;
    std::uint8_t worker = 0;
    SessionPlace place = SessionPlace::none;
    std::uint8_t may_send = 0;
};
static_assert(sizeof(SessionRow) == 20 && std::has_unique_object_representations_v<SessionRow>);

struct SessionsReply {
    static constexpr MessageType kType = MessageType::sessions_reply;
    Header header = header_of<SessionsReply>();
    std::uint64_t next_cursor = 0;
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
    std::array<SessionRow, kSessionsPerReply> rows{};
};
static_assert(sizeof(SessionsReply) == 32 + 20 * kSessionsPerReply && kIsMessage<SessionsReply>);

// A message of type 1 to 3 that arrived; its first word, its length and, of types 1 and 2, its
// mac1 are right.
struct HandshakeRow {
    std::uint64_t received_at_ns = 0;  // of the data plane's clock
    IpEndpointField source;
    IpEndpointField local;
    std::uint8_t tunnel = 0;
    std::uint8_t worker = 0;
    std::uint8_t length = 0;
    std::uint8_t reserved = 0;
    HandshakeField packet{};
};
static_assert(sizeof(HandshakeRow) == 8 + 48 + 152 &&
              std::has_unique_object_representations_v<HandshakeRow>);

// Not asked for. `waiting` more are behind them, which says how loaded control is
// (wireguard.md 8.2).
struct HandshakesReceived {
    static constexpr MessageType kType = MessageType::handshakes_received;
    Header header = header_of<HandshakesReceived>();
    std::uint32_t count = 0;
    std::uint32_t waiting = 0;
    std::array<HandshakeRow, kHandshakesPerBatch> rows{};
};
static_assert(sizeof(HandshakesReceived) == 24 + 208 * kHandshakesPerBatch &&
              kIsMessage<HandshakesReceived>);

enum class TunnelEventKind : std::uint8_t {
    handshake_wanted,   // something waits for a session, or the session grows old
    no_answer,          // data went out for 15 s and nothing came back
    session_confirmed,  // the first packet on a session that we answered for
    session_ended,      // gone, its keys wiped; its index may be given out again
    bad_mac1,           // a handshake from its endpoint was made for another key than the tunnel's
    count,
};
struct TunnelEventRow {
    std::uint32_t peer = 0;
    std::uint32_t index = 0;  // of the session, where there is one
    TunnelEventKind kind = TunnelEventKind::handshake_wanted;
    std::array<std::uint8_t, 3> reserved{};
};
static_assert(sizeof(TunnelEventRow) == 12);

struct TunnelEvents {
    static constexpr MessageType kType = MessageType::tunnel_events;
    Header header = header_of<TunnelEvents>();
    std::uint64_t lost = 0;  // since start; timers bring them again
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
    std::array<TunnelEventRow, kTunnelEventsPerBatch> rows{};
};
static_assert(sizeof(TunnelEvents) == 32 + 12 * kTunnelEventsPerBatch && kIsMessage<TunnelEvents>);

// Whether every field has a value that it may have: what the decoder asks.
[[nodiscard]] bool is_valid(const TunnelSet& message) noexcept;
[[nodiscard]] bool is_valid(const AdvertiseChunk& message) noexcept;
[[nodiscard]] bool is_valid(const PeersBegin& message) noexcept;
[[nodiscard]] bool is_valid(const PeerSet& message) noexcept;
[[nodiscard]] bool is_valid(const PeerPrefixChunk& message) noexcept;
[[nodiscard]] bool is_valid(const SessionInstall& message) noexcept;
[[nodiscard]] bool is_valid(const SessionsEnd& message) noexcept;
[[nodiscard]] bool is_valid(const HandshakeSend& message) noexcept;
[[nodiscard]] bool is_valid(const PeersReply& message) noexcept;
[[nodiscard]] bool is_valid(const SessionsReply& message) noexcept;
[[nodiscard]] bool is_valid(const HandshakesReceived& message) noexcept;
[[nodiscard]] bool is_valid(const TunnelEvents& message) noexcept;

}  // namespace towpath::contract
