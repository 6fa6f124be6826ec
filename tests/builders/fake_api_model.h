// SPDX-License-Identifier: BSD-3-Clause
// A control process that knows what a test tells it: values in public members, questions answered
// from them on the next turn of the event loop, as the real one does.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "control/api_model.h"

namespace towpath::tests {

class FakeApiModel final : public control::ApiModel {
public:
    explicit FakeApiModel(boost::asio::io_context& loop) : loop_{loop} {}

    control::StatusModel status_model;
    std::vector<control::InterfaceModel> interface_models;
    std::vector<control::DropModel> drop_models;
    control::RoutesModel route_models;  // of no address
    std::vector<control::StageModel> stage_models;
    control::TotalsModel totals_model;
    std::vector<control::MappingModel> mappings;
    std::vector<control::PortUsageModel> usage;
    std::vector<control::NeighborModel> neighbor_models;
    std::vector<control::TunnelModel> tunnel_models;
    std::vector<control::PeerModel> peer_models;
    std::vector<control::TunnelKeysModel> tunnel_key_models;
    bool has_peer_metrics = false;
    int rekeys = 0;
    control::RekeyModel rekeyed;
    std::string forgotten_key;
    control::ReloadResult reload_result;
    control::CheckResult check_result;
    bool is_disconnected = false;
    mutable std::string checked_text;

    control::StatusModel status() const override { return status_model; }
    std::vector<control::InterfaceModel> interfaces() const override { return interface_models; }
    std::vector<control::DropModel> drops() const override { return drop_models; }
    control::RoutesModel routes(const std::optional<IpAddress>& towards,
                                std::size_t limit) const override {
        control::RoutesModel found = route_models;
        if (towards) {
            found.routes = {{to_string(*towards), "", "lan", "own", ""}};
            found.total = 1;
        }
        found.routes.resize(std::min(found.routes.size(), limit));
        return found;
    }
    std::vector<control::StageModel> stages() const override { return stage_models; }
    control::TotalsModel totals() const override { return totals_model; }

    void nat_lookup(const Endpoint& endpoint, Protocol protocol,
                    control::Reply<std::optional<control::MappingModel>> reply) override {
        std::optional<control::MappingModel> found;
        for (const control::MappingModel& mapping : mappings) {
            const bool is_it = mapping.inside == endpoint || mapping.outside == endpoint;
            if (is_it && mapping.protocol == to_string(protocol)) {
                found = mapping;
            }
        }
        later(std::move(reply), std::move(found));
    }

    // The cursor is the position of the next one.
    void nat_list(std::uint64_t cursor, std::uint32_t limit,
                  control::Reply<control::MappingPage> reply) override {
        control::MappingPage page;
        for (; cursor < mappings.size() && page.mappings.size() < limit; ++cursor) {
            page.mappings.push_back(mappings[cursor]);
        }
        page.next_cursor = cursor < mappings.size() ? cursor : 0;
        later(std::move(reply), std::move(page));
    }

    void port_usage(control::Reply<std::vector<control::PortUsageModel>> reply) override {
        later(std::move(reply), usage);
    }
    void neighbors(control::Reply<std::vector<control::NeighborModel>> reply) override {
        later(std::move(reply), neighbor_models);
    }
    std::vector<control::TunnelModel> tunnels() const override { return tunnel_models; }
    // Two to a page; the cursor is the position of the next one.
    void peer_list(std::uint64_t cursor, control::Reply<control::PeerPage> reply) override {
        control::PeerPage page;
        for (; cursor < peer_models.size() && page.peers.size() < 2; ++cursor) {
            page.peers.push_back(peer_models[cursor]);
        }
        page.next_cursor = cursor < peer_models.size() ? cursor : 0;
        later(std::move(reply), std::move(page));
    }
    std::vector<control::TunnelKeysModel> tunnel_keys() const override { return tunnel_key_models; }
    bool shows_peer_metrics() const override { return has_peer_metrics; }
    control::RekeyModel rekey_all() override {
        ++rekeys;
        return rekeyed;
    }
    Outcome<void> forget_timestamp(const std::string& wanted) override {
        for (const control::PeerModel& peer : peer_models) {
            if (peer.public_key == wanted || peer.name == wanted) {
                forgotten_key = peer.public_key;
                return {};
            }
        }
        return fail(ExitCode::usage, "no peer is called '" + wanted + "'");
    }
    void reload(control::Reply<control::ReloadResult> reply) override {
        later(std::move(reply), reload_result);
    }
    control::CheckResult check(const std::string& text) const override {
        checked_text = text;
        return check_result;
    }

private:
    template <class T>
    void later(control::Reply<T> reply, T value) {
        Outcome<T> outcome = std::move(value);
        if (is_disconnected) {
            outcome = fail(ExitCode::unreachable, "the data plane is not connected");
        }
        boost::asio::post(loop_,
                          [reply = std::move(reply), outcome = std::move(outcome)]() mutable {
                              reply(std::move(outcome));
                          });
    }

    boost::asio::io_context& loop_;
};

inline void fill_status(FakeApiModel& model) {
    control::StatusModel& status = model.status_model;
    status.version = "0.1.0";
    status.dataplane_version = "0.1.0";
    status.instance = "towpath";
    status.config_file = "/etc/towpath/towpath.yaml";
    status.dataplane = control::DataplaneLink::forwarding;
    status.control_uptime_s = 1'051'200;
    status.dataplane_uptime_s = 125;
    status.dataplane_restarts = 1;
    status.generation = 3;
    status.mappings_udp = 18'204;
    status.mappings_tcp = 61'990;
    status.mappings_icmp = 3;
    status.mapping_capacity = 262'144;
    status.sessions = 61'990;
    status.session_capacity = 262'144;
    status.buffers = 1000;
    status.buffers_free = 890;
    status.software_distribution = true;
    status.cores = {{0, 2, 0.41}, {1, 3, 0.385}};
    status.notes = {"lan: checksum offload is not available"};
}

inline void fill_interfaces(FakeApiModel& model) {
    control::InterfaceModel lan;
    lan.name = "lan";
    lan.driver = "af_packet";
    lan.role = "inside";
    lan.mac = "02:00:00:00:00:01";
    lan.addresses = {"10.77.1.1/24"};
    lan.is_reported = true;
    lan.is_up = true;
    lan.has_host = true;
    lan.mtu_bytes = 1500;
    lan.receive_queues = 2;
    lan.transmit_queues = 2;
    lan.receive_packets = 1'204'991;
    lan.receive_bytes = 98'000'123;
    lan.transmit_packets = 1'198'332;
    lan.transmit_bytes = 1'234'567'890;
    lan.receive_bits_per_s = 1.1e9;
    lan.transmit_bits_per_s = 3.8e9;
    control::InterfaceModel wan = lan;
    wan.name = "wan";
    wan.role = "outside";
    wan.addresses = {"192.0.2.10/24", "192.0.2.11/24"};
    wan.is_up = false;
    wan.has_host = false;
    wan.receive_bits_per_s = 999;
    wan.transmit_bits_per_s = 0;
    wan.notes = "no receive-side scaling";
    model.interface_models = {lan, wan};
}

inline void fill_mappings(FakeApiModel& model) {
    const auto endpoint = [](std::string_view address, std::uint16_t port) {
        return Endpoint{*parse_ipv4_address(address), Port{port}};
    };
    control::MappingModel udp;
    udp.protocol = "udp";
    udp.inside = endpoint("10.77.1.77", 51820);
    udp.outside = endpoint("192.0.2.10", 51820);
    udp.filtering = "endpoint-independent";
    udp.worker = 1;
    udp.age_s = 15'060;
    udp.idle_s = 2;
    udp.expires_s = 298;
    control::MappingModel tcp = udp;
    tcp.protocol = "tcp";
    tcp.inside = endpoint("10.77.1.78", 44312);
    tcp.outside = endpoint("192.0.2.10", 44312);
    tcp.filtering = "address-and-port-dependent";
    tcp.is_tracked = true;
    tcp.sessions = 3;
    tcp.remotes = {{endpoint("198.51.100.5", 443), "established", 3},
                   {endpoint("203.0.113.77", 51000), "closing", 65}};
    model.mappings = {udp, tcp};
}

// One of everything, so that a screen shows every line.
inline void fill_with_examples(FakeApiModel& model) {
    fill_status(model);
    fill_interfaces(model);
    fill_mappings(model);
    model.route_models = {{{"0.0.0.0/0", "192.0.2.1", "wan", "static", ""},
                           {"10.77.1.0/24", "", "lan", "connected", ""},
                           {"10.99.0.2/32", "", "wg0", "allowed-ips", "laptop"},
                           {"198.51.100.0/24", "", "", "static", ""}},
                          4};
    model.drop_models = {{"nat_port_exhausted", "No free port on the paired address.", 212, 3.5},
                         {"frame_truncated", "Shorter than its headers.", 0, 0},
                         {"inbound_no_mapping", "Nobody inside asked for it.", 1'000'000, 1234.4}};
    model.stage_models = {{"parse", 1000, 25000}};
    model.totals_model = {1'204'991, 1'198'332, 6'659, 7, 12, 0, 5, 2'488, 13};
    model.neighbor_models = {{"lan",
                              IpAddress{*parse_ipv4_address("10.77.1.11")},
                              {{2, 0, 0, 0, 0, 0x11}},
                              "reachable",
                              12},
                             {"wan", IpAddress{*parse_ipv4_address("192.0.2.1")}, {}, "failed", 0}};
    model.usage = {{*parse_ipv4_address("192.0.2.10"), "udp", 18'204, 41'772, 4'536, 12, 0},
                   {*parse_ipv4_address("192.0.2.10"), "tcp", 50'211, 9'765, 4'536, 0, 31}};
    model.reload_result.ok = true;
    model.reload_result.generation = 4;
    model.reload_result.applied = {{"nat.timeouts.udp", true}};
    model.reload_result.needs_restart = {{"interfaces.wan.driver", false}};
    model.check_result.ok = true;
}

}  // namespace towpath::tests
