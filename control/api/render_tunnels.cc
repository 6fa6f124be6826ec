// SPDX-License-Identifier: BSD-3-Clause
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "control/api/render.h"

namespace towpath::control::api {
namespace {

namespace json = boost::json;

json::array strings(const std::vector<std::string>& words) {
    json::array array;
    for (const std::string& word : words) {
        array.emplace_back(word);
    }
    return array;
}

}  // namespace

json::object to_json(const TunnelModel& tunnel) {
    json::array handshakes;
    for (const HandshakeCountModel& one : tunnel.handshakes) {
        handshakes.push_back(
            json::object{{"role", one.role}, {"result", one.result}, {"count", one.count}});
    }
    json::array strangers;
    for (const StrangerModel& one : tunnel.strangers) {
        strangers.push_back(json::object{{"reason", one.reason},
                                         {"public_key", one.public_key},
                                         {"endpoint", one.endpoint},
                                         {"count", one.count},
                                         {"age_s", one.age_s}});
    }
    return {{"name", tunnel.name},
            {"public_key", tunnel.public_key},
            {"listen_port", tunnel.listen_port},
            {"mtu_bytes", tunnel.mtu_bytes},
            {"addresses", strings(tunnel.addresses)},
            {"running", tunnel.is_running},
            {"peers", tunnel.peers},
            {"peers_up", tunnel.peers_up},
            {"handshakes", std::move(handshakes)},
            {"strangers", std::move(strangers)}};
}

json::object to_json(const PeerModel& peer) {
    return {{"tunnel", peer.tunnel},
            {"name", peer.name},
            {"public_key", peer.public_key},
            {"has_preshared_key", peer.has_preshared_key},
            {"endpoint", peer.endpoint},
            {"allowed_ips", strings(peer.allowed_ips)},
            {"latest_handshake_s", peer.handshake_s},
            {"handshake_age_s", peer.handshake_age_s},
            {"receive_bytes", peer.receive_bytes},
            {"transmit_bytes", peer.transmit_bytes},
            {"persistent_keepalive_s", peer.persistent_keepalive_s},
            {"state", peer.state},
            {"reason", peer.reason}};
}

json::object to_json(const TunnelKeysModel& tunnel) {
    json::array peers;
    for (const PeerKeyModel& peer : tunnel.peers) {
        peers.push_back(
            json::object{{"public_key", peer.public_key}, {"preshared_key", peer.preshared_key}});
    }
    return {
        {"name", tunnel.name}, {"private_key", tunnel.private_key}, {"peers", std::move(peers)}};
}

}  // namespace towpath::control::api
