// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/pipeline/pipeline.h"

#include <algorithm>

#include "dataplane/pipeline/stage_meter.h"
#include "dataplane/wireguard/open_stage.h"
#include "dataplane/wireguard/seal_stage.h"

namespace towpath::pipeline {
namespace {

// Every mapping is looked at about this often, so nothing outlives its timer by more than 2 s
// (nat-behaviour.md section 5).
constexpr Duration kSweepPeriod = std::chrono::milliseconds{1500};
constexpr std::size_t kSweepEntriesMin = 64;
constexpr std::size_t kSweepEntriesMax = 16384;
constexpr std::size_t kFragmentSweepEntries = 64;
constexpr std::size_t kReassemblySweepEntries = 64;
constexpr std::size_t kNeighborSweepEntries = 64;

// decisions.md W8: 1024 datagrams in all, and no more than may be in fragments at once.
parse::ReassemblyLimits reassembly_limits(const PipelineShared& shared) {
    parse::ReassemblyLimits limits;
    const nat::Capacity& capacity = shared.nat.capacity();
    limits.datagrams = shared.tunnels == nullptr
                           ? 0
                           : std::min(std::max<std::size_t>(limits.datagrams / capacity.workers, 1),
                                      capacity.fragment_contexts_per_worker);
    return limits;
}

// What is in force before the first generation: nothing is translated.
const nat::Policy kNoPolicy;
const InterfaceTable kNoInterfaces;

}  // namespace

Pipeline::Pipeline(WorkerId worker, PipelineShared& shared, PipelineCounters& counters,
                   std::optional<crypto::Aead> aead)
    : counters_{counters},
      nat_{shared.nat, worker, &kNoPolicy, &kNoInterfaces},
      fragment_{
          .table =
              parse::FragmentTable{{.contexts = shared.nat.capacity().fragment_contexts_per_worker},
                                   shared.key},
          .identification = &nat_.identification(),
          .released = &counters.released,
          .worker = worker,
          .workers = static_cast<std::uint8_t>(shared.nat.capacity().workers)},
      reassembly_{.table = parse::ReassemblyTable{reassembly_limits(shared), shared.key},
                  .fragments = &fragment_,
                  .released = &counters.released,
                  .worker = worker,
                  .workers = static_cast<std::uint8_t>(shared.nat.capacity().workers)},
      ipv6_{worker, shared.ipv6_neighbors, counters, shared.key},
      neighbors_{shared.neighbors},
      mappings_per_worker_{shared.nat.capacity().mappings / shared.nat.capacity().workers + 1} {
    icmp_error_.budget.key = shared.key;
    icmp_error_.budget.suppressed = &counters.suppressed_errors;
    link_.neighbors = &shared.neighbors;
    if (worker == 0) {
        resolver_ = std::make_unique<route::NeighborResolver>(shared.neighbors, counters.released);
        arp_.resolver = resolver_.get();
        link_.resolver = resolver_.get();
    }
    if (shared.tunnels != nullptr && aead) {
        tunnels_ = std::make_unique<wireguard::State>(*shared.tunnels, worker, std::move(*aead),
                                                      nat_.identification(), counters.released);
    }
}

void Pipeline::adopt(const Generation& generation) noexcept {
    const route::View view{&generation.interfaces, &generation.routes, &generation.underlay,
                           &generation.local};
    parse_.interfaces = &generation.interfaces;
    fragment_.interfaces = &generation.interfaces;
    fragment_.inside_sources = &generation.local.inside_sources();
    arp_.view = view;
    classify_.view = view;
    route_.view = view;
    icmp_error_.view = view;
    link_.view = view;
    underlay_.view = view;
    if (tunnels_ != nullptr) {
        tunnels_->set_interfaces(&generation.interfaces, &generation.tunnels);
    }
    nat_.set_policy(&generation.nat);
    nat_.set_interfaces(&generation.interfaces);
    if (resolver_ != nullptr) {
        resolver_->set_view(view);
        follow_links(generation);
    }
    ipv6_.adopt({&generation.interfaces, &generation.ipv6_routes, &generation.ipv6_underlay,
                 &generation.local},
                generation_ == nullptr ? nullptr : &generation_->interfaces);
    generation_ = &generation;
}

// nat-behaviour.md 15.1: announce addresses when they are new or their link is back; forget the
// neighbours of a link that went away.
void Pipeline::follow_links(const Generation& next) noexcept {
    bool is_news = generation_ == nullptr || generation_->nat.pool != next.nat.pool;
    for (const Interface& interface : next.interfaces.all()) {
        if (generation_ == nullptr) {
            break;
        }
        const Interface& before = generation_->interfaces[interface.id];
        const bool has_same_addresses =
            std::equal(interface.addresses().begin(), interface.addresses().end(),
                       before.addresses().begin(), before.addresses().end(),
                       [](const InterfaceAddress& left, const InterfaceAddress& right) {
                           return left.address == right.address;
                       });
        is_news = is_news || !has_same_addresses || (interface.is_up && !before.is_up);
        if (before.is_up && !interface.is_up) {
            neighbors_.remove_interface(interface.id);
        }
    }
    if (is_news) {
        resolver_->announce(Now{});
    }
}

void Pipeline::run(Batch& batch, Now now) noexcept {
    StageMeter meter{counters_, batch, bursts_++};
    const auto stage = [&](Lane lane, auto&& body) { meter.run(lane, body); };
    stage(Lane::parse, [&] { parse::parse_stage(parse_, batch, now); });
    stage(Lane::arp, [&] { route::arp_stage(arp_, batch, now); });
    stage(Lane::fragment, [&] { parse::fragment_stage(fragment_, batch, now); });
    stage(Lane::classify, [&] { route::classify_stage(classify_, batch, now); });
    stage(Lane::parse6, [&] { ipv6::parse_stage(ipv6_.parse, batch, now); });
    stage(Lane::neighbor6, [&] { ipv6::neighbor_stage(ipv6_.discovery, batch, now); });
    stage(Lane::forward6, [&] { ipv6::forward_stage(ipv6_.forward, batch, now); });
    // What a peer sends may be for a tunnel of ours again. Every layer makes it shorter, so it
    // ends.
    while (!batch.lane(Lane::open).empty() || !batch.lane(Lane::reassemble).empty()) {
        open_tunnels(meter, batch, now);
    }
    stage(Lane::nat_inbound, [&] { nat::nat_inbound_stage(nat_, batch, now); });
    // To an address that the host shares with peers of tunnels, and no answer to one of them.
    stage(Lane::classify, [&] { route::classify_stage(classify_, batch, now); });
    stage(Lane::route, [&] { route::route_stage(route_, batch, now); });
    stage(Lane::nat_outbound, [&] { nat::nat_outbound_stage(nat_, batch, now); });
    // A segment without state went back to its sender as a reset (decisions.md N15): it has a way
    // of its own to find, and is translated by nobody.
    stage(Lane::route, [&] { route::route_stage(route_, batch, now); });
    stage(Lane::nat_outbound, [&] { nat::nat_outbound_stage(nat_, batch, now); });
    stage(Lane::icmp_error, [&] { report_errors(batch, now); });
    stage(Lane::link, [&] { route::link_stage(link_, batch, now); });
    stage(Lane::icmp6_error, [&] { report_ipv6_errors(batch, now); });
    stage(Lane::link6, [&] { ipv6::link_stage(ipv6_.link, batch, now); });
    // What nobody could resolve is known to the link stages only.
    stage(Lane::icmp_error, [&] { report_errors(batch, now); });
    stage(Lane::link, [&] { route::link_stage(link_, batch, now); });
    stage(Lane::icmp6_error, [&] { report_ipv6_errors(batch, now); });
    stage(Lane::link6, [&] { ipv6::link_stage(ipv6_.link, batch, now); });
    if (tunnels_ != nullptr) {
        seal_tunnels(meter, batch, now);
    }
    TOWPATH_ASSERT(batch.is_conserved());
    count_exits(batch);
}

// What comes out of a tunnel goes on in this burst, as what a port would have received.
void Pipeline::open_tunnels(StageMeter& meter, Batch& batch, Now now) noexcept {
    meter.run(Lane::reassemble, [&] { parse::reassembly_stage(reassembly_, batch, now); });
    meter.run(Lane::open, [&] { wireguard::open_stage(*tunnels_, batch, now); });
    meter.run(Lane::parse, [&] { parse::parse_stage(parse_, batch, now); });
    meter.run(Lane::fragment, [&] { parse::fragment_stage(fragment_, batch, now); });
    meter.run(Lane::classify, [&] { route::classify_stage(classify_, batch, now); });
    meter.run(Lane::parse6, [&] { ipv6::parse_stage(ipv6_.parse, batch, now); });
    meter.run(Lane::neighbor6, [&] { ipv6::neighbor_stage(ipv6_.discovery, batch, now); });
    meter.run(Lane::forward6, [&] { ipv6::forward_stage(ipv6_.forward, batch, now); });
}

void Pipeline::seal_tunnels(StageMeter& meter, Batch& batch, Now now) noexcept {
    // What cannot be sealed may be told to its sender, and that through a tunnel as well; an error
    // is never told again. What is too long for its peer comes back in pieces (decisions.md W8).
    for (int round = 0; round < 3; ++round) {
        meter.run(Lane::seal, [&] { wireguard::seal_stage(*tunnels_, batch, now); });
        meter.run(Lane::underlay, [&] { route::underlay_stage(underlay_, batch, now); });
        meter.run(Lane::forward6, [&] { ipv6::forward_stage(ipv6_.forward, batch, now); });
        for (int pass = 0; pass < 2; ++pass) {
            meter.run(Lane::link, [&] { route::link_stage(link_, batch, now); });
            meter.run(Lane::link6, [&] { ipv6::link_stage(ipv6_.link, batch, now); });
            meter.run(Lane::icmp_error, [&] { report_errors(batch, now); });
            meter.run(Lane::icmp6_error, [&] { report_ipv6_errors(batch, now); });
        }
        meter.run(Lane::link, [&] { route::link_stage(link_, batch, now); });
        meter.run(Lane::link6, [&] { ipv6::link_stage(ipv6_.link, batch, now); });
    }
}

void Pipeline::count_exits(const Batch& batch) noexcept {
    counters_.originated.add(batch.originated_count());
    const PacketList& dropped = batch.lane(Lane::drop);
    for (const PacketIndex index : dropped) {
        const Packet& packet = batch[index];
        counters_.drops[static_cast<std::size_t>(packet.verdict)].add();
        if (packet.verdict == DropReason::arp_conflict ||  // which network has it, 15.5
            packet.verdict == DropReason::nd_conflict) {
            counters_.interfaces[static_cast<std::size_t>(packet.ingress)].address_conflicts.add();
        }
    }
    counters_.dropped.add(dropped.size());
    counters_.held.add(batch.lane(Lane::hold).size());
    counters_.absorbed.add(batch.lane(Lane::absorb).size());
}

void Pipeline::report_errors(Batch& batch, Now now) noexcept {
    const std::size_t link_before = batch.lane(Lane::link).size();
    route::icmp_error_stage(icmp_error_, batch, now);
    count_reported(batch, batch.lane(Lane::link), link_before);
}

void Pipeline::report_ipv6_errors(Batch& batch, Now now) noexcept {
    const std::size_t link_before = batch.lane(Lane::link6).size();
    ipv6::icmp_error_stage(ipv6_.icmp_error, batch, now);
    count_reported(batch, batch.lane(Lane::link6), link_before);
}

// The rejected packet counts as dropped, the error made of it as originated.
void Pipeline::count_reported(const Batch& batch, const PacketList& link,
                              std::size_t before) noexcept {
    for (std::size_t position = before; position < link.size(); ++position) {
        const DropReason verdict = batch[link[position]].verdict;
        counters_.drops[static_cast<std::size_t>(verdict)].add();
    }
    counters_.dropped.add(link.size() - before);
    counters_.originated.add(link.size() - before);
}

void Pipeline::housekeeping(Batch& batch, Now now) noexcept {
    parse::fragment_slice(fragment_, batch, now, kFragmentSweepEntries);
    parse::reassembly_slice(reassembly_, batch, now, kReassemblySweepEntries);
    if (resolver_ != nullptr) {
        resolver_->slice(batch, now, kNeighborSweepEntries);
    }
    ipv6_.slice(batch, now);
    nat::held_syn_slice(nat_, batch, now, counters_.released);
    nat::expire_slice(nat_, now, sweep_budget(now));
    if (tunnels_ != nullptr) {
        wireguard::slice(*tunnels_, batch, now);
    }
    run(batch, now);
}

std::size_t Pipeline::sweep_budget(Now now) noexcept {
    const Duration elapsed = std::min<Duration>(now - last_sweep_, kSweepPeriod);
    last_sweep_ = now;
    const auto share = mappings_per_worker_ *
                       static_cast<std::size_t>(std::max(elapsed.count(), Duration::rep{0})) /
                       static_cast<std::size_t>(kSweepPeriod.count());
    return std::clamp(share, kSweepEntriesMin, kSweepEntriesMax);
}

bool Pipeline::discard(Batch& batch) noexcept {
    const bool has_fragments = parse::fragment_discard(fragment_, batch);
    const bool has_datagrams = parse::reassembly_discard(reassembly_, batch);
    const bool has_pending = resolver_ != nullptr && resolver_->discard(batch);
    const bool has_ipv6_pending = ipv6_.discard(batch);
    const bool has_syns = nat::held_syn_discard(nat_, batch, counters_.released);
    const bool has_staged = tunnels_ != nullptr && wireguard::discard(*tunnels_, batch);
    return has_fragments || has_datagrams || has_pending || has_ipv6_pending || has_syns ||
           has_staged;
}

}  // namespace towpath::pipeline
