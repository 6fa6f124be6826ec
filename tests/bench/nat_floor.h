// SPDX-License-Identifier: BSD-3-Clause
// The floor of decisions.md N20: the product's own look-up and rewrite in bulk and nothing else, on
// the packets and the table that the pipeline is measured with. One look-up for UDP, two for TCP.
#pragma once

#include <array>
#include <atomic>
#include <span>

#include "dataplane/nat/admission.h"
#include "dataplane/nat/rewrite.h"
#include "tests/bench/nat_field.h"

namespace towpath::bench {

struct FloorLookup {
    nat::InsideKey key;
    std::uint32_t hash;
    std::uint32_t session_hash;
    nat::EntryIndex mapping;
    WorkerId owner;
};

// Keys, and every line that the look-ups will need, under way.
inline void fetch_burst(const nat::Tables& tables, std::span<const Packet> packets,
                        std::span<FloorLookup, kBurstMax> lookups) noexcept {
    for (const Packet& packet : packets) {
        __builtin_prefetch(packet.data());
    }
    for (std::size_t position = 0; position < packets.size(); ++position) {
        const Packet& packet = packets[position];
        FloorLookup& lookup = lookups[position];
        const Ipv4Address source{packet.header<Ipv4Header>(packet.l3).source};
        lookup.key = nat::inside_key(source, packet.source_port, nat::protocol_of(packet));
        lookup.hash = tables.hash_of(lookup.key);
        lookup.owner = tables.ownership().owner_of(source);
        tables.part(lookup.owner).by_inside.prefetch(lookup.hash);
    }
    for (std::size_t position = 0; position < packets.size(); ++position) {
        const Packet& packet = packets[position];
        FloorLookup& lookup = lookups[position];
        lookup.mapping = tables.part(lookup.owner).by_inside.guess(lookup.hash);
        __builtin_prefetch(&tables.part(lookup.owner).mappings[nat::local_of(lookup.mapping)]);
        if (packet.transport == TransportKind::tcp) {
            lookup.session_hash = tables.hash_of(
                lookup.mapping, Ipv4Address{packet.header<Ipv4Header>(packet.l3).destination},
                packet.destination_port);
            tables.part(lookup.owner).by_remote.prefetch(lookup.session_hash);
        }
    }
    for (std::size_t position = 0; position < packets.size(); ++position) {
        const FloorLookup& lookup = lookups[position];
        if (packets[position].transport == TransportKind::tcp) {
            const nat::Tables::Part& part = tables.part(lookup.owner);
            __builtin_prefetch(
                &part.sessions[nat::local_of(part.by_remote.guess(lookup.session_hash))]);
        }
    }
}

// `packets` are outbound and parsed; at most kBurstMax. Returns how many were found. Their bytes
// are fetched in here, inside whatever times this.
inline std::size_t floor_burst(const nat::Tables& tables, std::span<Packet> packets,
                               std::uint32_t now_s) noexcept {
    std::array<FloorLookup, kBurstMax> lookups;
    fetch_burst(tables, packets, lookups);
    std::size_t found = 0;
    for (std::size_t position = 0; position < packets.size(); ++position) {
        Packet& packet = packets[position];
        const FloorLookup& lookup = lookups[position];
        const nat::Tables::Part& part = tables.part(lookup.owner);
        nat::EntryIndex index = lookup.mapping;
        std::uint32_t session_hash = lookup.session_hash;
        const Ipv4Address remote{packet.header<Ipv4Header>(packet.l3).destination};
        if (part.mappings[nat::local_of(index)].key != lookup.key) {
            index = part.by_inside.find(lookup.hash, [&](nat::EntryIndex candidate) {
                return part.mappings[nat::local_of(candidate)].key == lookup.key;
            });
            if (index == nat::kNoEntry) {
                continue;
            }
            session_hash = tables.hash_of(index, remote, packet.destination_port);
        }
        nat::Mapping* mapping = &part.mappings[nat::local_of(index)];
        if (packet.transport == TransportKind::tcp) {
            const nat::EntryIndex session =
                nat::find_session(tables, index, remote, packet.destination_port, session_hash);
            if (session == nat::kNoEntry) {
                continue;
            }
            nat::stamp(tables.session(session).last_inside_s, now_s);
        }
        nat::stamp(mapping->last_used_s, now_s);
        nat::rewrite_source(packet, *mapping);
        ++found;
    }
    return found;
}

// The same for packets from outside: BY_EXT is an array, so the look-up needs no hash; TCP has its
// session besides.
inline std::size_t floor_burst_inbound(const nat::Tables& tables, std::span<Packet> packets,
                                       std::uint32_t now_s) noexcept {
    struct Lookup {
        const std::atomic<nat::EntryIndex>* cell;
        nat::EntryIndex mapping;
        std::uint32_t session_hash;
    };
    static const std::atomic<nat::EntryIndex> nowhere{nat::kNoEntry};
    std::array<Lookup, kBurstMax> lookups;
    for (const Packet& packet : packets) {
        __builtin_prefetch(packet.data());
    }
    for (std::size_t position = 0; position < packets.size(); ++position) {
        const Packet& packet = packets[position];
        const nat::PoolSlot slot =
            tables.pool().slot_of(Ipv4Address{packet.header<Ipv4Header>(packet.l3).destination});
        lookups[position].cell =
            slot == nat::kNoSlot
                ? &nowhere
                : &tables.pool().outside(
                      slot, nat::protocol_of(packet))[packet.destination_port.number()];
        __builtin_prefetch(lookups[position].cell);
    }
    for (std::size_t position = 0; position < packets.size(); ++position) {
        const Packet& packet = packets[position];
        Lookup& lookup = lookups[position];
        lookup.mapping = lookup.cell->load(std::memory_order_acquire);
        __builtin_prefetch(&tables.mapping(lookup.mapping));
        if (packet.transport == TransportKind::tcp) {
            lookup.session_hash = tables.hash_of(
                lookup.mapping, Ipv4Address{packet.header<Ipv4Header>(packet.l3).source},
                packet.source_port);
            tables.part(nat::owner_of(lookup.mapping)).by_remote.prefetch(lookup.session_hash);
        }
    }
    for (std::size_t position = 0; position < packets.size(); ++position) {
        const Lookup& lookup = lookups[position];
        if (packets[position].transport == TransportKind::tcp) {
            const nat::Tables::Part& part = tables.part(nat::owner_of(lookup.mapping));
            __builtin_prefetch(
                &part.sessions[nat::local_of(part.by_remote.guess(lookup.session_hash))]);
        }
    }
    std::size_t found = 0;
    for (std::size_t position = 0; position < packets.size(); ++position) {
        Packet& packet = packets[position];
        const Lookup& lookup = lookups[position];
        if (lookup.mapping == nat::kNoEntry) {
            continue;
        }
        nat::Mapping& mapping = tables.mapping(lookup.mapping);
        if (packet.transport == TransportKind::tcp) {
            const nat::EntryIndex session = nat::find_session(
                tables, lookup.mapping, Ipv4Address{packet.header<Ipv4Header>(packet.l3).source},
                packet.source_port, lookup.session_hash);
            if (session == nat::kNoEntry) {
                continue;
            }
            nat::stamp(tables.session(session).last_outside_s, now_s);
        } else {
            nat::stamp(mapping.last_used_s, now_s);
        }
        nat::rewrite_destination(packet, mapping);
        ++found;
    }
    return found;
}

}  // namespace towpath::bench
