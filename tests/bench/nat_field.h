// SPDX-License-Identifier: BSD-3-Clause
// A NAT with many established flows, and packets of them, for benchmarks: filled through the
// stages themselves, so that what is measured is what runs.
#pragma once

#include <immintrin.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/nat/state.h"
#include "dataplane/nat/tables.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"
#include "tests/bench/cpu_model.h"

namespace towpath::bench {

inline constexpr InterfaceId kLan{0};
inline constexpr InterfaceId kWan{1};
inline constexpr std::size_t kFrame_bytes = 60;
// Ports of one pool address that a bench fills, as decisions.md N22 counts: 4 Mi over 80.
inline constexpr std::size_t kMappingsPerAddress = 52429;

// Serialised enough that what stands before is done.
inline std::uint64_t read_ticks() {
    unsigned processor = 0;
    _mm_lfence();
    const std::uint64_t ticks = __rdtscp(&processor);
    _mm_lfence();
    return ticks;
}

inline double ticks_per_second() {
    timespec begin{};
    timespec end{};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const std::uint64_t first = read_ticks();
    do {
        clock_gettime(CLOCK_MONOTONIC, &end);
    } while ((end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec < 50000000L);
    const std::uint64_t ticks = read_ticks() - first;
    const double elapsed_s = static_cast<double>(end.tv_sec - begin.tv_sec) +
                             static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e9;
    return static_cast<double>(ticks) / elapsed_s;
}

inline double median(std::vector<double> values) {
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

// Uniform enough, and the same in every run.
class Shuffle {
public:
    std::uint32_t below(std::size_t bound) {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return static_cast<std::uint32_t>((state_ >> 32U) * bound >> 32U);
    }

private:
    std::uint64_t state_ = 88172645463325252U;
};

// Buffers of 2 KiB as a packet pool has them, used in turn.
class BufferRing {
public:
    static constexpr std::size_t kBuffers = 4096;
    static constexpr std::size_t kBuffer_bytes = 2304;
    BufferRing() : storage_(kBuffers) {}
    Packet next() {
        Packet packet;
        packet.buffer = storage_[used_++ % kBuffers].bytes.data();
        packet.handle = packet.buffer;
        packet.head = 128;
        packet.length = kFrame_bytes;
        packet.capacity = kBuffer_bytes;
        return packet;
    }

private:
    // On a cache line, or it would depend on the allocator which header needs two.
    struct alignas(64) Buffer {
        std::array<std::byte, kBuffer_bytes> bytes;
    };
    std::vector<Buffer> storage_;
    std::size_t used_ = 0;
};

inline void evict(const Packet& packet) {
    for (std::size_t offset = 0; offset < packet.length + 63U; offset += 64) {
        _mm_clflush(packet.data() + offset);
    }
}

class NatField {
public:
    NatField(std::size_t mappings, Protocol protocol, std::size_t workers = 1)
        : mappings_{mappings}, protocol_{protocol} {
        policy.is_enabled = true;
        policy.rewrite_identification = false;  // the packets are atomic
        const std::size_t addresses = (mappings + kMappingsPerAddress - 1) / kMappingsPerAddress;
        for (std::size_t position = 0; position < addresses; ++position) {
            policy.pool.emplace_back(0xCB007100U + static_cast<std::uint32_t>(position));
        }
        interfaces.count = 2;
        interfaces.storage[0].role = InterfaceRole::inside;
        interfaces.storage[1].role = InterfaceRole::outside;
        for (const InterfaceId id : {kLan, kWan}) {
            interfaces.storage[static_cast<std::size_t>(id)].id = id;
            interfaces.storage[static_cast<std::size_t>(id)].is_up = true;
        }
        nat::Capacity capacity;
        // Owners have equal shares and hosts fall unevenly on them.
        capacity.mappings = workers == 1 ? mappings : mappings + mappings / 8;
        capacity.sessions = protocol == Protocol::tcp ? capacity.mappings : 1;
        capacity.pool_addresses = addresses;
        capacity.workers = workers;
        nat::Keys keys;
        keys.mapping_hash = {0x9E3779B97F4A7C15U, 77};
        keys.session_hash = {0xC2B2AE3D27D4EB4FU, 99};
        keys.ownership = 0x165667B19E3779F9U;
        keys.pooling = 0x27D4EB2F165667C5U;
        auto created = nat::Tables::create(capacity, keys, quiescence);
        TOWPATH_ASSERT(created.has_value());
        tables = std::move(*created);
        TOWPATH_ASSERT(tables->bind_pool(policy.pool).has_value());
        for (std::size_t worker = 0; worker < workers; ++worker) {
            states.push_back(std::make_unique<nat::State>(*tables, static_cast<WorkerId>(worker),
                                                          &policy, &interfaces));
        }
    }

    [[nodiscard]] Endpoint inside(std::size_t flow) const {
        const auto host = static_cast<std::uint32_t>(flow / 16);
        const std::uint32_t first = host * 2654435761U >> 16U;
        const auto port = static_cast<std::uint32_t>((first + flow % 16 * 4032) % 64512);
        return {Ipv4Address{0x0A000000U + host}, Port{static_cast<std::uint16_t>(1024 + port)}};
    }
    [[nodiscard]] Endpoint remote(std::size_t flow) const {
        return {Ipv4Address{0xC6336400U + static_cast<std::uint32_t>(flow * 7 % 65536)}, Port{443}};
    }

    // A frame of `flow`, outbound and parsed, as nat_outbound would meet it.
    void write_outbound(Packet& packet, std::size_t flow, std::uint8_t tcp_flags = kTcpAck) const {
        write(packet, inside(flow), remote(flow), tcp_flags);
        packet.ingress = kLan;
        packet.egress = kWan;
    }
    // Notes every flow's outside endpoint for write_inbound, once they all exist.
    void find_outside() {
        outside_.reserve(mappings_);
        for (std::size_t flow = 0; flow < mappings_; ++flow) {
            const Endpoint own = inside(flow);
            const nat::InsideKey key = nat::inside_key(own.address, own.port, protocol_);
            const nat::Tables::Part& part = tables->part(tables->ownership().owner_of(own.address));
            const nat::EntryIndex found =
                part.by_inside.find(tables->hash_of(key), [&](nat::EntryIndex index) {
                    return part.mappings[nat::local_of(index)].key == key;
                });
            const nat::Mapping& mapping = part.mappings[nat::local_of(found)];
            outside_.push_back({mapping.outside_address, mapping.outside_port});
        }
    }
    // A frame of `flow` from its remote, as it arrives.
    void write_inbound(Packet& packet, std::size_t flow) const {
        write(packet, remote(flow), outside_[flow], kTcpAck);
        packet.ingress = kWan;
        packet.egress = kLan;
    }
    // What the remote answers to `sent`, which has been translated.
    void write_reply(Packet& packet, const Packet& sent, std::uint8_t tcp_flags) const {
        const auto& ip = sent.header<Ipv4Header>(sent.l3);
        write(packet, {Ipv4Address{ip.destination}, sent.destination_port},
              {Ipv4Address{ip.source}, sent.source_port}, tcp_flags);
        packet.ingress = kWan;
        packet.egress = kLan;
    }

    // Makes every flow exist and, for TCP, established; from each flow's own worker. Returns the
    // ticks per mapping inside the outbound stage, the median of all bursts.
    double fill() {
        BufferRing buffers;
        Batch batch;
        std::vector<double> ticks;
        const std::uint8_t first = protocol_ == Protocol::tcp ? kTcpSyn : kTcpAck;
        std::array<std::vector<std::size_t>, kWorkersMax> pending;
        for (std::size_t flow = 0; flow < mappings_; ++flow) {
            const WorkerId worker = tables->ownership().owner_of(inside(flow).address);
            pending[worker].push_back(flow);
            if (pending[worker].size() == kBurstMax || flow + 1 == mappings_) {
                ticks.push_back(establish(buffers, batch, worker, pending[worker], first));
                pending[worker].clear();
            }
        }
        for (std::size_t worker = 0; worker < states.size(); ++worker) {
            establish(buffers, batch, static_cast<WorkerId>(worker), pending[worker], first);
        }
        return median(ticks);
    }

    [[nodiscard]] std::size_t flows() const { return mappings_; }

    nat::Policy policy;
    InterfaceTable interfaces;
    Quiescence quiescence;
    std::unique_ptr<nat::Tables> tables;
    std::vector<std::unique_ptr<nat::State>> states;
    Now now = Now{std::chrono::seconds{1000}};
    std::size_t refused = 0;

private:
    double establish(BufferRing& buffers, Batch& batch, WorkerId worker,
                     const std::vector<std::size_t>& flows, std::uint8_t first) {
        if (flows.empty()) {
            return 0;
        }
        batch.clear();
        for (std::size_t position = 0; position < flows.size(); ++position) {
            Packet packet = buffers.next();
            write_outbound(packet, flows[position], first);
            TOWPATH_ASSERT(batch.admit(packet, Lane::nat_outbound));
        }
        const std::uint64_t begin = read_ticks();
        nat::nat_outbound_stage(*states[worker], batch, now);
        const std::uint64_t ticks = read_ticks() - begin;
        refused += flows.size() - batch.lane(Lane::link).size();
        nat::expire_slice(*states[worker], now, 0);
        for (nat::MappingEvent event; states[worker]->events().pop(event);) {
        }
        if (protocol_ == Protocol::tcp) {
            Batch replies;
            for (const PacketIndex index : batch.lane(Lane::link)) {
                Packet packet = buffers.next();
                write_reply(packet, batch[index], kTcpSyn | kTcpAck);
                TOWPATH_ASSERT(replies.admit(packet, Lane::nat_inbound));
            }
            nat::nat_inbound_stage(*states[worker], replies, now);
            TOWPATH_ASSERT(replies.lane(Lane::route).size() == replies.size());
        }
        return static_cast<double>(ticks) / static_cast<double>(flows.size());
    }

    void write(Packet& packet, Endpoint source, Endpoint destination,
               std::uint8_t tcp_flags) const {
        packet.l3 = sizeof(EthernetHeader);
        packet.l4 = sizeof(EthernetHeader) + sizeof(Ipv4Header);
        packet.ip_protocol = static_cast<std::uint8_t>(protocol_);
        packet.source_port = source.port;
        packet.destination_port = destination.port;
        packet.was_rewritten_inbound = false;
        auto& ethernet = packet.header<EthernetHeader>(0);
        ethernet = EthernetHeader{};
        ethernet.ether_type = be16{kEtherTypeIpv4};
        auto& ip = packet.header<Ipv4Header>(packet.l3);
        ip = Ipv4Header{};
        ip.version_and_ihl = 0x45;
        ip.total_length_bytes = be16{static_cast<std::uint16_t>(packet.length - packet.l3)};
        ip.flags_and_offset = be16{kIpv4FlagDontFragment};
        ip.ttl = 64;
        ip.protocol = packet.ip_protocol;
        ip.source = source.address.wire();
        ip.destination = destination.address.wire();
        ip.checksum = full_checksum(packet.bytes().subspan(packet.l3, sizeof ip));
        if (protocol_ == Protocol::tcp) {
            packet.transport = TransportKind::tcp;
            auto& tcp = packet.header<TcpHeader>(packet.l4);
            tcp = TcpHeader{};
            tcp.source_port = source.port.wire();
            tcp.destination_port = destination.port.wire();
            tcp.data_offset_and_reserved = 5U << 4U;
            tcp.flags = tcp_flags;
        } else {
            packet.transport = TransportKind::udp;
            packet.header<UdpHeader>(packet.l4) = {source.port.wire(), destination.port.wire(),
                                                   be16{std::uint16_t{26}}, be16{std::uint16_t{1}}};
        }
    }

    std::size_t mappings_;
    Protocol protocol_;
    std::vector<Endpoint> outside_;  // by flow, after find_outside
};

}  // namespace towpath::bench
