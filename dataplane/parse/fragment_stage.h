// SPDX-License-Identifier: BSD-3-Clause
// Lane::fragment -> classify | hold | hand_off | drop.
// Virtual reassembly (nat-behaviour.md 11): nothing is joined. The first fragment of a datagram
// gives ports, transport and one replacement identification; the others get them by association
// and go on as FragmentKind::later. Fragments that come before their first are held, in order, and
// are admitted again when it comes.
//
// All fragments of a datagram meet on one worker: fragment_worker() says which, and the stage hands
// off what is another's (resume Lane::fragment). fragment_slice() must run once per turn of the
// worker's loop, before the stages: it admits what could not be admitted for want of room, and
// what timed out. The Packets held here own their buffers: at shutdown fragment_discard() gives
// them back through Lane::drop.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/packet/identification.h"
#include "dataplane/packet/interface.h"
#include "dataplane/packet/owner.h"
#include "dataplane/packet/prefix_set.h"
#include "dataplane/parse/fragment_table.h"
#include "dataplane/wire/now.h"

namespace towpath::parse {

struct FragmentState {
    FragmentTable table;
    IdentificationSource* identification = nullptr;  // this worker's, shared with its NAT
    const InterfaceTable* interfaces = nullptr;
    // nat.source: inside interfaces may open contexts only for these (BAD-FRAG-05); null: no check.
    const PrefixSet* inside_sources = nullptr;
    Counter* released = nullptr;  // PipelineCounters::released
    WorkerId worker = 0;
    std::uint8_t workers = 1;
};

// Which worker keeps the context of a fragment. Needs l3 only. 1 <= workers <= kWorkersMax.
[[nodiscard]] WorkerId fragment_worker(const Packet& packet, std::uint8_t workers) noexcept;

// Of a fragment with l3 known.
[[nodiscard]] FragmentKey fragment_key(const FragmentState& state, const Packet& packet) noexcept;

void fragment_stage(FragmentState& state, Batch& batch, Now now) noexcept;

// Admits released fragments to Lane::classify and expired ones to Lane::drop (fragment_timeout), as
// far as the batch has room beside a full burst; ends at most `budget` contexts.
void fragment_slice(FragmentState& state, Batch& batch, Now now, std::size_t budget) noexcept;

// Ends every context; call with empty batches until it returns false (nothing is held any more).
[[nodiscard]] bool fragment_discard(FragmentState& state, Batch& batch) noexcept;

}  // namespace towpath::parse
