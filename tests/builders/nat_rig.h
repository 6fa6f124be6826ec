// SPDX-License-Identifier: BSD-3-Clause
// The NAT between two wires, without the rest of the pipeline: some workers, their stages, and a
// stand-in for classify and route that knows one inside (10.0.0.0/8, interface 0), one outside
// (interface 1) and a tunnel (10.99.0.0/16, interface 2, inside). Time is a number that tests move.
// Hand-offs happen at once, in this thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/nat/state.h"
#include "dataplane/nat/tables.h"
#include "dataplane/parse/transport.h"
#include "tests/builders/packet_builder.h"

namespace towpath::builders {

inline constexpr InterfaceId kLan{0};
inline constexpr InterfaceId kWan{1};
inline constexpr InterfaceId kTunnel{2};

struct NatRigOptions {
    std::size_t workers = 1;
    std::size_t mappings = 4096;
    std::size_t sessions = 4096;
    std::size_t pool_addresses = 16;
    std::vector<std::string_view> pool = {"203.0.113.9"};
    std::uint64_t seed = 1;
    std::string_view realm_address = {};  // of the inside interface, for peers of the tunnel
};

class NatRig {
public:
    // Where a packet ended, and why if it was dropped or refused.
    struct Exit {
        Lane lane = Lane::drop;
        DropReason reason = DropReason::none;
        unsigned hand_offs = 0;
        friend bool operator==(const Exit&, const Exit&) = default;
        [[nodiscard]] bool passed() const { return lane == Lane::link; }
    };

    explicit NatRig(const NatRigOptions& options = {}) {
        policy.is_enabled = true;
        for (const std::string_view text : options.pool) {
            policy.pool.push_back(address(text));
        }
        if (!options.realm_address.empty()) {
            policy.realm_addresses[0] = address(options.realm_address);
        }
        interfaces.count = 3;
        for (const InterfaceId id : {kLan, kWan, kTunnel}) {
            Interface& interface = interfaces.storage[static_cast<std::size_t>(id)];
            interface.id = id;
            interface.is_up = true;
            interface.role = id == kWan ? InterfaceRole::outside : InterfaceRole::inside;
            interface.is_tunnel = id == kTunnel;
        }
        nat::Capacity capacity;
        capacity.workers = options.workers;
        capacity.mappings = options.mappings;
        capacity.sessions = options.sessions;
        capacity.pool_addresses = options.pool_addresses;
        capacity.realm_addresses = options.realm_address.empty() ? 0 : 2;
        nat::Keys keys;
        keys.mapping_hash = {options.seed * 0x9E3779B97F4A7C15U, 77};
        keys.session_hash = {options.seed * 0xC2B2AE3D27D4EB4FU, 99};
        keys.ownership = options.seed * 0x165667B19E3779F9U;
        keys.pooling = options.seed * 0x27D4EB2F165667C5U;
        keys.random_seed.fill(static_cast<std::uint32_t>(options.seed));
        Outcome<std::unique_ptr<nat::Tables>> created =
            nat::Tables::create(capacity, keys, quiescence);
        TOWPATH_ASSERT(created.has_value());
        tables = std::move(*created);
        TOWPATH_ASSERT(tables->bind_pool(policy.pool, policy.realm_addresses).has_value());
        for (std::size_t worker = 0; worker < options.workers; ++worker) {
            states.push_back(std::make_unique<nat::State>(*tables, static_cast<WorkerId>(worker),
                                                          &policy, &interfaces));
            quiescence.come_online(static_cast<WorkerId>(worker));
        }
    }

    // After a change of `policy`.
    void publish() {
        for (const auto& state : states) {
            state->set_policy(&policy);
        }
    }
    void rebind(const std::vector<std::string_view>& pool) {
        policy.pool.clear();
        for (const std::string_view text : pool) {
            policy.pool.push_back(address(text));
        }
        TOWPATH_ASSERT(tables->bind_pool(policy.pool, policy.realm_addresses).has_value());
        publish();
    }
    [[nodiscard]] bool is_pool(Ipv4Address candidate) const {
        return tables->pool().slot_of(candidate) != nat::kNoSlot;
    }

    Exit from_inside(Frame& frame, WorkerId worker = 0) { return receive(frame, kLan, worker); }
    Exit from_outside(Frame& frame, WorkerId worker = 0) { return receive(frame, kWan, worker); }
    Exit from_tunnel(Frame& frame, WorkerId worker = 0) { return receive(frame, kTunnel, worker); }

    // Time passes and every worker keeps house, until nothing waits for another turn.
    void advance(Duration duration) {
        now += duration;
        expire();
    }
    void expire(std::size_t turns = 6) {
        for (std::size_t turn = 0; turn < turns; ++turn) {
            for (const auto& state : states) {
                nat::expire_slice(*state, now, 100000);
                quiescence.pass(state->worker());
            }
        }
    }
    [[nodiscard]] nat::State& owner_of(std::string_view inside) {
        return *states[tables->ownership().owner_of(address(inside))];
    }
    [[nodiscard]] std::optional<nat::MappingView> lookup(Protocol protocol, std::string_view inside,
                                                         std::uint16_t port) {
        return owner_of(inside).lookup_inside(protocol, {address(inside), Port{port}}, now);
    }
    [[nodiscard]] std::size_t live_mappings() const {
        std::size_t live = 0;
        for (const auto& state : states) {
            for (std::size_t protocol = 0; protocol < nat::kProtocolCount; ++protocol) {
                live += state->counters().mappings_created[protocol].value() -
                        state->counters().mappings_ended[protocol].value();
            }
        }
        return live;
    }

    nat::Policy policy;
    InterfaceTable interfaces;
    Quiescence quiescence;
    std::unique_ptr<nat::Tables> tables;
    std::vector<std::unique_ptr<nat::State>> states;
    Now now = Now{std::chrono::seconds{10000}};

private:
    // Lanes in the order of the pipeline; a packet that is handed off goes on at its target.
    Exit receive(Frame& frame, InterfaceId ingress, WorkerId worker) {
        Packet& packet = frame.packet;
        packet.ingress = ingress;
        packet.ip_protocol = frame.ipv4().protocol;
        if (packet.fragment != FragmentKind::later) {
            const DropReason reason = parse::read_transport(packet);
            if (reason != DropReason::none) {
                return {Lane::drop, reason};
            }
        }
        Exit exit;
        Lane lane =
            is_pool(Ipv4Address{frame.ipv4().destination}) ? Lane::nat_inbound : Lane::route;
        for (int step = 0; step < 12; ++step) {
            if (lane == Lane::route) {
                const std::uint32_t destination = frame.ipv4().destination.host();
                packet.egress = destination >> 16U == 0x0A63 ? kTunnel
                                : destination >> 24U == 10   ? kLan
                                                             : kWan;
                lane = Lane::nat_outbound;
            }
            lane = run_stage(packet, lane, worker);
            if (lane == Lane::hand_off) {
                TOWPATH_ASSERT(packet.target_worker != worker);
                worker = packet.target_worker;
                lane = packet.resume;
                ++exit.hand_offs;
            }
            if (lane != Lane::route && lane != Lane::nat_inbound && lane != Lane::nat_outbound) {
                exit.lane = lane;
                exit.reason = packet.verdict;
                return exit;
            }
        }
        assertion_failed("the packet goes round in circles", __FILE__, __LINE__);
    }
    Lane run_stage(Packet& packet, Lane lane, WorkerId worker) {
        batch_.clear();
        TOWPATH_ASSERT(batch_.admit(packet, lane));
        if (lane == Lane::nat_inbound) {
            nat::nat_inbound_stage(*states[worker], batch_, now);
        } else {
            nat::nat_outbound_stage(*states[worker], batch_, now);
        }
        packet = batch_[0];
        std::size_t found = kLaneCount;
        for (std::size_t candidate = 0; candidate < kLaneCount; ++candidate) {
            if (!batch_.lane(static_cast<Lane>(candidate)).empty()) {
                TOWPATH_ASSERT(found == kLaneCount);
                found = candidate;
            }
        }
        TOWPATH_ASSERT(found != kLaneCount);
        return static_cast<Lane>(found);
    }

    Batch batch_;
};

inline Endpoint source_of(Frame& frame) {
    return {Ipv4Address{frame.ipv4().source}, frame.packet.source_port};
}
inline Endpoint destination_of(Frame& frame) {
    return {Ipv4Address{frame.ipv4().destination}, frame.packet.destination_port};
}

// Both checksums of a whole packet.
inline bool checksums_are_valid(Frame& frame) {
    const Ipv4Header& ip = frame.ipv4();
    const auto length_bytes = static_cast<std::uint16_t>(frame.transport().size());
    const std::uint64_t pseudo =
        ip.protocol == static_cast<std::uint8_t>(Protocol::icmp)
            ? 0
            : pseudo_header_sum(ip.source, ip.destination, ip.protocol, length_bytes);
    return checksum_is_valid(frame.header()) && checksum_is_valid(frame.transport(), pseudo);
}

}  // namespace towpath::builders
