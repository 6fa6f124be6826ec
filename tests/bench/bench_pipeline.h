// SPDX-License-Identifier: BSD-3-Clause
// The whole pipeline of one worker over the tables of a NatField, without a NIC: from frames in
// buffers to frames in the transmit lane. Inside hosts are 10.0.0.0/8 behind a router on lan; the
// default route leads out of wan.
#pragma once

#include <cstdio>
#include <vector>

#include "dataplane/pipeline/pipeline.h"
#include "tests/bench/window.h"

namespace towpath::bench {

inline constexpr MacAddress kLanMac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr MacAddress kWanMac{{0x02, 0, 0, 0, 0, 0x02}};
inline constexpr MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x99}};
inline constexpr Ipv4Address kLanRouter{0x0A4D0102U};  // 10.77.1.2
inline constexpr Ipv4Address kWanRouter{0xC0000201U};  // 192.0.2.1

enum class Direction : std::uint8_t { outbound, inbound };

// What all workers of a gateway share.
class BenchGateway {
public:
    explicit BenchGateway(NatField& field) : shared{*field.tables, neighbors, ipv6_neighbors, 1} {
        generation.interfaces = field.interfaces;
        Interface& lan = generation.interfaces.storage[0];
        Interface& wan = generation.interfaces.storage[1];
        lan.mac = kLanMac;
        wan.mac = kWanMac;
        lan.address_count = 1;
        lan.address_storage[0] = {Ipv4Address{0x0A4D0101U}, Ipv4Prefix{kLanRouter, 24}};
        wan.address_count = 1;
        wan.address_storage[0] = {Ipv4Address{0xC000020AU}, Ipv4Prefix{kWanRouter, 24}};
        const Ipv4Prefix inside{Ipv4Address{0x0A000000U}, 8};
        generation.nat = field.policy;
        generation.nat.sources = {inside};
        const std::array<route::RouteEntry, 4> routes{{
            {Ipv4Prefix{kLanRouter, 24}, {route::RouteKind::connected, kLan, {}}},
            {inside, {route::RouteKind::via, kLan, kLanRouter}},
            {Ipv4Prefix{kWanRouter, 24}, {route::RouteKind::connected, kWan, {}}},
            {Ipv4Prefix{}, {route::RouteKind::via, kWan, kWanRouter}},
        }};
        generation.routes = *route::RouteTable::build(routes);
        route::LocalSettings local;
        local.inside_sources = generation.nat.sources;
        local.pool = field.policy.pool;
        generation.local = route::LocalPolicy{local, generation.interfaces};
        neighbors.confirm({kLan, kLanRouter}, kPeerMac, 1);
        neighbors.confirm({kWan, kWanRouter}, kPeerMac, 1);
    }

    route::NeighborTable neighbors;
    ipv6::NeighborTable ipv6_neighbors;
    pipeline::PipelineShared shared;
    pipeline::Generation generation;
};

class BenchPipeline {
public:
    BenchPipeline(BenchGateway& gateway, WorkerId worker)
        : pipeline_{worker, gateway.shared, counters_} {
        pipeline_.adopt(gateway.generation);
    }

    // Makes the frame of `flow` as it arrives at the gateway.
    static void write(const NatField& field, Direction direction, Packet& packet,
                      std::size_t flow) {
        if (direction == Direction::outbound) {
            field.write_outbound(packet, flow);
        } else {
            field.write_inbound(packet, flow);
        }
        auto& ethernet = packet.header<EthernetHeader>(0);
        ethernet.destination = direction == Direction::outbound ? kLanMac : kWanMac;
        ethernet.source = kPeerMac;
    }

    // As a port hands packets over: a window each, nothing known about the bytes.
    static void admit(Batch& batch, Direction direction, std::span<const Packet> packets) {
        batch.clear();
        for (const Packet& packet : packets) {
            Packet received;
            received.buffer = packet.buffer;
            received.handle = packet.handle;
            received.head = packet.head;
            received.length = packet.length;
            received.capacity = packet.capacity;
            received.ingress = direction == Direction::outbound ? kLan : kWan;
            TOWPATH_ASSERT(batch.admit(received, Lane::parse));
        }
    }
    void run(Batch& batch, Now now) { pipeline_.run(batch, now); }

    // Ends a window for print_stages.
    void note_stages() {
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            const std::uint64_t cycles = counters_.stages[lane].cycles.value();
            stage_windows_[lane].push_back(static_cast<double>(cycles - noted_cycles_[lane]) /
                                           static_cast<double>(kPacketsPerWindow));
            noted_cycles_[lane] = cycles;
        }
    }
    // Ticks per packet of every stage that these packets passed, the median of all windows.
    void print_stages() const {
        static constexpr std::array<const char*, kLaneCount> kNames{
            "parse",        "arp",        "fragment", "classify", "nat_inbound", "route",
            "nat_outbound", "icmp_error", "link",     "open",     "seal",        "underlay"};
        std::printf("     stages:");
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            if (counters_.stages[lane].packets.value() != 0) {
                std::printf("  %s %.1f", kNames[lane], median(stage_windows_[lane]));
            }
        }
        std::printf("\n");
    }

private:
    PipelineCounters counters_;
    std::array<std::vector<double>, kLaneCount> stage_windows_;
    std::array<std::uint64_t, kLaneCount> noted_cycles_{};
    pipeline::Pipeline pipeline_;
};

}  // namespace towpath::bench
