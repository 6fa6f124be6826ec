// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/peer_differences.h"

#include <algorithm>
#include <map>

namespace towpath::control {
namespace {

using config::Peer;
using config::Tunnel;

using PeersByKey = std::map<config::PublicKeyBytes, const Peer*>;
using OwnersByPrefix = std::map<IpPrefix, const Peer*>;

PeersByKey peers_of(const Tunnel& tunnel) {
    PeersByKey peers;
    for (const Peer& peer : tunnel.peers) {
        peers.emplace(peer.public_key, &peer);
    }
    return peers;
}

OwnersByPrefix owners_of(const Tunnel& tunnel) {
    OwnersByPrefix owners;
    for (const Peer& peer : tunnel.peers) {
        for (const IpPrefix& prefix : peer.allowed_ips) {
            owners.emplace(prefix, &peer);
        }
    }
    return owners;
}

void append(std::string& words, bool is_same, std::string_view what) {
    if (!is_same) {
        words += (words.empty() ? "" : ", ") + std::string{what};
    }
}

// Of a peer that stays: which of its settings differ. Where its prefixes went is told elsewhere.
std::string settings_that_differ(const Peer& before, const Peer& after) {
    std::string words;
    append(words, before.name == after.name, "name");
    append(words, before.preshared_key == after.preshared_key, "preshared key");
    append(words, before.endpoint == after.endpoint, "endpoint");
    append(words, before.persistent_keepalive == after.persistent_keepalive, "keepalive");
    return words;
}

std::string settings_that_differ(const Tunnel& before, const Tunnel& after) {
    std::string words;
    append(words, before.private_key == after.private_key, "private key");
    append(words, before.listen_port == after.listen_port,
           "listen port " + std::to_string(after.listen_port));
    append(words, before.addresses == after.addresses, "addresses");
    append(words, before.mtu_bytes == after.mtu_bytes, "MTU");
    append(words, before.has_routes == after.has_routes, "table");
    append(words, before.advertise == after.advertise, "advertise");
    append(words, before.source_nat == after.source_nat, "source-nat");
    append(words, before.is_stateful == after.is_stateful, "stateful");
    return words;
}

class Telling {
public:
    explicit Telling(const Tunnel& tunnel) : begin_{"wireguard." + tunnel.name + ": "} {}

    void line(const std::string& words) {
        if (lines_.size() == kPeerLinesMax) {
            ++left_out_;
        } else {
            lines_.push_back(begin_ + words);
        }
    }
    void finish(std::vector<std::string>& out) && {
        std::move(lines_.begin(), lines_.end(), std::back_inserter(out));
        if (left_out_ != 0) {
            out.push_back(begin_ + std::to_string(left_out_) + " more changes of peers");
        }
    }

private:
    std::string begin_;
    std::vector<std::string> lines_;
    std::size_t left_out_ = 0;
};

void tell_peers(const Tunnel& before, const Tunnel& after, Telling& telling) {
    const PeersByKey old_peers = peers_of(before);
    const PeersByKey new_peers = peers_of(after);
    for (const Peer& peer : before.peers) {
        if (!new_peers.contains(peer.public_key)) {
            telling.line("peer " + label_of(peer) + " removed");
        }
    }
    for (const Peer& peer : after.peers) {
        const auto old = old_peers.find(peer.public_key);
        if (old == old_peers.end()) {
            telling.line("peer " + label_of(peer) + " added");
        } else if (const std::string words = settings_that_differ(*old->second, peer);
                   !words.empty()) {
            telling.line("peer " + label_of(peer) + ": " + words);
        }
    }
}

// Of peers that are there before and after.
void tell_prefixes(const Tunnel& before, const Tunnel& after, Telling& telling) {
    const OwnersByPrefix old_owners = owners_of(before);
    const OwnersByPrefix new_owners = owners_of(after);
    const PeersByKey old_peers = peers_of(before);
    const PeersByKey new_peers = peers_of(after);
    for (const auto& [prefix, owner] : new_owners) {
        const auto old = old_owners.find(prefix);
        if (old != old_owners.end() && old->second->public_key != owner->public_key) {
            telling.line(to_string(prefix) + " moved from peer " + label_of(*old->second) +
                         " to peer " + label_of(*owner));
        } else if (old == old_owners.end() && old_peers.contains(owner->public_key)) {
            telling.line(to_string(prefix) + " added to peer " + label_of(*owner));
        }
    }
    for (const auto& [prefix, owner] : old_owners) {
        if (!new_owners.contains(prefix) && new_peers.contains(owner->public_key)) {
            telling.line(to_string(prefix) + " taken from peer " + label_of(*owner));
        }
    }
}

}  // namespace

std::vector<std::string> peer_differences(const config::Config& before,
                                          const config::Config& after) {
    std::vector<std::string> lines;
    for (const Tunnel& tunnel : after.tunnels) {
        const Tunnel* const old = before.find_tunnel(tunnel.name);
        if (old == nullptr || *old == tunnel) {
            continue;
        }
        Telling telling{tunnel};
        if (const std::string words = settings_that_differ(*old, tunnel); !words.empty()) {
            telling.line(words);
        }
        tell_peers(*old, tunnel, telling);
        tell_prefixes(*old, tunnel, telling);
        std::move(telling).finish(lines);
    }
    return lines;
}

}  // namespace towpath::control
