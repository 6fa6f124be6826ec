// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/tables.h"

#include <algorithm>
#include <string>
#include <utility>

namespace towpath::nat {

namespace {

// Entries beyond the share of live ones: for those that rest or wait for the other workers.
[[nodiscard]] std::size_t with_reserve(std::size_t limit) noexcept {
    return limit + limit / 16 + 64;
}

}  // namespace

Tables::Tables(const Capacity& capacity, const Keys& keys, Quiescence& quiescence) noexcept
    : capacity_{capacity},
      keys_{keys},
      quiescence_{quiescence},
      ownership_{capacity.workers, keys.ownership} {}

Outcome<std::unique_ptr<Tables>> Tables::create(const Capacity& capacity, const Keys& keys,
                                                Quiescence& quiescence) {
    if (capacity.workers == 0 || capacity.workers > kWorkersMax) {
        return fail(ExitCode::usage, "there are 1 to " + std::to_string(kWorkersMax) +
                                         " workers, not " + std::to_string(capacity.workers));
    }
    const std::size_t largest = std::max(capacity.mappings, capacity.sessions) / capacity.workers;
    if (capacity.mappings == 0 || with_reserve(largest + 1) > kEntriesPerOwnerMax) {
        return fail(ExitCode::usage,
                    "a worker holds 1 to " + std::to_string(kEntriesPerOwnerMax / 17 * 16 - 64) +
                        " NAT mappings and sessions, not " + std::to_string(largest));
    }
    std::unique_ptr<Tables> tables{new Tables{capacity, keys, quiescence}};
    if (Outcome<void> reserved = tables->reserve(); !reserved) {
        return tl::unexpected<Failure>{std::move(reserved.error())};
    }
    return tables;
}

Outcome<void> Tables::reserve() {
    const std::size_t workers = capacity_.workers;
    const std::size_t mapping_limit = (capacity_.mappings + workers - 1) / workers;
    const std::size_t session_limit = (capacity_.sessions + workers - 1) / workers;
    const std::size_t mappings = with_reserve(mapping_limit);
    const std::size_t sessions = with_reserve(session_limit);
    const std::size_t mapping_buckets = BucketIndex::bucket_count(mappings);
    const std::size_t session_buckets = BucketIndex::bucket_count(sessions);
    const std::size_t mapping_part = Memory::size_of<Mapping>(mappings + 1) +
                                     Memory::size_of<BucketIndex::Bucket>(mapping_buckets);
    const std::size_t session_part = Memory::size_of<Session>(sessions + 1) +
                                     Memory::size_of<BucketIndex::Bucket>(session_buckets);
    Outcome<Memory> memory =
        Memory::reserve(workers * (mapping_part + session_part), Memory::Touch::now);
    if (!memory) {
        return tl::unexpected<Failure>{std::move(memory.error())};
    }
    memory_ = std::move(*memory);
    Outcome<Pool> pool =
        Pool::create(capacity_.pool_addresses + capacity_.realm_addresses, keys_.pooling);
    if (!pool) {
        return tl::unexpected<Failure>{std::move(pool.error())};
    }
    pool_ = std::move(*pool);
    for (std::size_t worker = 0; worker < workers; ++worker) {
        Part& part = parts_[worker];
        part.mappings = memory_.take<Mapping>(mappings + 1);
        part.by_inside =
            BucketIndex{memory_.take<BucketIndex::Bucket>(mapping_buckets), mapping_buckets};
        part.sessions = memory_.take<Session>(sessions + 1);
        part.by_remote =
            BucketIndex{memory_.take<BucketIndex::Bucket>(session_buckets), session_buckets};
        part.mapping_limit = mapping_limit;
        part.session_limit = session_limit;
        part.mapping_entries = mappings;
        part.session_entries = sessions;
    }
    mapping_bytes_ = workers * mapping_part + pool_.bytes();
    session_bytes_ = workers * session_part;
    return {};
}

Outcome<void> Tables::bind_pool(std::span<const Ipv4Address> addresses,
                                const RealmAddresses& realms) {
    return pool_.bind(addresses, realms);
}

PortUsage Tables::port_usage(Ipv4Address pool_address, Protocol protocol) const noexcept {
    PortUsage usage;
    const PoolSlot slot = pool_.slot_of(pool_address);
    if (slot != kNoSlot) {
        const PortMap& ports = pool_.ports(slot, protocol);
        usage.used = ports.taken();
        usage.held = ports.held();
        usage.refused = ports.refused();
    }
    return usage;
}

}  // namespace towpath::nat
