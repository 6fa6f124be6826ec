// SPDX-License-Identifier: BSD-3-Clause
// What changes about peers, in words, for the log: with names or the beginnings of public keys,
// never with secrets.
#include <chrono>
#include <string>

#include "config/tunnel_scalar.h"
#include "control/tunnels/models.h"
#include "control/tunnels/tunnels.h"

namespace towpath::control {
namespace {

using wireguard::News;

// As `towpath peers` shows it.
std::string short_key(const crypto::PublicKey& key) {
    constexpr std::size_t kShown = 10;
    return config::to_base64(key).substr(0, kShown) + "...";
}

std::string words_of_up(const News& news) {
    std::string text = "is up";
    if (news.away) {
        text +=
            " again, " +
            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*news.away).count()) +
            " s after its last handshake";
    }
    text += news.role == wireguard::HandshakeRole::responder ? ": it called" : ": it answered";
    return news.source.is_none() ? text : text + " from " + towpath::to_string(news.source);
}

std::string words_of_stranger(const News& news) {
    const std::string source = towpath::to_string(news.source);
    return news.key ? source + " calls with a key that no peer has, " + short_key(*news.key)
                    : source + " calls, but not our public key";
}

std::string words_of(const News& news, const BookedPeer& peer) {
    const std::string name = peer.settings->endpoint ? peer.settings->endpoint->name : "";
    switch (news.kind) {
        case News::Kind::up:
            return " " + words_of_up(news);
        case News::Kind::name_lost:
            return ": the name of its endpoint, " + name + ", has no address";
        case News::Kind::name_found:
            return ": the name of its endpoint, " + name +
                   ", has an address: " + towpath::to_string(news.source.address);
        case News::Kind::trouble:
        case News::Kind::stranger:
            break;
    }
    wireguard::PeerReport report;
    report.status = news.status;
    return ": " + reason_of(report, peer.way);
}

}  // namespace

std::string Tunnels::label_of(const BookedPeer& peer) {
    return *peer.tunnel + ": peer " +
           (peer.settings->name.empty() ? short_key(peer.settings->public_key)
                                        : peer.settings->name);
}

void Tunnels::say(const std::string& text, LineBudget& budget) {
    if (budget.allows(io_.moment().now)) {
        io_.log(text);
    }
}

void Tunnels::say_news(Tunnel& tunnel) {
    for (const News& news : tunnel.device.take_news()) {
        if (news.kind == News::Kind::stranger) {
            say(tunnel.settings.name + ": " + words_of_stranger(news), stranger_lines_);
        } else if (const BookedPeer* const peer = book_.find(news.peer); peer != nullptr) {
            say(label_of(*peer) + words_of(news, *peer), lines_);
        }
    }
}

void Tunnels::say_what_was_left_out(Now now) {
    if (const std::uint64_t count = lines_.take_left_out(now); count != 0) {
        io_.log(std::to_string(count) + " more lines about peers were left out");
    }
    if (const std::uint64_t count = stranger_lines_.take_left_out(now); count != 0) {
        io_.log(std::to_string(count) + " more lines about calls of strangers were left out");
    }
}

void Tunnels::learn_endpoint(std::uint32_t peer, const IpEndpoint& endpoint) {
    const std::optional<IpEndpoint> before = book_.learn(peer, endpoint);
    if (before) {
        say(label_of(*book_.find(peer)) + " moved from " + towpath::to_string(*before) + " to " +
                towpath::to_string(endpoint),
            lines_);
    }
}

}  // namespace towpath::control
