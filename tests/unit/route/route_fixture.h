// SPDX-License-Identifier: BSD-3-Clause
// A small world for the tests of this folder:
//
//   10.77.1.0/24 -- lan (0, inside) .1 | box | .10 (2 net0, neutral: 10.77.9.1/24)
//   192.0.2.0/24 -- wan (1, outside) .10, pool: 192.0.2.10 (shared with the host), 192.0.2.20
//   10.99.0.0/24 -- wg0 (3, neutral, a tunnel that listens on 51820) .1
//   198.51.100.128/25 leads into the tunnel; default route via 192.0.2.1
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/packet/batch.h"
#include "dataplane/route/view.h"
#include "tests/builders/packet_builder.h"

namespace towpath::route {

inline constexpr InterfaceId kLan{0};
inline constexpr InterfaceId kWan{1};
inline constexpr InterfaceId kNeutral{2};
inline constexpr InterfaceId kTunnel{3};

class RouteFixture : public testing::Test {
protected:
    using Frame = builders::Frame;

    RouteFixture() {
        interfaces_.count = 4;
        add(kLan, InterfaceRole::inside, "10.77.1.1", "10.77.1.0/24");
        add(kWan, InterfaceRole::outside, "192.0.2.10", "192.0.2.0/24");
        add(kNeutral, InterfaceRole::neutral, "10.77.9.1", "10.77.9.0/24");
        add(kTunnel, InterfaceRole::neutral, "10.99.0.1", "10.99.0.0/24");
        interface(kTunnel).is_tunnel = true;
        settings_.inside_sources = {builders::prefix("10.77.1.0/24"),
                                    builders::prefix("10.77.4.0/24")};
        settings_.pool = {builders::address("192.0.2.10"), builders::address("192.0.2.20")};
        for (std::size_t port = 61000; port < 65536; ++port) {
            settings_.reserved_ports.set(port);
        }
        settings_.reserved_ports.set(22);
        settings_.tunnel_ports = {Port{std::uint16_t{51820}}};
        const auto entry = [](const char* text, RouteKind kind, InterfaceId interface,
                              const char* next_hop) {
            return RouteEntry{builders::prefix(text),
                              {kind, interface, builders::address(next_hop)}};
        };
        entries_ = {entry("10.77.1.0/24", RouteKind::connected, kLan, "0.0.0.0"),
                    entry("192.0.2.0/24", RouteKind::connected, kWan, "0.0.0.0"),
                    entry("10.77.9.0/24", RouteKind::connected, kNeutral, "0.0.0.0"),
                    entry("10.99.0.0/24", RouteKind::connected, kTunnel, "0.0.0.0"),
                    entry("198.51.100.128/25", RouteKind::connected, kTunnel, "0.0.0.0"),
                    entry("10.77.4.0/24", RouteKind::via, kLan, "10.77.1.254"),
                    entry("0.0.0.0/0", RouteKind::via, kWan, "192.0.2.1"),
                    entry("203.0.113.0/24", RouteKind::unreachable, kNoInterface, "0.0.0.0"),
                    entry("10.77.1.1/32", RouteKind::local, kLan, "0.0.0.0"),
                    entry("192.0.2.10/32", RouteKind::local, kWan, "0.0.0.0")};
        rebuild();
    }

    void rebuild() {
        Outcome<RouteTable> routes = RouteTable::build(entries_);
        ASSERT_TRUE(routes.has_value());
        routes_ = std::move(*routes);
        std::vector<RouteEntry> below = entries_;
        std::erase_if(below, [](const auto& one) { return one.route.interface == kTunnel; });
        underlay_ = std::move(*RouteTable::build(below));
        local_ = LocalPolicy{settings_, interfaces_};
        view_ = {&interfaces_, &routes_, &underlay_, &local_};
    }
    Interface& interface(InterfaceId id) {
        return interfaces_.storage[static_cast<std::size_t>(id)];
    }

    // As parse leaves it.
    static Frame parsed(Frame frame) {
        Packet& packet = frame.packet;
        const Ipv4Header& ip = frame.ipv4();
        packet.ip_protocol = ip.protocol;
        packet.transport = TransportKind::unknown;
        if (ip.protocol == 6 || ip.protocol == 17) {
            packet.transport = ip.protocol == 6 ? TransportKind::tcp : TransportKind::udp;
            packet.source_port = Port{frame.udp().source_port};
            packet.destination_port = Port{frame.udp().destination_port};
        } else if (ip.protocol == 1) {
            const std::uint8_t type = frame.icmp().type;
            const bool is_error = type == 3 || type == 11 || type == 12;
            packet.transport = is_error ? TransportKind::icmp_error : TransportKind::icmp_query;
            if (!is_error) {
                packet.source_port = packet.destination_port = Port{frame.icmp().identifier};
            }
        }
        return frame;
    }

    // The lane that the only packet of the batch is in.
    Lane lane_of(PacketIndex wanted = 0) const {
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            for (const PacketIndex index : batch_.lane(static_cast<Lane>(lane))) {
                if (index == wanted) {
                    return static_cast<Lane>(lane);
                }
            }
        }
        ADD_FAILURE() << "the packet is in no lane";
        return Lane::count;
    }
    // `count` spares with storage that the fixture owns.
    void add_spares(std::size_t count) {
        for (std::size_t added = 0; added < count; ++added) {
            spares_.emplace_back(std::size_t{0});
            batch_.add_spare(spares_.back().packet);
        }
    }

    InterfaceTable interfaces_;
    LocalSettings settings_;
    std::vector<RouteEntry> entries_;
    RouteTable routes_;
    RouteTable underlay_;
    LocalPolicy local_;
    View view_;
    Batch batch_;
    std::vector<Frame> spares_;
    Now now_{std::chrono::seconds{1000}};

private:
    void add(InterfaceId id, InterfaceRole role, const char* address, const char* prefix) {
        Interface& added = interface(id);
        added.id = id;
        added.role = role;
        added.mac = builders::kOurMac;
        added.is_up = true;
        added.address_count = 1;
        added.address_storage[0] = {builders::address(address), builders::prefix(prefix)};
    }
};

}  // namespace towpath::route
