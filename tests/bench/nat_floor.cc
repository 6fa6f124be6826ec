// SPDX-License-Identifier: BSD-3-Clause
// Cycles per packet of the NAT alone: the floor (nat_floor.h) and, beside it, the outbound stage;
// cycles per created mapping; bytes per mapping and session. No NIC, no EAL. An argument limits the
// number of mappings: `nat_floor 65536`.
#include <cstdlib>

#include "tests/bench/nat_floor.h"
#include "tests/bench/window.h"

namespace towpath::bench {
namespace {

struct Figures {
    double floor = 0;
    double stage = 0;
};

Figures measure(NatField& field) {
    BufferRing buffers;
    Shuffle shuffle;
    Batch batch;
    std::size_t missed = 0;
    const std::uint32_t now_s = coarse_seconds(field.now);
    std::vector<double> floors;
    std::vector<double> stages;
    const auto write = [&](Packet& packet, std::size_t flow) {
        field.write_outbound(packet, flow);
    };
    for (std::size_t count = 0; count < kWindows; ++count) {
        floors.push_back(
            time_window(field, buffers, shuffle, write, [&](std::span<Packet> packets) {
                const std::uint64_t begin = read_ticks();
                const std::size_t found = floor_burst(*field.tables, packets, now_s);
                const std::uint64_t ticks = read_ticks() - begin;
                missed += packets.size() - found;
                return ticks;
            }));
        stages.push_back(
            time_window(field, buffers, shuffle, write, [&](std::span<Packet> packets) {
                batch.clear();
                for (const Packet& packet : packets) {
                    TOWPATH_ASSERT(batch.admit(packet, Lane::nat_outbound));
                }
                const std::uint64_t begin = read_ticks();
                for (const Packet& packet : packets) {
                    __builtin_prefetch(packet.data());
                }
                nat::nat_outbound_stage(*field.states[0], batch, field.now);
                const std::uint64_t ticks = read_ticks() - begin;
                missed += packets.size() - batch.lane(Lane::link).size();
                return ticks;
            }));
    }
    // Flows that the pool had no port for were never there (printed as refused).
    if (missed > field.refused * kWindows * kBurstsPerWindow) {
        std::fprintf(stderr, "%zu look-ups missed\n", missed);
        std::exit(1);
    }
    return {median(floors), median(stages)};
}

void row(std::size_t mappings, Protocol protocol, double hertz) {
    NatField field{mappings, protocol};
    const double creation = field.fill();
    const Figures figures = measure(field);
    const double per_mapping =
        static_cast<double>(field.tables->mapping_bytes()) / static_cast<double>(mappings);
    const double per_session =
        protocol == Protocol::tcp
            ? static_cast<double>(field.tables->session_bytes()) / static_cast<double>(mappings)
            : 0;
    std::printf("%-4s %8zu  %7.1f  %7.1f  %5.2f  %8.1f  %7.2f  %7zu  %8.1f  %8.1f\n",
                protocol == Protocol::tcp ? "tcp" : "udp", mappings, figures.floor, figures.stage,
                figures.stage / figures.floor, creation, hertz / creation / 1e6, field.refused,
                per_mapping, per_session);
}

}  // namespace
}  // namespace towpath::bench

int main(int count, char** arguments) {
    using namespace towpath;
    const std::size_t most = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 4U << 20U;
    const double hertz = bench::ticks_per_second();
    std::printf("%s, %.0f MHz time-stamp counter; ticks, median of %zu windows\n",
                bench::cpu_model().c_str(), hertz / 1e6, bench::kWindows);
    std::printf("%-4s %8s  %7s  %7s  %5s  %8s  %7s  %7s  %8s  %8s\n", "", "mappings", "floor",
                "stage", "ratio", "creation", "M/s", "refused", "B/map", "B/sess");
    for (const std::size_t mappings :
         {std::size_t{1} << 16U, std::size_t{1} << 20U, std::size_t{1} << 22U}) {
        for (const Protocol protocol : {Protocol::udp, Protocol::tcp}) {
            if (mappings <= most) {
                bench::row(mappings, protocol, hertz);
            }
        }
    }
    return 0;
}
