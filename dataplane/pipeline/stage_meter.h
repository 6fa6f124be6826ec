// SPDX-License-Identifier: BSD-3-Clause
// Packets and cycles of each stage, per burst: the only thing that runs between two stages.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"

namespace towpath::pipeline {

// Of one run of the stages. The end of one stage is the beginning of the next, so that the clock is
// read once for each.
class StageMeter {
public:
    StageMeter(PipelineCounters& counters, Batch& batch) noexcept
        : counters_{counters}, batch_{batch}, begin_{__builtin_ia32_rdtsc()} {}

    // Runs `body` if its lane holds anything, counts, and asserts that it emptied its lane.
    template <class Stage>
    void run(Lane lane, Stage&& body) noexcept {
        const std::size_t packets = batch_.lane(lane).size();
        if (packets == 0) {
            return;
        }
        body();
        TOWPATH_ASSERT(batch_.lane(lane).empty());
        const std::uint64_t end = __builtin_ia32_rdtsc();
        StageCounters& stage = counters_.stages[static_cast<std::size_t>(lane)];
        stage.cycles.add(end - begin_);
        stage.packets.add(packets);
        begin_ = end;
    }

private:
    PipelineCounters& counters_;
    Batch& batch_;
    std::uint64_t begin_;
};

}  // namespace towpath::pipeline
