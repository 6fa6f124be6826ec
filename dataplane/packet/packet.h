// SPDX-License-Identifier: BSD-3-Clause
// A packet as stages see it: a window on a buffer, what parse learned, and where it goes. Not an
// mbuf: only dpdk/ and port/ look at `handle`. One cache line.
//
// Always true after parse: header, options and total length lie inside the window; `length` ends
// with the IP total length (link padding is trimmed). Stages change only `head` and `length` of
// the window (decisions.md N13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "dataplane/packet/drop_reason.h"
#include "dataplane/packet/interface.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/assertion.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

// What the transport part of a packet is. icmp_query: echo and timestamp, keyed by Identifier.
enum class TransportKind : std::uint8_t { unknown, tcp, udp, icmp_query, icmp_error };

// later: the bytes at l4 are not a transport header; ports come from the first fragment's context.
enum class FragmentKind : std::uint8_t { whole, first, later };

// Where a packet is between two stages, and, from `transmit` on, how it left the pipeline.
enum class Lane : std::uint8_t {
    parse,
    arp,
    fragment,
    classify,
    nat_inbound,
    route,
    nat_outbound,
    icmp_error,
    link,
    reassemble,  // fragments of such datagrams as are for Lane::open
    open,        // UDP datagrams for a tunnel's port on an address of ours
    seal,        // inner packets whose egress is a tunnel; l3 is the inner header
    underlay,    // sealed datagrams: l3 is the outer header, to be routed below the tunnels
    // The same for IPv6.
    parse6,
    neighbor6,
    forward6,
    icmp6_error,
    link6,
    // Exits.
    transmit,  // out of `egress`
    drop,      // for `verdict`
    punt,      // to the host side of `ingress`
    hand_off,  // to worker `target_worker`, to resume in lane `resume`
    hold,      // copied into a stage's own bounded queue
    absorb,    // consumed by the data plane itself (an ARP reply that was learned)
    count,
};
inline constexpr std::size_t kLaneCount = static_cast<std::size_t>(Lane::count);

struct alignas(64) Packet {
    std::byte* buffer = nullptr;  // start of the storage
    void* handle = nullptr;       // the owner of the storage
    Ipv4Address next_hop;         // set by route
    // Where a packet that nat-inbound rewrote came from and was addressed to before, so that an
    // error can quote it as its sender sent it (decisions.md N17); valid if
    // `was_rewritten_inbound`.
    Ipv4Address original_source_address;
    Ipv4Address original_destination_address;
    std::uint16_t head = 0;      // first valid byte: room in front for encapsulation
    std::uint16_t length = 0;    // valid bytes, from the Ethernet header on
    std::uint16_t capacity = 0;  // of the storage
    // As the packet (or its first fragment) carries them now; both are the Identifier of an ICMP
    // query.
    Port source_port;
    Port destination_port;
    Port original_source_port;
    Port original_destination_port;
    std::uint16_t icmp_mtu_bytes = 0;  // to be told, or of the way to a tunnel's peer
    // What the Identification is to become, valid if `replaces_identification`; from translation
    // on what it was, valid if `was_reidentified`.
    be16 replacement_identification;
    std::uint8_t l3 = 0;         // IP header, from the first valid byte
    std::uint8_t l4 = 0;         // transport header (or fragment payload), likewise
    std::uint8_t icmp_type = 0;  // what icmp_error_stage is to report
    std::uint8_t icmp_code = 0;
    InterfaceId ingress = kNoInterface;
    InterfaceId egress = kNoInterface;
    std::uint8_t ip_protocol = 0;
    TransportKind transport = TransportKind::unknown;
    FragmentKind fragment = FragmentKind::whole;
    // Set before parse only by a port that knows the bytes are not one whole frame (multi_segment,
    // l2_oversize): parse then drops for it.
    DropReason verdict = DropReason::none;
    Lane resume = Lane::parse;
    std::uint8_t target_worker = 0;
    bool from_host : 1 = false;      // came from the TAP, not from the wire
    bool is_originated : 1 = false;  // made here: ARP request, ICMP error
    bool is_hairpin : 1 = false;     // both halves of the translation are done
    bool was_rewritten_inbound : 1 = false;
    bool replaces_identification : 1 = false;
    bool was_reidentified : 1 = false;
    bool checksum_is_partial : 1 = false;  // the L4 field holds only the pseudo-header sum (N7)
    bool is_traced : 1 = false;
    // To an address of ours that mappings share, and no mapping's: it is for the host.
    bool is_unmapped : 1 = false;

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {buffer + head, length}; }
    [[nodiscard]] std::byte* data() const noexcept { return buffer + head; }
    [[nodiscard]] std::size_t head_room() const noexcept { return head; }
    [[nodiscard]] std::size_t tail_room() const noexcept {
        return static_cast<std::size_t>(capacity) - head - length;
    }
    // What an ICMP error is to say.
    void note_rejection(DropReason reason, std::uint8_t type, std::uint8_t code,
                        std::uint16_t mtu_bytes) noexcept {
        verdict = reason;
        icmp_type = type;
        icmp_code = code;
        icmp_mtu_bytes = mtu_bytes;
    }
    // A header that parse has proved to be there.
    template <WireHeader H>
    [[nodiscard]] H& header(std::size_t offset) const noexcept {
        TOWPATH_DEBUG_ASSERT(offset + sizeof(H) <= length);
        return *reinterpret_cast<H*>(buffer + head + offset);
    }
};
static_assert(sizeof(Packet) == 64 && std::is_trivially_copyable_v<Packet>);

// What a packet begins with, to be copied over one in place: a Packet that is built beside and then
// copied is read while its parts are still being written.
inline constexpr Packet kNothingKnown{};

}  // namespace towpath
