// SPDX-License-Identifier: BSD-3-Clause
#include <map>

#include "control/api/metrics_page.h"

namespace towpath::control::api {
namespace {

void add_handshakes(Page& page, const std::vector<TunnelModel>& tunnels) {
    std::map<std::pair<std::string, std::string>, std::uint64_t> sums;
    for (const TunnelModel& tunnel : tunnels) {
        for (const HandshakeCountModel& one : tunnel.handshakes) {
            sums[{one.role, one.result}] += one.count;
        }
    }
    page.counter("towpath_handshakes_total", "WireGuard handshakes by what became of them.");
    for (const auto& [labels, count] : sums) {
        page.sample(as_double(count), {{"role", labels.first}, {"result", labels.second}});
    }
}

template <class Value>
void add_per_peer(Page& page, const std::vector<PeerModel>& peers, const Value& value) {
    for (const PeerModel& peer : peers) {
        page.sample(
            value(peer),
            {{"tunnel", peer.tunnel}, {"public_key", peer.public_key}, {"name", peer.name}});
    }
}

}  // namespace

void add_tunnels(Page& page, const std::vector<TunnelModel>& tunnels,
                 const std::optional<std::vector<PeerModel>>& peers) {
    if (tunnels.empty()) {
        return;
    }
    add_handshakes(page, tunnels);
    page.gauge("towpath_tunnel_peers", "Peers of a WireGuard tunnel.");
    for (const TunnelModel& tunnel : tunnels) {
        page.sample(tunnel.peers, {{"tunnel", tunnel.name}});
    }
    page.gauge("towpath_tunnel_peers_up", "Peers with a handshake in the last three minutes.");
    for (const TunnelModel& tunnel : tunnels) {
        page.sample(tunnel.peers_up, {{"tunnel", tunnel.name}});
    }
    if (!peers) {
        return;
    }
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> bytes;
    for (const TunnelModel& tunnel : tunnels) {
        bytes[tunnel.name] = {0, 0};
    }
    for (const PeerModel& peer : *peers) {
        bytes[peer.tunnel].first += peer.receive_bytes;
        bytes[peer.tunnel].second += peer.transmit_bytes;
    }
    page.counter("towpath_tunnel_receive_bytes_total", "Bytes from the peers that there are now.");
    for (const auto& [tunnel, sums] : bytes) {
        page.sample(as_double(sums.first), {{"tunnel", tunnel}});
    }
    page.counter("towpath_tunnel_transmit_bytes_total", "Bytes to the peers that there are now.");
    for (const auto& [tunnel, sums] : bytes) {
        page.sample(as_double(sums.second), {{"tunnel", tunnel}});
    }
}

void add_peers(Page& page, const std::vector<PeerModel>& peers) {
    add_per_peer(page.gauge("towpath_peer_up", "1 with a handshake in the last three minutes."),
                 peers, [](const PeerModel& peer) { return peer.state == "up" ? 1.0 : 0.0; });
    add_per_peer(page.gauge("towpath_peer_latest_handshake_timestamp_seconds",
                            "When the last handshake was complete; 0: never."),
                 peers, [](const PeerModel& peer) { return as_double(peer.handshake_s); });
    add_per_peer(page.counter("towpath_peer_receive_bytes_total", "Bytes from a peer."), peers,
                 [](const PeerModel& peer) { return as_double(peer.receive_bytes); });
    add_per_peer(page.counter("towpath_peer_transmit_bytes_total", "Bytes to a peer."), peers,
                 [](const PeerModel& peer) { return as_double(peer.transmit_bytes); });
}

}  // namespace towpath::control::api
