// SPDX-License-Identifier: BSD-3-Clause
// Cycles per packet of the whole pipeline, without a NIC, from frame to frame, beside the floor:
// the product's own look-up and rewrite alone, on the same packets and table in the same run
// (decisions.md N20). Established UDP and TCP in shuffled order, both directions, bursts of 32,
// bytes evicted before and fetched inside the timed region. An argument limits the mappings:
// `pipeline_bench 65536`.
#include <cstdlib>

#include "tests/bench/bench_pipeline.h"
#include "tests/bench/nat_floor.h"

namespace towpath::bench {
namespace {

struct Figures {
    double floor = 0;
    double pipeline = 0;
};

Figures measure(NatField& field, BenchPipeline& pipeline, Direction direction) {
    BufferRing buffers;
    Shuffle shuffle;
    Batch batch;
    std::size_t missed = 0;
    std::vector<double> floors;
    std::vector<double> pipelines;
    const std::uint32_t now_s = coarse_seconds(field.now);
    const auto write = [&](Packet& packet, std::size_t flow) {
        BenchPipeline::write(field, direction, packet, flow);
    };
    for (std::size_t count = 0; count < kWindows; ++count) {
        floors.push_back(
            time_window(field, buffers, shuffle, write, [&](std::span<Packet> packets) {
                const std::uint64_t begin = read_ticks();
                const std::size_t found = direction == Direction::outbound
                                              ? floor_burst(*field.tables, packets, now_s)
                                              : floor_burst_inbound(*field.tables, packets, now_s);
                const std::uint64_t ticks = read_ticks() - begin;
                missed += packets.size() - found;
                return ticks;
            }));
        pipelines.push_back(
            time_window(field, buffers, shuffle, write, [&](std::span<Packet> packets) {
                BenchPipeline::admit(batch, direction, packets);
                const std::uint64_t begin = read_ticks();
                pipeline.run(batch, field.now);
                const std::uint64_t ticks = read_ticks() - begin;
                missed += packets.size() - batch.lane(Lane::transmit).size();
                return ticks;
            }));
        pipeline.note_stages();
    }
    // Flows that the pool had no port for were never there (printed as refused).
    if (missed > field.refused * kWindows * kBurstsPerWindow) {
        std::fprintf(stderr, "%zu packets were not forwarded\n", missed);
        std::exit(1);
    }
    return {median(floors), median(pipelines)};
}

void rows(std::size_t mappings, Protocol protocol, double hertz) {
    NatField field{mappings, protocol};
    const double creation = field.fill();
    field.find_outside();
    BenchGateway gateway{field};
    for (const Direction direction : {Direction::outbound, Direction::inbound}) {
        BenchPipeline pipeline{gateway, 0};
        const Figures figures = measure(field, pipeline, direction);
        std::printf("%-3s %-3s %8zu  %7.1f  %8.1f  %5.2f  %7.2f  %7.2f  %7zu\n",
                    protocol == Protocol::tcp ? "tcp" : "udp",
                    direction == Direction::outbound ? "out" : "in", mappings, figures.floor,
                    figures.pipeline, figures.pipeline / figures.floor,
                    hertz / figures.pipeline / 1e6, hertz / creation / 1e6, field.refused);
        pipeline.print_stages();
    }
}

}  // namespace
}  // namespace towpath::bench

int main(int count, char** arguments) {
    using namespace towpath;
    const std::size_t most = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 4U << 20U;
    const double hertz = bench::ticks_per_second();
    std::printf("%s, %.0f MHz time-stamp counter; ticks per packet, median of %zu windows\n",
                bench::cpu_model().c_str(), hertz / 1e6, bench::kWindows);
    std::printf("%-7s %8s  %7s  %8s  %5s  %7s  %7s  %7s\n", "", "mappings", "floor", "pipeline",
                "ratio", "Mpps", "new M/s", "refused");
    for (const std::size_t mappings :
         {std::size_t{1} << 16U, std::size_t{1} << 20U, std::size_t{1} << 22U}) {
        for (const Protocol protocol : {Protocol::udp, Protocol::tcp}) {
            if (mappings <= most) {
                bench::rows(mappings, protocol, hertz);
            }
        }
    }
    return 0;
}
