// SPDX-License-Identifier: BSD-3-Clause
// Packets and cycles of each stage: the only thing that runs between two stages. Packets are
// counted in every burst; cycles in one of kBurstsPerSample, multiplied, because reading the clock
// around every stage costs as much as a stage spends on a packet or two.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"

namespace towpath::pipeline {

// Odd, so that a worker that serves its ports in turn samples all of them.
inline constexpr std::uint32_t kBurstsPerSample = 7;

// Of one run of the stages, the `burst`th. The end of one stage is the beginning of the next, so
// that the clock is read once for each.
class StageMeter {
public:
    StageMeter(PipelineCounters& counters, Batch& batch, std::uint32_t burst) noexcept
        : counters_{counters},
          batch_{batch},
          is_sampled_{burst % kBurstsPerSample == 0},
          begin_{is_sampled_ ? __builtin_ia32_rdtsc() : 0} {}

    // Runs `body` if its lane holds anything, counts, and asserts that it emptied its lane.
    template <class Stage>
    void run(Lane lane, Stage&& body) noexcept {
        const std::size_t packets = batch_.lane(lane).size();
        if (packets == 0) {
            return;
        }
        body();
        TOWPATH_ASSERT(batch_.lane(lane).empty());
        StageCounters& stage = counters_.stages[static_cast<std::size_t>(lane)];
        stage.packets.add(packets);
        if (is_sampled_) {
            const std::uint64_t end = __builtin_ia32_rdtsc();
            stage.cycles.add((end - begin_) * kBurstsPerSample);
            begin_ = end;
        }
    }

private:
    PipelineCounters& counters_;
    Batch& batch_;
    bool is_sampled_;
    std::uint64_t begin_;
};

}  // namespace towpath::pipeline
