// SPDX-License-Identifier: BSD-3-Clause
#include "control/tunnels/models.h"

#include <algorithm>
#include <chrono>

#include "config/tunnel_scalar.h"
#include "control/reconcile/desired_tunnels.h"

namespace towpath::control {
namespace {

using contract::EndpointWay;
using wireguard::HandshakeResult;
using wireguard::HandshakeRole;
using wireguard::PeerStatus;

std::uint64_t whole_seconds(Duration duration) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(duration).count(), 0));
}

void add_machine(TunnelModel& model, const Tunnels& tunnels, const Tunnels::Tunnel& tunnel,
                 Now now) {
    model.is_running = tunnels.is_running();
    for (const auto& [number, peer] : tunnels.peers().booked()) {
        const auto report =
            *peer.tunnel == model.name ? tunnel.device.report(number, now) : std::nullopt;
        model.peers_up += report && report->status == PeerStatus::up ? 1 : 0;
    }
    for (const HandshakeRole role : {HandshakeRole::initiator, HandshakeRole::responder}) {
        for (std::uint8_t index = 0; index < static_cast<std::uint8_t>(HandshakeResult::count);
             ++index) {
            const auto result = static_cast<HandshakeResult>(index);
            if (const std::uint64_t count = tunnel.device.counters().of(role, result); count != 0) {
                model.handshakes.push_back({std::string{wireguard::to_string(role)},
                                            std::string{wireguard::to_string(result)}, count});
            }
        }
    }
    for (const wireguard::Stranger& stranger : tunnel.device.strangers()) {
        if (now - stranger.last_at > wireguard::Device::kStrangerAge_max) {
            continue;
        }
        const bool has_key = stranger.reason == HandshakeResult::unknown_key;
        model.strangers.push_back({std::string{wireguard::to_string(stranger.reason)},
                                   has_key ? config::to_base64(stranger.public_key) : "",
                                   towpath::to_string(stranger.source), stranger.count,
                                   whole_seconds(now - stranger.last_at)});
    }
}

void add_handshake(PeerModel& model, const wireguard::PeerReport& report,
                   const wireguard::Moment& moment) {
    wireguard::UnixTime when;
    if (report.completed_at) {
        when = *report.completed_at;
    } else if (report.completed_ago) {
        // Before this process was there: of a session that it found.
        const std::uint64_t ago_s = whole_seconds(*report.completed_ago);
        when.seconds = moment.unix_time.seconds - std::min(moment.unix_time.seconds, ago_s);
    } else {
        return;
    }
    model.handshake_s = when.seconds;
    model.handshake_nanoseconds = when.nanoseconds;
    model.handshake_age_s =
        report.completed_ago
            ? whole_seconds(*report.completed_ago)
            : moment.unix_time.seconds - std::min(moment.unix_time.seconds, when.seconds);
}

// What keeps our packets from its endpoint; empty: nothing that we know of.
std::string_view obstacle_of(EndpointWay way) {
    switch (way) {
        case EndpointWay::no_route:
            return "no route leads to its endpoint";
        case EndpointWay::in_tunnel:
            return "the route to its endpoint leads into a tunnel, which cannot carry its own "
                   "packets";
        case EndpointWay::interface_down:
            return "the interface towards its endpoint is down";
        case EndpointWay::neighbor_missing:
            return "the next hop towards its endpoint does not answer ARP or neighbour discovery";
        case EndpointWay::unknown:
        case EndpointWay::open:
        case EndpointWay::count:
            break;
    }
    return "";
}

// The key, no peer's, with which somebody at this endpoint has called of late.
std::optional<crypto::PublicKey> other_key_at(const IpEndpoint& endpoint,
                                              const wireguard::Device& device, Now now) {
    for (const wireguard::Stranger& stranger : device.strangers()) {
        if (stranger.reason == HandshakeResult::unknown_key && stranger.source == endpoint &&
            now - stranger.last_at <= wireguard::Device::kStrangerAge_max) {
            return stranger.public_key;
        }
    }
    return std::nullopt;
}

// Whether packets of ours that never arrived explain it. While nothing is sent, nobody asks for the
// next hop either.
bool may_be_lost(PeerStatus status) noexcept {
    return status == PeerStatus::waiting || status == PeerStatus::no_answer ||
           status == PeerStatus::not_confirmed;
}

// Why a peer that is up will not stay so; empty if nothing is known against it.
std::string doubt_of(const wireguard::PeerReport& report, EndpointWay way) {
    if (report.doubt == PeerStatus::idle) {
        return "";
    }
    std::string text;
    if (report.doubt == PeerStatus::no_answer) {
        text = "no answer to handshakes for " + std::to_string(whole_seconds(report.unanswered)) +
               " s";
        if (const std::string_view obstacle = obstacle_of(way); !obstacle.empty()) {
            text.append(": ").append(obstacle);
        }
    } else {
        wireguard::PeerReport other = report;
        other.status = report.doubt;
        text = reason_of(other, way);
    }
    const Duration left = wireguard::kSessionAge_max - report.completed_ago.value_or(Duration{});
    return text + "; its session ends in " + std::to_string(whole_seconds(left)) + " s";
}

}  // namespace

std::string reason_of(const wireguard::PeerReport& report, EndpointWay way) {
    if (report.status == PeerStatus::up) {
        return doubt_of(report, way);
    }
    if (const std::string_view obstacle = obstacle_of(way);
        may_be_lost(report.status) && !obstacle.empty()) {
        return std::string{obstacle};
    }
    switch (report.status) {
        case PeerStatus::idle:
            return "nothing to send and nothing heard";
        case PeerStatus::waiting:
            return "waits for an answer, try " + std::to_string(report.initiations) + " of 20";
        case PeerStatus::no_answer:
            return "its endpoint does not answer: wrong endpoint, or a firewall between";
        case PeerStatus::bad_response:
            return "what answers has another preshared key, or is not this peer";
        case PeerStatus::bad_mac1:
            return "what calls from its endpoint is for another key than ours: the peer has a "
                   "wrong "
                   "public key of this tunnel";
        case PeerStatus::not_confirmed:
            return "it calls and we answer, but it never confirms: the preshared key differs, or "
                   "our answers do not arrive";
        case PeerStatus::remote_loaded:
            return "the peer is under load and asked for a cookie; the next try carries it";
        case PeerStatus::stale_timestamp:
            return "the peer's clock went back, so its handshakes are refused: set its clock, or "
                   "towpath wg forget-timestamp PEER";
        case PeerStatus::no_endpoint:
            return "no endpoint is configured and it has not called";
        case PeerStatus::name_not_resolved:
            return "the name of its endpoint has no address so far";
        case PeerStatus::unusable_key:
            return "no handshake can succeed with its public key";
        case PeerStatus::no_identity:
            return "the tunnel has no private key";
        case PeerStatus::no_session_slot:
            return "every session of the data plane is in use";
        case PeerStatus::up:
        case PeerStatus::count:
            break;
    }
    return "not known";
}

std::vector<TunnelModel> tunnel_models(const config::Config& config, const Tunnels& tunnels,
                                       Now now) {
    std::vector<TunnelModel> models;
    for (const config::Tunnel& settings : config.tunnels) {
        TunnelModel model;
        model.name = settings.name;
        model.listen_port = settings.listen_port;
        model.mtu_bytes = tunnel_mtu_bytes(config, settings);
        model.peers = static_cast<std::uint32_t>(settings.peers.size());
        if (!settings.private_key.is_zero()) {
            const wireguard::Identity identity{crypto::PrivateKey{settings.private_key.bytes()}};
            model.public_key = config::to_base64(identity.public_key());
        }
        for (const config::TunnelAddress& address : settings.addresses) {
            model.addresses.push_back(towpath::to_string(address.address) + "/" +
                                      std::to_string(address.prefix.length()));
        }
        if (const auto found = tunnels.tunnels().find(settings.name);
            found != tunnels.tunnels().end()) {
            add_machine(model, tunnels, *found->second, now);
        }
        models.push_back(std::move(model));
    }
    return models;
}

PeerPage peer_page(const contract::PeersReply& reply, const Tunnels& tunnels,
                   const wireguard::Moment& moment) {
    PeerPage page;
    page.next_cursor = reply.next_cursor;
    for (std::size_t index = 0; index < reply.count; ++index) {
        const contract::PeerRow& row = reply.rows[index];
        const BookedPeer* const booked = tunnels.peers().find(row.peer);
        const auto tunnel =
            booked == nullptr ? tunnels.tunnels().end() : tunnels.tunnels().find(*booked->tunnel);
        if (tunnel == tunnels.tunnels().end() || booked->settings->public_key != row.public_key) {
            continue;
        }
        const wireguard::PeerReport report =
            tunnel->second->device.report(row.peer, moment.now).value_or(wireguard::PeerReport{});
        PeerModel model;
        model.tunnel = *booked->tunnel;
        model.name = booked->settings->name;
        model.public_key = config::to_base64(row.public_key);
        model.has_preshared_key = !booked->settings->preshared_key.is_zero();
        const IpEndpoint endpoint = row.endpoint.endpoint();
        model.endpoint = endpoint.is_none() ? "" : towpath::to_string(endpoint);
        for (const IpPrefix& prefix : booked->settings->allowed_ips) {
            model.allowed_ips.push_back(towpath::to_string(prefix));
        }
        model.receive_bytes = row.receive_bytes;
        model.transmit_bytes = row.transmit_bytes;
        model.persistent_keepalive_s = row.persistent_keepalive_s;
        model.state = wireguard::to_string(report.status);
        model.reason = reason_of(report, row.way);
        if (const auto key = other_key_at(endpoint, tunnel->second->device, moment.now);
            key && (model.reason.empty() || may_be_lost(report.status) ||
                    report.status == PeerStatus::idle)) {
            model.reason = "its endpoint calls with another key, which no peer has: " +
                           config::to_base64(*key);
        }
        add_handshake(model, report, moment);
        page.peers.push_back(std::move(model));
    }
    return page;
}

std::vector<TunnelKeysModel> tunnel_keys(const config::Config& config) {
    std::vector<TunnelKeysModel> keys;
    for (const config::Tunnel& tunnel : config.tunnels) {
        TunnelKeysModel model;
        model.name = tunnel.name;
        if (!tunnel.private_key.is_zero()) {
            model.private_key = config::to_base64(tunnel.private_key.bytes());
        }
        for (const config::Peer& peer : tunnel.peers) {
            model.peers.push_back({config::to_base64(peer.public_key),
                                   peer.preshared_key.is_zero()
                                       ? ""
                                       : config::to_base64(peer.preshared_key.bytes())});
        }
        keys.push_back(std::move(model));
    }
    return keys;
}

}  // namespace towpath::control
