// SPDX-License-Identifier: BSD-3-Clause
// The mapping and session tables that all workers share (nat-behaviour.md 13.4, ST-7): memory and
// indexes. Reads from any worker; writes by the owner through its State. All memory is reserved
// and touched at start.
//
// Limits. Each of W workers owns mappings / W and sessions / W (rounded up): a worker whose share
// is full refuses, even if another has room. Ports are not divided (decisions.md N1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/nat/bucket_index.h"
#include "dataplane/nat/keyed_hash.h"
#include "dataplane/nat/keys.h"
#include "dataplane/nat/mapping.h"
#include "dataplane/nat/memory.h"
#include "dataplane/nat/policy.h"
#include "dataplane/nat/pool.h"
#include "dataplane/nat/session.h"
#include "dataplane/nat/view.h"
#include "dataplane/packet/owner.h"
#include "dataplane/packet/quiescence.h"
#include "dataplane/wire/result.h"

namespace towpath::nat {

class Tables {
public:
    // `quiescence` is what the workers report to and outlives the tables.
    [[nodiscard]] static Outcome<std::unique_ptr<Tables>> create(const Capacity& capacity,
                                                                 const Keys& keys,
                                                                 Quiescence& quiescence);

    // Makes `addresses` the pool, before a policy that names them is published; one thread at a
    // time. An address that stays keeps its slot; one that goes ends its mappings by slices of
    // expiry. Fails when no slot is free: more addresses than the capacity, those that still
    // drain included.
    // `realms` likewise names the addresses of interfaces to which peers of tunnels are translated.
    [[nodiscard]] Outcome<void> bind_pool(std::span<const Ipv4Address> addresses,
                                          const RealmAddresses& realms = {});

    // By anyone, without touching workers.
    [[nodiscard]] PortUsage port_usage(Ipv4Address pool_address, Protocol protocol) const noexcept;
    [[nodiscard]] std::size_t mapping_bytes() const noexcept { return mapping_bytes_; }
    [[nodiscard]] std::size_t session_bytes() const noexcept { return session_bytes_; }

    [[nodiscard]] const Ownership& ownership() const noexcept { return ownership_; }
    [[nodiscard]] const Capacity& capacity() const noexcept { return capacity_; }
    [[nodiscard]] const Keys& keys() const noexcept { return keys_; }
    [[nodiscard]] Quiescence& quiescence() noexcept { return quiescence_; }
    [[nodiscard]] Pool& pool() noexcept { return pool_; }
    [[nodiscard]] const Pool& pool() const noexcept { return pool_; }

    // One owner's part.
    struct Part {
        Mapping* mappings = nullptr;  // by local number, 0 unused
        Session* sessions = nullptr;
        BucketIndex by_inside;
        BucketIndex by_remote;
        std::size_t mapping_limit = 0;  // live ones
        std::size_t session_limit = 0;
        std::size_t mapping_entries = 0;  // what is there, for those that rest or wait too
        std::size_t session_entries = 0;
    };
    [[nodiscard]] Part& part(WorkerId owner) noexcept { return parts_[owner]; }
    [[nodiscard]] const Part& part(WorkerId owner) const noexcept { return parts_[owner]; }
    [[nodiscard]] Mapping& mapping(EntryIndex index) const noexcept {
        return parts_[owner_of(index)].mappings[local_of(index)];
    }
    [[nodiscard]] Session& session(EntryIndex index) const noexcept {
        return parts_[owner_of(index)].sessions[local_of(index)];
    }

    [[nodiscard]] std::uint32_t hash_of(InsideKey key) const noexcept {
        return keyed_hash(keys_.mapping_hash, key, 0);
    }
    [[nodiscard]] std::uint32_t hash_of(EntryIndex mapping, Ipv4Address address,
                                        Port port) const noexcept {
        return keyed_hash(keys_.session_hash, std::uint64_t{mapping} << 32U | address.bits(),
                          port.number());
    }

private:
    Tables(const Capacity& capacity, const Keys& keys, Quiescence& quiescence) noexcept;
    Outcome<void> reserve();

    Capacity capacity_;
    Keys keys_;
    Quiescence& quiescence_;
    Ownership ownership_;
    Memory memory_;
    Pool pool_;
    std::array<Part, kWorkersMax> parts_{};
    std::size_t mapping_bytes_ = 0;
    std::size_t session_bytes_ = 0;
};

}  // namespace towpath::nat
