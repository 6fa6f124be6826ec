// SPDX-License-Identifier: BSD-3-Clause
// The stream of what happens to mappings (decisions.md N4): one bounded ring per owner, written by
// it, read by one consumer. Not a log. A full ring loses the event, counts it, and the owner then
// says what exists, between resync_begin and resync_end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/packet/counters.h"
#include "dataplane/packet/spsc_ring.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

enum class MappingEventKind : std::uint8_t {
    created,
    ended,
    resync_begin,  // forget what you knew of this owner
    exists,
    resync_end,
};

struct MappingEvent {
    Endpoint inside;
    Endpoint outside;
    std::uint32_t time_s = 0;  // coarse_seconds of the data plane's clock
    MappingEventKind kind = MappingEventKind::created;
    Protocol protocol = Protocol::udp;
    bool is_translated = true;  // false: only tracked (realm.h, identity); both endpoints are equal
};

class EventRing {
public:
    static constexpr std::size_t kCapacity = 8192;

    // Producer. False when full; the caller counts.
    [[nodiscard]] bool push(const MappingEvent& event) noexcept {
        return ring_.push({&event, 1}) == 1;
    }
    // Producer: events that still fit.
    [[nodiscard]] std::size_t room() noexcept { return ring_.room(); }
    // Consumer. False when empty.
    [[nodiscard]] bool pop(MappingEvent& event) noexcept { return ring_.pop({&event, 1}) == 1; }

    Counter lost;  // written by the producer

private:
    SpscRing<MappingEvent> ring_{kCapacity};
};

}  // namespace towpath::nat
