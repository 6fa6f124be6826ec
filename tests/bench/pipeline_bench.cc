// SPDX-License-Identifier: BSD-3-Clause
// Cycles per packet of the whole pipeline, without a NIC, from frame to frame, beside the floor:
// the product's own look-up and rewrite alone, on the same packets and table in the same run
// (decisions.md N20). Established UDP and TCP in shuffled order, bursts of 32, bytes evicted before
// and fetched inside the timed region. An argument limits the mappings: `pipeline_bench 65536`.
#include <cstdlib>

#include "dataplane/pipeline/pipeline.h"
#include "tests/bench/nat_floor.h"

namespace towpath::bench {
namespace {

constexpr std::size_t kWindows = 101;
constexpr std::size_t kBurstsPerWindow = 100;
constexpr MacAddress kLanMac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr MacAddress kWanMac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x99}};
constexpr Ipv4Address kNextHop{0xC0000201U};  // 192.0.2.1

// One worker's pipeline over the tables of a field, from 10.0.0.0/8 to a default route.
class BenchPipeline {
public:
    explicit BenchPipeline(NatField& field)
        : shared_{*field.tables, neighbors_, 1}, pipeline_{0, shared_, counters_} {
        generation_.interfaces = field.interfaces;
        Interface& lan = generation_.interfaces.storage[0];
        Interface& wan = generation_.interfaces.storage[1];
        lan.mac = kLanMac;
        wan.mac = kWanMac;
        lan.address_count = 1;
        lan.address_storage[0] = {Ipv4Address{0x0A4D0101U},
                                  Ipv4Prefix{Ipv4Address{0x0A4D0100U}, 24}};
        wan.address_count = 1;
        wan.address_storage[0] = {Ipv4Address{0xC000020AU}, Ipv4Prefix{kNextHop, 24}};
        generation_.nat = field.policy;
        generation_.nat.sources = {Ipv4Prefix{Ipv4Address{0x0A000000U}, 8}};
        const std::array<route::RouteEntry, 2> routes{{
            {Ipv4Prefix{kNextHop, 24}, {route::RouteKind::connected, kWan, {}}},
            {Ipv4Prefix{}, {route::RouteKind::via, kWan, kNextHop}},
        }};
        generation_.routes = *route::RouteTable::build(routes);
        route::LocalSettings local;
        local.inside_sources = generation_.nat.sources;
        local.pool = field.policy.pool;
        generation_.local = route::LocalPolicy{local, generation_.interfaces};
        neighbors_.confirm({kWan, kNextHop}, kPeerMac, 1);
        pipeline_.adopt(generation_);
    }

    // As a port hands packets over: a window each, nothing known about the bytes.
    [[nodiscard]] std::uint64_t time_burst(Batch& batch, std::span<const Packet> packets, Now now) {
        batch.clear();
        for (const Packet& packet : packets) {
            Packet received;
            received.buffer = packet.buffer;
            received.handle = packet.handle;
            received.head = packet.head;
            received.length = packet.length;
            received.capacity = packet.capacity;
            received.ingress = kLan;
            TOWPATH_ASSERT(batch.admit(received, Lane::parse));
        }
        const std::uint64_t begin = read_ticks();
        pipeline_.run(batch, now);
        return read_ticks() - begin;
    }

    // Ends a window for print_stages.
    void note_stages() {
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            const std::uint64_t cycles = counters_.stages[lane].cycles.value();
            stage_windows_[lane].push_back(static_cast<double>(cycles - noted_cycles_[lane]) /
                                           static_cast<double>(kBurstsPerWindow * kBurstMax));
            noted_cycles_[lane] = cycles;
        }
    }
    // Ticks per packet of every stage that these packets passed, the median of all windows.
    void print_stages() const {
        static constexpr std::array<const char*, kLaneCount> kNames{
            "parse", "arp",          "fragment",   "classify", "nat_inbound",
            "route", "nat_outbound", "icmp_error", "link"};
        std::printf("     stages:");
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            if (counters_.stages[lane].packets.value() != 0) {
                std::printf("  %s %.1f", kNames[lane], median(stage_windows_[lane]));
            }
        }
        std::printf("\n");
    }

private:
    route::NeighborTable neighbors_;
    PipelineCounters counters_;
    std::array<std::vector<double>, kLaneCount> stage_windows_;
    std::array<std::uint64_t, kLaneCount> noted_cycles_{};
    pipeline::PipelineShared shared_;
    pipeline::Generation generation_;
    pipeline::Pipeline pipeline_;
};

struct Figures {
    double floor = 0;
    double pipeline = 0;
};

template <class Run>
double window(NatField& field, BufferRing& buffers, Shuffle& shuffle, const Run& run) {
    std::uint64_t ticks = 0;
    std::array<Packet, kBurstMax> packets;
    for (std::size_t burst = 0; burst < kBurstsPerWindow; ++burst) {
        for (Packet& packet : packets) {
            packet = buffers.next();
            field.write_outbound(packet, shuffle.below(field.flows()));
            packet.header<EthernetHeader>(0).destination = kLanMac;
            packet.header<EthernetHeader>(0).source = kPeerMac;
        }
        for (const Packet& packet : packets) {
            evict(packet);
        }
        _mm_mfence();
        ticks += run(packets);
    }
    return static_cast<double>(ticks) / static_cast<double>(kBurstsPerWindow * kBurstMax);
}

Figures measure(NatField& field, BenchPipeline& pipeline) {
    BufferRing buffers;
    Shuffle shuffle;
    Batch batch;
    std::size_t missed = 0;
    std::vector<double> floors;
    std::vector<double> pipelines;
    for (std::size_t count = 0; count < kWindows; ++count) {
        floors.push_back(window(field, buffers, shuffle, [&](std::span<Packet> packets) {
            const std::uint64_t begin = read_ticks();
            const std::size_t found =
                floor_burst(*field.tables, packets, coarse_seconds(field.now));
            const std::uint64_t ticks = read_ticks() - begin;
            missed += packets.size() - found;
            return ticks;
        }));
        pipelines.push_back(window(field, buffers, shuffle, [&](std::span<Packet> packets) {
            const std::uint64_t ticks = pipeline.time_burst(batch, packets, field.now);
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

void row(std::size_t mappings, Protocol protocol, double hertz) {
    NatField field{mappings, protocol};
    const double creation = field.fill();
    BenchPipeline pipeline{field};
    const Figures figures = measure(field, pipeline);
    std::printf("%-4s %8zu  %7.1f  %8.1f  %5.2f  %7.2f  %7.2f  %7zu\n",
                protocol == Protocol::tcp ? "tcp" : "udp", mappings, figures.floor,
                figures.pipeline, figures.pipeline / figures.floor, hertz / figures.pipeline / 1e6,
                hertz / creation / 1e6, field.refused);
    pipeline.print_stages();
}

}  // namespace
}  // namespace towpath::bench

int main(int count, char** arguments) {
    using namespace towpath;
    const std::size_t most = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 4U << 20U;
    const double hertz = bench::ticks_per_second();
    std::printf("%s, %.0f MHz time-stamp counter; ticks per packet, median of %zu windows\n",
                bench::cpu_model().c_str(), hertz / 1e6, bench::kWindows);
    std::printf("%-4s %8s  %7s  %8s  %5s  %7s  %7s  %7s\n", "", "mappings", "floor", "pipeline",
                "ratio", "Mpps", "new M/s", "refused");
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
