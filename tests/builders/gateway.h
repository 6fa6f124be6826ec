// SPDX-License-Identifier: BSD-3-Clause
// A whole gateway without devices for tests: one worker's pipeline between an inside network
// 10.77.1.0/24 (interface 0, 10.77.1.1) and an outside network 192.0.2.0/24 (interface 1,
// 192.0.2.10, which is the pool too; next hop 192.0.2.1). Neighbours are known, so packets leave at
// once.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/pipeline/pipeline.h"
#include "tests/builders/packet_builder.h"

namespace towpath::builders {

inline constexpr InterfaceId kInside{0};
inline constexpr InterfaceId kOutside{1};
inline constexpr MacAddress kInsideMac = kOurMac;
inline constexpr MacAddress kOutsideMac{{0x02, 0, 0, 0, 0, 0x02}};
inline constexpr MacAddress kRouterMac{{0x02, 0, 0, 0, 0, 0xFE}};

struct GatewayOptions {
    nat::Capacity capacity{.mappings = 1024, .sessions = 1024, .fragment_contexts_per_worker = 64};
    nat::Filtering udp_filtering = nat::Filtering::endpoint_independent;
    std::vector<Ipv4Address> pool = {address("192.0.2.10")};
    std::uint16_t outside_mtu_bytes = 1500;
    bool has_host = false;
    bool reject_syns = false;
    // Of the tunnel of tunnel_gateway.h (decisions.md W13).
    bool hides_peers = false;
    bool tracks_peers = false;
};

inline Interface make_interface(InterfaceId id, InterfaceRole role, MacAddress mac,
                                std::string_view own, std::string_view network) {
    Interface interface;
    interface.id = id;
    interface.role = role;
    interface.mac = mac;
    interface.is_up = true;
    interface.address_count = 1;
    interface.address_storage[0] = {address(own), prefix(network)};
    return interface;
}

inline std::unique_ptr<pipeline::Generation> make_generation(const GatewayOptions& options) {
    auto generation = std::make_unique<pipeline::Generation>();
    generation->number = 1;
    InterfaceTable& interfaces = generation->interfaces;
    interfaces.count = 2;
    interfaces.storage[0] =
        make_interface(kInside, InterfaceRole::inside, kInsideMac, "10.77.1.1", "10.77.1.0/24");
    interfaces.storage[1] =
        make_interface(kOutside, InterfaceRole::outside, kOutsideMac, "192.0.2.10", "192.0.2.0/24");
    interfaces.storage[1].mtu_bytes = options.outside_mtu_bytes;
    interfaces.storage[0].has_host = options.has_host;
    interfaces.storage[1].has_host = options.has_host;
    nat::Policy& nat = generation->nat;
    nat.is_enabled = true;
    nat.udp_filtering = options.udp_filtering;
    nat.reject_syns = options.reject_syns;
    nat.sources = {prefix("10.77.1.0/24")};
    nat.pool = options.pool;
    for (std::uint32_t port = 61000; port <= 65535; ++port) {
        nat.reserved_ports.set(port);
    }
    const std::array<route::RouteEntry, 3> routes{{
        {prefix("10.77.1.0/24"), {route::RouteKind::connected, kInside, Ipv4Address{}}},
        {prefix("192.0.2.0/24"), {route::RouteKind::connected, kOutside, Ipv4Address{}}},
        {prefix("0.0.0.0/0"), {route::RouteKind::via, kOutside, address("192.0.2.1")}},
    }};
    generation->routes = *route::RouteTable::build(routes);
    route::LocalSettings local;
    local.inside_sources = nat.sources;
    local.pool = options.pool;
    local.reserved_ports = nat.reserved_ports;
    generation->local = route::LocalPolicy{local, interfaces};
    return generation;
}

class Gateway {
public:
    explicit Gateway(const GatewayOptions& options = {})
        : Gateway{options.capacity, make_generation(options)} {}
    // A generation is only read, so gateways may share one.
    Gateway(const nat::Capacity& capacity, std::shared_ptr<const pipeline::Generation> generation)
        : Gateway{capacity, std::move(generation), nullptr} {}
    // `tunnels` (null: none) outlive the gateway.
    Gateway(const nat::Capacity& capacity, std::shared_ptr<const pipeline::Generation> generation,
            wireguard::Tables* tunnels)
        : tables_{std::move(*nat::Tables::create(capacity, nat::Keys{}, quiescence_))},
          generation_{std::move(generation)},
          shared_{*tables_, neighbors, ipv6_neighbors, 1, tunnels},
          pipeline{0, shared_, counters,
                   tunnels == nullptr ? std::nullopt
                                      : std::optional{std::move(*crypto::Aead::create())}} {
        TOWPATH_ASSERT(tables_->bind_pool(generation_->nat.pool, generation_->nat.realm_addresses)
                           .has_value());
        quiescence_.come_online(0);
        for (std::uint32_t host = 2; host < 255; ++host) {
            neighbors.confirm({kInside, Ipv4Address{0x0A4D0100U + host}}, kPeerMac, 1);
        }
        neighbors.confirm({kOutside, address("192.0.2.1")}, kRouterMac, 1);
        pipeline.adopt(*generation_);
        for (std::size_t spare = 0; spare < kSparesMax; ++spare) {
            spares_.emplace_back(0, 2304);
        }
    }

    // Runs packets, which came from their `ingress`, through the whole pipeline. The batch is what
    // came of it, until the next call.
    Batch& run(std::span<Frame* const> frames, Now now = Now{std::chrono::seconds{10}}) {
        batch_->clear();
        refill();
        for (Frame* frame : frames) {
            TOWPATH_ASSERT(batch_->admit(frame->packet, Lane::parse));
        }
        pipeline.run(*batch_, now);
        quiescence_.pass(0);
        keep_held_spares();
        return *batch_;
    }
    // One packet; the packet as it left, whatever the lane.
    Packet run(Frame& frame, Now now = Now{std::chrono::seconds{10}}) {
        Frame* const one = &frame;
        return run(std::span<Frame* const>{&one, 1}, now)[0];
    }
    // A packet that must leave on an interface; its window is what the wire sees.
    Packet transmitted(Frame& frame, Now now = Now{std::chrono::seconds{10}}) {
        const Packet packet = run(frame, now);
        TOWPATH_ASSERT(batch_->lane(Lane::transmit).size() == 1);
        return packet;
    }
    Batch& housekeeping(Now now) {
        batch_->clear();
        refill();
        pipeline.housekeeping(*batch_, now);
        quiescence_.pass(0);
        keep_held_spares();
        return *batch_;
    }
    [[nodiscard]] std::uint64_t drops(DropReason reason) const {
        return counters.drops[static_cast<std::size_t>(reason)].value();
    }
    [[nodiscard]] Batch& batch() { return *batch_; }

private:
    void refill() {
        batch_->clear_spares();
        for (Frame& spare : spares_) {
            spare.packet.head = kHeadRoom;
            spare.packet.length = 0;
            batch_->add_spare(spare.packet);
        }
    }
    // What was originated and waits for a neighbour or a session keeps its buffer.
    void keep_held_spares() {
        for (const PacketIndex index : batch_->lane(Lane::hold)) {
            const auto held = std::ranges::find_if(spares_, [&](const Frame& spare) {
                return spare.packet.handle == (*batch_)[index].handle;
            });
            if (held != spares_.end()) {
                held_.push_back(std::exchange(*held, Frame{0, 2304}));
            }
        }
    }

    Quiescence quiescence_;
    std::unique_ptr<nat::Tables> tables_;
    std::shared_ptr<const pipeline::Generation> generation_;
    std::vector<Frame> spares_;
    std::vector<Frame> held_;
    std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();

public:
    PipelineCounters counters;
    route::NeighborTable neighbors;
    ipv6::NeighborTable ipv6_neighbors;

private:
    pipeline::PipelineShared shared_;

public:
    pipeline::Pipeline pipeline;
};

}  // namespace towpath::builders
