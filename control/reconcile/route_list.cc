// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/route_list.h"

#include <map>
#include <utility>

#include "config/derive.h"
#include "config/tunnel_routes.h"

namespace towpath::control {
namespace {

// All, or the best for an address: of equally long ones the last, as in the data plane.
class Choice {
public:
    Choice(const std::optional<IpAddress>& towards, std::size_t limit)
        : towards_{towards}, limit_{limit} {}

    void take(const IpPrefix& to, RouteModel route) {
        if (towards_) {
            const bool is_better =
                to.contains(*towards_) && (!best_ || best_->length() <= to.length());
            if (!is_better) {
                return;
            }
            best_ = to;
            found_ = {{}, 1};
        } else {
            ++found_.total;
        }
        if (found_.routes.size() < limit_) {
            route.to = to_string(to);
            found_.routes.push_back(std::move(route));
        }
    }
    [[nodiscard]] RoutesModel take_found() && { return std::move(found_); }

private:
    std::optional<IpAddress> towards_;
    std::size_t limit_;
    std::optional<IpPrefix> best_;
    RoutesModel found_;
};

IpPrefix whole(const IpAddress& address) {
    return {address, static_cast<std::uint8_t>(address.is_ipv4() ? 32 : 128)};
}

// Networks first, so that own addresses are the better ones.
template <class Take>
void each_connected(const config::Config& config, const Take& take) {
    for (const config::Interface& interface : config.interfaces) {
        for (const config::InterfaceAddress& own : interface.addresses) {
            take(IpPrefix{own.prefix}, IpAddress{own.address}, interface.name);
        }
        for (const config::Ipv6InterfaceAddress& own : interface.ipv6_addresses) {
            take(IpPrefix{own.prefix.address(), own.prefix.length()}, IpAddress{own.address},
                 interface.name);
        }
    }
    for (const config::Tunnel& tunnel : config.tunnels) {
        for (const config::TunnelAddress& own : tunnel.addresses) {
            take(own.prefix, own.address, tunnel.name);
        }
    }
}

void take_static(const config::Config& config, Choice& choice) {
    for (const config::StaticRoute& route : config.routes) {
        const auto index = config::route_interface(config, route);
        choice.take(route.to,
                    {.to = {},
                     .via = route.via ? to_string(*route.via) : "",
                     .interface = index ? std::string{interface_name(config, *index)} : "",
                     .origin = "static",
                     .peer = {}});
    }
}

void take_allowed_ips(const config::Config& config, Choice& choice) {
    const config::HeldNetworks held{config};
    for (const config::Tunnel& tunnel : config.tunnels) {
        for (const config::Peer& peer : tunnel.peers) {
            for (const IpPrefix& prefix : peer.allowed_ips) {
                if (tunnel.has_routes && held.holder_of(prefix).empty()) {
                    choice.take(prefix, {.to = {},
                                         .via = {},
                                         .interface = tunnel.name,
                                         .origin = "allowed-ips",
                                         .peer = label_of(peer)});
                }
            }
        }
    }
}

}  // namespace

std::vector<NextHopModel> next_hops(const config::Config& config) {
    struct Found {
        NextHopModel hop;
        std::size_t more = 0;
    };
    std::map<std::pair<std::string, std::string>, Found> found;  // by interface and address
    for (const config::StaticRoute& route : config.routes) {
        const auto index = config::route_interface(config, route);
        if (!route.via || !index) {
            continue;
        }
        const std::string interface { interface_name(config, *index) };
        const auto [place, is_new] =
            found.try_emplace({interface, to_string(*route.via)},
                              Found{{interface, *route.via, to_string(route.to)}});
        place->second.more += is_new ? 0 : 1;
    }
    std::vector<NextHopModel> hops;
    for (auto& [key, one] : found) {
        if (one.more != 0) {
            one.hop.routes += " and " + std::to_string(one.more) + " more";
        }
        hops.push_back(std::move(one.hop));
    }
    return hops;
}

RoutesModel route_list(const config::Config& config, const std::optional<IpAddress>& towards,
                       std::size_t limit) {
    Choice choice{towards, limit};
    each_connected(config, [&](const IpPrefix& network, const IpAddress&, const std::string& name) {
        choice.take(network,
                    {.to = {}, .via = {}, .interface = name, .origin = "connected", .peer = {}});
    });
    take_static(config, choice);
    take_allowed_ips(config, choice);
    each_connected(config, [&](const IpPrefix&, const IpAddress& own, const std::string& name) {
        if (towards) {
            choice.take(whole(own),
                        {.to = {}, .via = {}, .interface = name, .origin = "own", .peer = {}});
        }
    });
    return std::move(choice).take_found();
}

}  // namespace towpath::control
