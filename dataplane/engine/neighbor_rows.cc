// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/neighbor_rows.h"

#include <algorithm>
#include <tuple>

namespace towpath::engine {
namespace {

template <class Table>
void append(std::vector<contract::NeighborRow>& rows, const Table& table, std::size_t slots,
            std::uint32_t now_s) {
    for (std::size_t index = 0; index < slots; ++index) {
        const auto entry = table.entry(index);
        if (entry.state == route::NeighborState::none) {
            continue;
        }
        contract::NeighborRow row;
        row.address = contract::IpAddressField::of(IpAddress{entry.key.address});
        row.mac = entry.mac;
        row.interface = static_cast<std::uint8_t>(entry.key.interface);
        row.state = to_contract(entry.state);
        // Confirmed by a worker whose second began after ours.
        row.age_s = now_s - std::min(now_s, entry.confirmed_s);
        rows.push_back(row);
    }
}

}  // namespace

contract::NeighborState to_contract(route::NeighborState state) noexcept {
    switch (state) {
        case route::NeighborState::reachable:
            return contract::NeighborState::reachable;
        case route::NeighborState::stale:
            return contract::NeighborState::stale;
        case route::NeighborState::probe:
            return contract::NeighborState::probe;
        case route::NeighborState::failed:
            return contract::NeighborState::failed;
        case route::NeighborState::none:
        case route::NeighborState::incomplete:
            break;
    }
    return contract::NeighborState::incomplete;
}

std::vector<contract::NeighborRow> neighbor_rows(const route::NeighborTable& ipv4,
                                                 const ipv6::NeighborTable& ipv6, Now now) {
    std::vector<contract::NeighborRow> rows;
    append(rows, ipv4, route::kNeighborsMax, coarse_seconds(now));
    append(rows, ipv6, ipv6::kNeighborsMax, coarse_seconds(now));
    return rows;
}

void sort_rows(std::vector<contract::NeighborRow>& rows) {
    const auto key = [](const contract::NeighborRow& row) {
        return std::tuple{row.interface, row.address.family, row.address.bytes};
    };
    std::sort(rows.begin(), rows.end(),
              [&](const auto& left, const auto& right) { return key(left) < key(right); });
}

}  // namespace towpath::engine
