// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/local_policy.h"

#include <bit>

namespace towpath::route {

LocalPolicy::LocalPolicy(const LocalSettings& settings, const InterfaceTable& interfaces)
    : inside_sources_{settings.inside_sources},
      allow_{settings.allow},
      pool_{settings.pool},
      tunnel_ports_{settings.tunnel_ports},
      reserved_ports_{settings.reserved_ports},
      host_port_first_{settings.host_port_first},
      host_port_last_{settings.host_port_last},
      reach_{settings.tunnel_limits} {
    for (const Port port : tunnel_ports_) {
        reserved_ports_.set(port.number());
    }
    std::size_t addresses = settings.pool.size() + settings.realm_addresses.size();
    for (const Interface& interface : interfaces.all()) {
        addresses += std::size_t{2} * interface.address_count;  // itself and its broadcast
    }
    slots_.resize(std::bit_ceil(addresses * kSlotsPerAddress + 2));
    mask_ = slots_.size() - 1;
    for (const Interface& interface : interfaces.all()) {
        for (const InterfaceAddress& own : interface.addresses()) {
            use_at(own.address).is_own = true;
            if (own.prefix.length() < 31) {
                use_at(own.prefix.broadcast()).is_broadcast = true;
            }
        }
    }
    for (const Ipv4Address address : settings.pool) {
        use_at(address).is_pool = true;
    }
    for (const Ipv4Address address : settings.realm_addresses) {
        use_at(address).is_realm = true;
    }
}

AddressUse LocalPolicy::find_use(Ipv4Address address) const noexcept {
    std::size_t slot = slot_of(address);
    while (slots_[slot].address != address.bits()) {
        if (slots_[slot].address == kEmpty) {
            return {};
        }
        slot = (slot + 1) & mask_;
    }
    return slots_[slot].use;
}

AddressUse& LocalPolicy::use_at(Ipv4Address address) noexcept {
    std::size_t slot = slot_of(address);
    while (slots_[slot].address != kEmpty && slots_[slot].address != address.bits()) {
        slot = (slot + 1) & mask_;
    }
    slots_[slot].address = address.bits();
    const std::uint32_t bit = mixed(address) >> kFilterShift;
    filter_[bit / 64] |= std::uint64_t{1} << bit % 64;
    return slots_[slot].use;
}

namespace {

// All but the source.
bool matches(const LocalRule& rule, const Interface& ingress, std::uint8_t ip_protocol,
             Port destination_port) noexcept {
    return (rule.interface == kNoInterface || rule.interface == ingress.id) &&
           (rule.ip_protocol == 0 || rule.ip_protocol == ip_protocol) &&
           rule.port_first <= destination_port.number() &&
           destination_port.number() <= rule.port_last;
}

}  // namespace

bool LocalPolicy::allows(const Interface& ingress, Ipv4Address source, std::uint8_t ip_protocol,
                         Port destination_port) const noexcept {
    if (ingress.role == InterfaceRole::inside) {
        return true;
    }
    for (const LocalRule& rule : allow_) {
        if (rule.from.contains(source) && matches(rule, ingress, ip_protocol, destination_port)) {
            return true;
        }
    }
    return false;
}

bool LocalPolicy::allows_any_source(const Interface& ingress, std::uint8_t ip_protocol,
                                    Port destination_port) const noexcept {
    if (ingress.role == InterfaceRole::inside) {
        return true;
    }
    for (const LocalRule& rule : allow_) {
        if (rule.from.length() == 0 && matches(rule, ingress, ip_protocol, destination_port)) {
            return true;
        }
    }
    return false;
}

}  // namespace towpath::route
