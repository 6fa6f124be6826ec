// SPDX-License-Identifier: BSD-3-Clause
// Datagrams that are put together again (decisions.md W8): those to a tunnel's port, which cannot
// be opened in parts. One per worker. The first fragment that arrives, whichever it is, lends its
// buffer: the others are copied to their place behind its headers, so that nothing is reserved but
// contexts. Everything else is refused, never evicted.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/packet.h"
#include "dataplane/parse/fragment_ranges.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/now.h"

namespace towpath::parse {

struct ReassemblyLimits {
    std::size_t datagrams = 1024;                // in flight; each holds one packet buffer
    std::size_t datagram_bytes = 9216;           // of IP payload; and what the buffer holds
    Duration timeout = std::chrono::seconds{2};  // from the first arrival
};

struct ReassemblyKey {
    IpAddress source;
    IpAddress destination;
    std::uint32_t identification = 0;
    friend bool operator==(const ReassemblyKey&, const ReassemblyKey&) noexcept = default;
};

// Where a fragment belongs. Its payload is the packet's bytes from l4 on.
struct FragmentPlace {
    std::uint32_t offset_bytes = 0;
    bool more_follow = false;
    bool has_congestion = false;  // ECN says CE (RFC 3168 section 5.3)
};

class ReassemblyTable {
public:
    // The key keeps a sender from choosing datagrams that meet in one bucket.
    explicit ReassemblyTable(const ReassemblyLimits& limits = {}, std::uint64_t key = 0);

    enum class Outcome : std::uint8_t {
        kept,      // the table has the packet's buffer now
        copied,    // the caller still has it and is done with it
        complete,  // copied, and the datagram is whole: it leaves
        refused,   // for `reason`; the caller has the buffer
    };
    struct Verdict {
        Outcome outcome = Outcome::refused;
        DropReason reason = DropReason::none;
        bool is_new = false;  // the datagram was not known before
    };
    // A fragment with at least one byte and a last byte below 65536 (parse and fragment stages see
    // to that). Refusals: reassembly_full; reassembly_too_long, fragment_overlap and
    // fragment_queue_full, which end the datagram: what was kept of it leaves for the same reason,
    // and what comes of it until its timeout is refused.
    [[nodiscard]] Verdict take(const ReassemblyKey& key, const Packet& fragment,
                               const FragmentPlace& place, Now now) noexcept;
    // Ends at most `budget` datagrams born before now - timeout; they leave as reassembly_timeout.
    void expire(Now now, std::size_t budget) noexcept;
    void end_all() noexcept;

    // What leaves, in order: whole datagrams, and for a verdict what is given up.
    struct Leaving {
        Packet packet;  // verdict none: whole; length, ports and transport are the datagram's
        bool has_congestion = false;
    };
    [[nodiscard]] bool has_leaving() const noexcept { return leaving_count_ != 0; }
    [[nodiscard]] Leaving take_leaving() noexcept;

    [[nodiscard]] std::size_t in_flight() const noexcept { return held_count_; }

private:
    using Slot = std::uint32_t;
    static constexpr Slot kNone = 0xFFFFFFFFU;
    struct Context {
        ReassemblyKey key;
        Packet packet;  // with the headers of the fragment that came first, until `refusal`
        FragmentRanges ranges;
        std::uint32_t received_bytes = 0;
        std::uint32_t total_bytes = 0;  // 0: the last fragment has not come
        std::uint32_t end_bytes = 0;    // of what has come
        Now born{};
        DropReason refusal = DropReason::none;  // the datagram is given up
        bool has_first = false;
        bool has_congestion = false;
        Slot hash_next = kNone;  // or of the free list
        Slot age_previous = kNone, age_next = kNone;
    };

    [[nodiscard]] Slot& bucket_of(const ReassemblyKey& key) noexcept;
    [[nodiscard]] Slot find(const ReassemblyKey& key) noexcept;
    [[nodiscard]] Slot create(const ReassemblyKey& key, Now now) noexcept;
    void release(Slot slot) noexcept;
    [[nodiscard]] DropReason check(Context& context, std::uint32_t first, std::uint32_t end,
                                   bool more_follow) const noexcept;
    void give_up(Context& context, DropReason reason) noexcept;
    void leave(const Packet& packet, bool has_congestion) noexcept;

    ReassemblyLimits limits_;
    std::uint64_t key_;
    std::vector<Context> contexts_;
    std::vector<Slot> buckets_;
    std::vector<Leaving> leaving_;  // a ring
    Slot free_ = kNone;
    Slot oldest_ = kNone, newest_ = kNone;
    std::size_t leaving_begin_ = 0;
    std::size_t leaving_count_ = 0;
    std::size_t held_count_ = 0;  // packets, those that leave included
};

}  // namespace towpath::parse
