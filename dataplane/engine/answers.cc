// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/answers.h"

#include <algorithm>

namespace towpath::engine {
namespace {

std::uint32_t seconds_of(Duration duration) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

// What a mapping without sessions may idle.
std::uint32_t idle_limit_s(const nat::MappingView& view, const nat::Timeouts& timeouts) {
    switch (view.protocol) {
        case Protocol::udp:
            return seconds_of(view.is_replied ? timeouts.udp : timeouts.udp_unreplied);
        case Protocol::tcp:
            return seconds_of(view.is_replied ? timeouts.tcp_established : timeouts.tcp_open);
        case Protocol::icmp:
            break;
    }
    return seconds_of(timeouts.icmp);
}

contract::Filtering filtering_of(const nat::MappingView& view, const nat::Policy& policy) {
    if (view.realm != nat::kOutsideRealm) {
        return contract::Filtering::address_and_port_dependent;  // realm.h
    }
    const Protocol protocol = view.protocol;
    const nat::Filtering filtering = protocol == Protocol::udp   ? policy.udp_filtering
                                     : protocol == Protocol::tcp ? policy.tcp_filtering
                                                                 : policy.icmp_filtering;
    switch (filtering) {
        case nat::Filtering::address_dependent:
            return contract::Filtering::address_dependent;
        case nat::Filtering::address_and_port_dependent:
            return contract::Filtering::address_and_port_dependent;
        case nat::Filtering::endpoint_independent:
            break;
    }
    return contract::Filtering::endpoint_independent;
}

contract::RemoteState state_of(nat::SessionState state) {
    switch (state) {
        case nat::SessionState::init_inside:
        case nat::SessionState::init_outside:
            return contract::RemoteState::opening;
        case nat::SessionState::established:
            return contract::RemoteState::established;
        case nat::SessionState::fin_inside:
        case nat::SessionState::fin_outside:
        case nat::SessionState::fin_both:
        case nat::SessionState::transitory:
        case nat::SessionState::ending:
            return contract::RemoteState::closing;
        case nat::SessionState::free:
        case nat::SessionState::permit:
            break;
    }
    return contract::RemoteState::permitted;
}

contract::EventKind kind_of(nat::MappingEventKind kind) {
    switch (kind) {
        case nat::MappingEventKind::created:
            return contract::EventKind::created;
        case nat::MappingEventKind::ended:
            return contract::EventKind::deleted;
        case nat::MappingEventKind::resync_begin:
            return contract::EventKind::begin;
        case nat::MappingEventKind::exists:
            return contract::EventKind::exists;
        case nat::MappingEventKind::resync_end:
            break;
    }
    return contract::EventKind::end;
}

}  // namespace

void fill_counters(contract::CountersReply& reply, const worker::Worker& worker) {
    const PipelineCounters& counters = worker.counters();
    reply.busy_ns = worker.load().busy_ns.value();
    reply.idle_ns = worker.load().idle_ns.value();
    reply.received = counters.received.value();
    reply.resumed = counters.resumed.value();
    reply.released = counters.released.value();
    reply.originated = counters.originated.value();
    reply.transmitted = counters.transmitted.value();
    reply.dropped = counters.dropped.value();
    reply.punted = counters.punted.value();
    reply.handed_off = counters.handed_off.value();
    reply.held = counters.held.value();
    reply.absorbed = counters.absorbed.value();
    reply.icmp_errors_over_rate = counters.suppressed_errors.over_rate.value();
    reply.icmp_errors_repeated = counters.suppressed_errors.repeated.value();
    static_assert(kDropReasonCount <= contract::kReasonsMax);
    for (std::size_t reason = 0; reason < kDropReasonCount; ++reason) {
        reply.drops[reason] = counters.drops[reason].value();
    }
    static_assert(kLaneCount <= contract::kStagesMax);
    for (std::size_t stage = 0; stage < kLaneCount; ++stage) {
        reply.stages[stage] = {counters.stages[stage].packets.value(),
                               counters.stages[stage].cycles.value()};
    }
    static_assert(kInterfacesMax <= contract::kPortsMax);
    for (std::size_t id = 0; id < kInterfacesMax; ++id) {
        const InterfaceCounters& interface = counters.interfaces[id];
        reply.interfaces[id] = {interface.receive_packets.value(), interface.receive_bytes.value(),
                                interface.transmit_packets.value(),
                                interface.transmit_bytes.value(),
                                interface.address_conflicts.value()};
    }
}

contract::MappingRow mapping_row(const nat::MappingView& view, const nat::Policy& policy) {
    const std::uint32_t limit_s = idle_limit_s(view, policy.timeouts);
    contract::MappingRow row;
    row.inside = contract::EndpointField::of(view.inside);
    row.outside = contract::EndpointField::of(view.outside);
    row.kind = kind_of(view.protocol);
    row.worker = view.owner;
    row.filtering = filtering_of(view, policy);
    row.is_tracked = view.sessions != 0 ? 1 : 0;
    row.age_s = view.age_s;
    row.idle_s = view.idle_s;
    // With sessions it ends with the last of them, whatever the mapping's own timer says.
    row.expires_s = view.sessions != 0 ? 0 : limit_s - std::min(limit_s, view.idle_s);
    row.sessions = view.sessions;
    return row;
}

contract::RemoteRow remote_row(const nat::RemoteView& view) {
    contract::RemoteRow row;
    row.remote = contract::EndpointField::of(view.remote);
    row.state = state_of(view.state);
    row.idle_s = view.idle_s;
    return row;
}

contract::EventRow event_row(const nat::MappingEvent& event, WorkerId worker) {
    contract::EventRow row;
    row.time_ms = std::uint64_t{event.time_s} * 1000;
    row.kind = kind_of(event.kind);
    row.mapping = kind_of(event.protocol);
    row.worker = worker;
    row.is_tracked = event.is_translated ? 0 : 1;
    row.inside = contract::EndpointField::of(event.inside);
    row.outside = contract::EndpointField::of(event.outside);
    return row;
}

contract::PortDriver driver_of(port::Driver driver) noexcept {
    switch (driver) {
        case port::Driver::automatic:
            return contract::PortDriver::automatic;
        case port::Driver::pci:
            return contract::PortDriver::pci;
        case port::Driver::af_xdp:
            return contract::PortDriver::af_xdp;
        case port::Driver::af_packet:
            return contract::PortDriver::af_packet;
        case port::Driver::memif:
            return contract::PortDriver::memif;
        case port::Driver::tap:
            return contract::PortDriver::tap;
        case port::Driver::pcap:
            return contract::PortDriver::pcap;
    }
    return contract::PortDriver::automatic;
}

Protocol protocol_of(contract::MappingKind kind) noexcept {
    switch (kind) {
        case contract::MappingKind::tcp:
            return Protocol::tcp;
        case contract::MappingKind::icmp:
            return Protocol::icmp;
        case contract::MappingKind::udp:
        case contract::MappingKind::count:
            break;
    }
    return Protocol::udp;
}

contract::MappingKind kind_of(Protocol protocol) noexcept {
    switch (protocol) {
        case Protocol::tcp:
            return contract::MappingKind::tcp;
        case Protocol::icmp:
            return contract::MappingKind::icmp;
        case Protocol::udp:
            break;
    }
    return contract::MappingKind::udp;
}

}  // namespace towpath::engine
