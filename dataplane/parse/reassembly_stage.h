// SPDX-License-Identifier: BSD-3-Clause
// Lane::reassemble -> open | absorb | hold | hand_off | drop.
// Fragments of datagrams to a tunnel's port are put together (decisions.md W8), of either family;
// those of everything else never come here. All fragments of a datagram meet on one worker:
// what is another's is handed off (resume Lane::reassemble).
//
// l3 and l4 are known. IPv4: with the ports of the first fragment (fragment_stage.h), whose context
// there ends with the datagram. IPv6: the fragment header stands directly between the IPv6 header
// and l4, and the protocol is UDP; later fragments may come before the port is known.
//
// reassembly_slice() must run once per turn of the worker's loop, before the stages. Packets held
// here own their buffers: at shutdown reassembly_discard() gives them back through Lane::drop.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/packet/owner.h"
#include "dataplane/parse/fragment_stage.h"
#include "dataplane/parse/reassembly_table.h"
#include "dataplane/wire/now.h"

namespace towpath::parse {

struct ReassemblyState {
    ReassemblyTable table;
    FragmentState* fragments = nullptr;  // this worker's
    Counter* released = nullptr;         // PipelineCounters::released
    WorkerId worker = 0;
    std::uint8_t workers = 1;
};

void reassembly_stage(ReassemblyState& state, Batch& batch, Now now) noexcept;

// Admits what could not be admitted for want of room, and what timed out, as far as the batch has
// room beside a full burst; ends at most `budget` datagrams.
void reassembly_slice(ReassemblyState& state, Batch& batch, Now now, std::size_t budget) noexcept;

// Ends every datagram; call with empty batches until it returns false (nothing is held any more).
[[nodiscard]] bool reassembly_discard(ReassemblyState& state, Batch& batch) noexcept;

}  // namespace towpath::parse
