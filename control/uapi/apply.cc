// SPDX-License-Identifier: BSD-3-Clause
#include "control/uapi/apply.h"

#include <algorithm>
#include <map>
#include <utility>

#include "config/reading.h"
#include "config/validate.h"
#include "control/wireguard/identity.h"

namespace towpath::control::uapi {
namespace {

// The peers of a tunnel while they are being changed: found by key, and by prefix.
class Peers {
public:
    explicit Peers(std::vector<config::Peer>& peers) : peers_{peers} {
        for (std::size_t index = 0; index < peers_.size(); ++index) {
            position_[peers_[index].public_key] = index;
            for (const IpPrefix& prefix : peers_[index].allowed_ips) {
                owner_[prefix] = peers_[index].public_key;
            }
        }
    }

    void clear() {
        peers_.clear();
        position_.clear();
        owner_.clear();
    }

    void change(const PeerChange& change) {
        const auto found = position_.find(change.public_key);
        if (change.is_removed) {
            if (found != position_.end()) {
                remove(found->second);
            }
            return;
        }
        if (found == position_.end()) {
            if (change.is_update_only) {
                return;
            }
            position_[change.public_key] = peers_.size();
            peers_.emplace_back().public_key = change.public_key;
        }
        apply(change, peers_[position_[change.public_key]]);
    }

private:
    void remove(std::size_t index) {
        forget_prefixes(peers_[index]);
        position_.erase(peers_[index].public_key);
        peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(index));
        for (auto& [key, position] : position_) {
            position -= position > index ? 1 : 0;
        }
    }

    void forget_prefixes(config::Peer& peer) {
        for (const IpPrefix& prefix : peer.allowed_ips) {
            owner_.erase(prefix);
        }
        peer.allowed_ips.clear();
    }

    void take_away(const IpPrefix& prefix) {
        const auto owner = owner_.find(prefix);
        if (owner != owner_.end()) {
            std::erase(peers_[position_[owner->second]].allowed_ips, prefix);
            owner_.erase(owner);
        }
    }

    void apply(const PeerChange& change, config::Peer& peer) {
        if (change.preshared_key) {
            peer.preshared_key = *change.preshared_key;
        }
        if (change.endpoint) {
            peer.endpoint =
                config::PeerEndpoint{{}, change.endpoint->address, change.endpoint->port.number()};
        }
        if (change.persistent_keepalive_s) {
            peer.persistent_keepalive = std::chrono::seconds{*change.persistent_keepalive_s};
        }
        if (change.replaces_allowed_ips) {
            forget_prefixes(peer);
        }
        for (const AllowedIpChange& one : change.allowed_ips) {
            const auto owner = owner_.find(one.prefix);
            const bool is_ours = owner != owner_.end() && owner->second == peer.public_key;
            if (one.is_removed && is_ours) {
                take_away(one.prefix);
            } else if (!one.is_removed && !is_ours) {
                take_away(one.prefix);
                peer.allowed_ips.push_back(one.prefix);
                owner_[one.prefix] = peer.public_key;
            }
        }
    }

    std::vector<config::Peer>& peers_;
    std::map<config::PublicKeyBytes, std::size_t> position_;
    std::map<IpPrefix, config::PublicKeyBytes> owner_;
};

std::optional<crypto::PublicKey> public_key_of(const config::Tunnel& tunnel) {
    if (tunnel.private_key.is_zero()) {
        return std::nullopt;
    }
    return wireguard::Identity{crypto::PrivateKey{tunnel.private_key.bytes()}}.public_key();
}

// The protocol has none: a peer that was replaced by itself is still called what it was.
void keep_names(const std::vector<config::Peer>& before, std::vector<config::Peer>& after) {
    std::map<config::PublicKeyBytes, const std::string*> names;
    for (const config::Peer& peer : before) {
        names[peer.public_key] = &peer.name;
    }
    for (config::Peer& peer : after) {
        if (const auto found = names.find(peer.public_key); found != names.end()) {
            peer.name = *found->second;
        }
    }
}

bool is_valid(config::Config config) {
    for (config::Tunnel& tunnel : config.tunnels) {
        // Without a key nobody is answered, which a tool may want; a file would be wrong.
        if (tunnel.private_key.is_zero()) {
            std::array<std::byte, config::kKeyLength_bytes> any{};
            any.fill(std::byte{1});
            tunnel.private_key = config::SecretKey{any};
        }
    }
    config::Reading reading;
    reading.config = std::move(config);
    const std::vector<config::Diagnostic> found = config::validate(reading);
    return std::none_of(found.begin(), found.end(), [](const config::Diagnostic& one) {
        return one.severity == config::Severity::error;
    });
}

}  // namespace

Refusal apply(const TunnelChange& change, std::string_view name, config::Config& config) {
    config::Config changed = config;
    const auto tunnel =
        std::find_if(changed.tunnels.begin(), changed.tunnels.end(),
                     [name](const config::Tunnel& one) { return one.name == name; });
    if (tunnel == changed.tunnels.end()) {
        return Refusal::invalid;
    }
    if (change.private_key) {
        tunnel->private_key = *change.private_key;
    }
    if (change.listen_port && *change.listen_port != 0) {
        tunnel->listen_port = *change.listen_port;
    }
    for (const config::Tunnel& other : changed.tunnels) {
        if (other.name != name && other.listen_port == tunnel->listen_port) {
            return Refusal::address_in_use;
        }
    }
    const auto own = public_key_of(*tunnel);
    const std::vector<config::Peer> before = tunnel->peers;
    Peers peers{tunnel->peers};
    if (change.replaces_peers) {
        peers.clear();
    }
    for (const PeerChange& peer : change.peers) {
        if (!own || peer.public_key != *own) {
            peers.change(peer);
        }
    }
    if (own) {
        PeerChange ourselves;
        ourselves.public_key = *own;
        ourselves.is_removed = true;
        peers.change(ourselves);
    }
    keep_names(before, tunnel->peers);
    if (!is_valid(changed)) {
        return Refusal::invalid;
    }
    config = std::move(changed);
    return Refusal::none;
}

}  // namespace towpath::control::uapi
