// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/ipv6.h"

#include <algorithm>

namespace towpath::ipv6 {
namespace {

constexpr std::size_t kNeighborSweepEntries = 64;

bool has_same_addresses(const Interface& left, const Interface& right) noexcept {
    return left.has_ipv6 == right.has_ipv6 && left.link_local == right.link_local &&
           std::equal(left.ipv6_addresses().begin(), left.ipv6_addresses().end(),
                      right.ipv6_addresses().begin(), right.ipv6_addresses().end(),
                      [](const Ipv6InterfaceAddress& one, const Ipv6InterfaceAddress& other) {
                          return one.address == other.address;
                      });
}

}  // namespace

Ipv6::Ipv6(WorkerId worker, NeighborTable& neighbors, PipelineCounters& counters,
           std::uint64_t key) {
    icmp_error.budget.key = key;
    icmp_error.budget.suppressed = &counters.suppressed_errors;
    link.neighbors = &neighbors;
    link.identifications = FragmentIdentifications{key + (std::uint64_t{worker} << 60U)};
    if (worker == 0) {
        resolver_ = std::make_unique<NeighborResolver>(neighbors, counters.released);
        discovery.resolver = resolver_.get();
        link.resolver = resolver_.get();
    }
}

void Ipv6::adopt(const View& view, const InterfaceTable* before) noexcept {
    parse.interfaces = view.interfaces;
    discovery.view = view;
    forward.view = view;
    icmp_error.view = view;
    link.view = view;
    if (resolver_ == nullptr) {
        return;
    }
    resolver_->set_view(view);
    bool is_news = before == nullptr;
    for (const Interface& interface : view.interfaces->all()) {
        if (before == nullptr) {
            break;
        }
        const Interface& old = (*before)[interface.id];
        is_news = is_news || !has_same_addresses(interface, old) || (interface.is_up && !old.is_up);
        if (old.is_up && !interface.is_up) {
            resolver_->table().remove_interface(interface.id);
        }
    }
    if (is_news) {
        resolver_->announce(Now{});
    }
}

void Ipv6::slice(Batch& batch, Now now) noexcept {
    if (resolver_ != nullptr) {
        resolver_->slice(batch, now, kNeighborSweepEntries);
    }
}

bool Ipv6::discard(Batch& batch) noexcept {
    return resolver_ != nullptr && resolver_->discard(batch);
}

}  // namespace towpath::ipv6
