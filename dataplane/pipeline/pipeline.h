// SPDX-License-Identifier: BSD-3-Clause
// The table of contents of the data path: which stages there are and in what order a burst passes
// them. One Pipeline per worker; it owns the state of every stage and nothing that carries packets.
// Knows no DPDK, so the whole path runs in a unit test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/ipv6/ipv6.h"
#include "dataplane/nat/held_syns.h"
#include "dataplane/nat/state.h"
#include "dataplane/nat/tables.h"
#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/parse/fragment_stage.h"
#include "dataplane/parse/parse_stage.h"
#include "dataplane/parse/reassembly_stage.h"
#include "dataplane/pipeline/generation.h"
#include "dataplane/route/arp_stage.h"
#include "dataplane/route/classify_stage.h"
#include "dataplane/route/icmp_error_stage.h"
#include "dataplane/route/link_stage.h"
#include "dataplane/route/route_stage.h"
#include "dataplane/route/underlay_stage.h"
#include "dataplane/wireguard/slice.h"
#include "dataplane/wireguard/state.h"

namespace towpath::pipeline {

class StageMeter;

// What the pipelines of all workers share.
struct PipelineShared {
    nat::Tables& nat;
    route::NeighborTable& neighbors;
    ipv6::NeighborTable& ipv6_neighbors;
    std::uint64_t key = 0;  // random, for tables of limits that senders must not steer
    wireguard::Tables* tunnels = nullptr;  // null: the data plane was started without any
};

class Pipeline {
public:
    // worker < shared.nat.capacity().workers. Worker 0 alone resolves neighbours.
    // `aead` is of use only with tunnels.
    Pipeline(WorkerId worker, PipelineShared& shared, PipelineCounters& counters,
             std::optional<crypto::Aead> aead = std::nullopt);

    // Before the first run, and whenever a generation is published; between bursts. The one before
    // is still there: it is freed when every worker has passed a quiescent point afterwards.
    void adopt(const Generation& generation) noexcept;

    // Passes every packet through the stages, from the lane it was admitted to. Afterwards each is
    // in exactly one exit lane, which is asserted, and every lane before the exits is empty.
    void run(Batch& batch, Now now) noexcept;

    // A bounded piece of what is due without a packet: retransmitted ARP requests, timed out
    // fragments, held SYNs, idle mappings. `batch` is empty; ends like run().
    void housekeeping(Batch& batch, Now now) noexcept;

    // At shutdown: held packets go to Lane::drop, as many as fit; false when none is left.
    [[nodiscard]] bool discard(Batch& batch) noexcept;

    [[nodiscard]] nat::State& nat_state() noexcept { return nat_; }
    [[nodiscard]] const nat::State& nat_state() const noexcept { return nat_; }
    // Of worker 0, on its thread. visit(interface, address, state) for each next hop that has not
    // answered; the address of either family.
    template <class Visit>
    void for_each_unanswered_neighbor(const Visit& visit) const {
        const auto told = [&](const auto& key, route::NeighborState state) {
            visit(key.interface, IpAddress{key.address}, state);
        };
        if (resolver_ != nullptr) {
            resolver_->for_each_unanswered(told);
        }
        if (ipv6_.resolver() != nullptr) {
            ipv6_.resolver()->for_each_unanswered(told);
        }
    }
    // Of keys nothing stays in registers or on the stack of a worker that has nothing to do.
    void forget_keys() noexcept {
        if (tunnels_ != nullptr) {
            tunnels_->aead.forget();
        }
    }
    // Whether the server thread asked for something that is still to be done.
    [[nodiscard]] bool has_tunnel_work() const noexcept {
        return tunnels_ != nullptr && wireguard::has_work(*tunnels_);
    }

private:
    void follow_links(const Generation& next) noexcept;
    void open_tunnels(StageMeter& meter, Batch& batch, Now now) noexcept;
    void seal_tunnels(StageMeter& meter, Batch& batch, Now now) noexcept;
    void report_errors(Batch& batch, Now now) noexcept;
    void report_ipv6_errors(Batch& batch, Now now) noexcept;
    void count_reported(const Batch& batch, const PacketList& link, std::size_t before) noexcept;
    void count_exits(const Batch& batch) noexcept;
    [[nodiscard]] std::size_t sweep_budget(Now now) noexcept;

    PipelineCounters& counters_;
    nat::State nat_;
    parse::State parse_;
    parse::FragmentState fragment_;
    parse::ReassemblyState reassembly_;
    route::ArpState arp_;
    route::ClassifyState classify_;
    route::RouteState route_;
    route::IcmpErrorState icmp_error_;
    route::LinkState link_;
    ipv6::Ipv6 ipv6_;
    route::UnderlayState underlay_;
    std::unique_ptr<wireguard::State> tunnels_;          // null without tunnels
    std::unique_ptr<route::NeighborResolver> resolver_;  // worker 0's
    route::NeighborTable& neighbors_;
    const Generation* generation_ = nullptr;  // in force
    std::size_t mappings_per_worker_;
    Now last_sweep_{};
    std::uint32_t bursts_ = 0;
};

}  // namespace towpath::pipeline
