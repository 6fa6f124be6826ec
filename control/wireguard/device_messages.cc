// SPDX-License-Identifier: BSD-3-Clause
// Handshake messages: who may make us compute, and what comes of it (wireguard.md 4, 5, 8 and rows
// 6 to 24 of section 17). Whatever is wrong with a message, nothing of a peer changes.
#include <algorithm>
#include <cstring>

#include "control/wireguard/device.h"

namespace towpath::control::wireguard {
namespace {

using towpath::wireguard::CookieReply;
using towpath::wireguard::Initiation;
using towpath::wireguard::MessageType;
using towpath::wireguard::Response;

template <class Message>
Message message_of(std::span<const std::byte> bytes) noexcept {
    Message message;
    std::memcpy(&message, bytes.data(), sizeof message);
    return message;
}

}  // namespace

void Device::on_handshake(const ReceivedMessage& received, std::size_t waiting,
                          const Moment& moment, ActionList& out) {
    const auto type = towpath::wireguard::classify(received.bytes);
    if (!type || *type == MessageType::transport_data) {
        counters_.add(HandshakeRole::responder, HandshakeResult::malformed);
        return;
    }
    const HandshakeRole role =
        *type == MessageType::initiation ? HandshakeRole::responder : HandshakeRole::initiator;
    if (!identity_ || !is_up_) {
        counters_.add(role, HandshakeResult::no_identity);
    } else if (*type == MessageType::initiation) {
        const auto message = message_of<Initiation>(received.bytes);
        if (passes_gate(message, role, received, waiting, moment, out)) {
            counters_.add(role, consume(message, received, moment, out));
        }
    } else if (*type == MessageType::response) {
        const auto message = message_of<Response>(received.bytes);
        if (passes_gate(message, role, received, waiting, moment, out)) {
            const HandshakeResult result = consume(message, received, moment, out);
            if (result != HandshakeResult::completed) {  // counted where it happens
                counters_.add(role, result);
            }
        }
    } else {
        on_cookie_reply(message_of<CookieReply>(received.bytes), moment);
    }
}

template <class Message>
bool Device::passes_gate(const Message& message, HandshakeRole role,
                         const ReceivedMessage& received, std::size_t waiting, const Moment& moment,
                         ActionList& out) {
    const bool is_loaded = shared_.under_load.look(waiting, moment.now);
    if (!has_right_mac1(message, identity_->keys())) {
        counters_.add(role, HandshakeResult::bad_mac1);
        note_stranger(HandshakeResult::bad_mac1, {}, received.source, moment);
        return false;
    }
    if (!is_loaded) {
        return true;
    }
    const Cookie cookie = cookies_.cookie_of(received.source, moment.now);
    if (!has_right_mac2(message, cookie)) {
        CookieNonce nonce{};
        shared_.random.fill(nonce);
        const CookieReply reply = reply_with_cookie(
            cookie, identity_->keys(), message.sender_index.host(), nonce, message.mac1);
        append(out, SendTo{received.source, received.local, received.worker, HandshakePacket{reply},
                           kCookieReplyTrafficClass});
        counters_.add(role, HandshakeResult::cookie_sent);
        return false;
    }
    if (!shared_.source_limiter.allows(received.source.address, moment.now)) {
        counters_.add(role, HandshakeResult::source_limited);
        return false;
    }
    return true;
}

HandshakeResult Device::consume(const Initiation& message, const ReceivedMessage& received,
                                const Moment& moment, ActionList& out) {
    auto read = read_initiation(*identity_, message);
    if (!read) {
        return HandshakeResult::not_for_us;
    }
    // Our own key is never a peer's, so our own initiation come back is a stranger's, too.
    const auto id = find_peer(read->static_key);
    if (!id) {
        note_stranger(HandshakeResult::unknown_key, read->static_key, received.source, moment);
        return HandshakeResult::unknown_key;
    }
    Peer& peer = peers_.at(*id);
    if (!peer.remote) {
        return HandshakeResult::unusable_key;
    }
    const auto timestamp = read_timestamp(*read, *peer.remote, message);
    if (!timestamp) {
        return HandshakeResult::not_for_us;
    }
    if (*timestamp <= peer.greatest_received) {
        peer.trouble = PeerStatus::stale_timestamp;
        tell_trouble(peer, peer.trouble);
        return HandshakeResult::stale_timestamp;
    }
    if (peer.last_consumed && moment.now - *peer.last_consumed < kInitiationSpacing) {
        return HandshakeResult::too_soon;
    }
    const auto index = shared_.indices.allocate();
    if (!index) {
        peer.trouble = PeerStatus::no_session_slot;
        tell_trouble(peer, peer.trouble);
        return HandshakeResult::no_session_slot;
    }
    auto made = respond(*read, *peer.remote, shared_.random.secret<32>(), *index);
    if (!made) {
        shared_.indices.free(*index);
        return HandshakeResult::not_for_us;
    }
    peer.greatest_received = *timestamp;
    peer.last_consumed = moment.now;
    ++peer.unconfirmed;
    if (peer.trouble == PeerStatus::stale_timestamp) {
        peer.trouble = PeerStatus::idle;
    }
    answer(peer, *read, std::move(*made), *index, received, moment, out);
    return HandshakeResult::sent;
}

void Device::answer(Peer& peer, const ReceivedInitiation& read, Responded made, std::uint32_t index,
                    const ReceivedMessage& received, const Moment& moment, ActionList& out) {
    // An initiation of our own that was under way is over; its timer stays armed
    // (wireguard.md 4.6).
    drop_pending(peer);
    authenticate(made.message, peer.remote->keys(), peer.cookie.usable(moment.now));
    peer.cookie.on_sent(made.message.mac1);
    if (peer.unconfirmed > kFruitless_min) {
        tell_trouble(peer, trouble_of(peer, moment.now));
    }
    peer.last_sent = moment.now;
    peer.has_endpoint = true;
    peer.heard_from = received.source;
    add_session(peer, index, moment);
    append(out, InstallSession{peer.settings.id, index, read.sender_index, HandshakeRole::responder,
                               std::move(made.keys), received.source, received.local.address,
                               received.received_at, received.worker, peer.greatest_received,
                               HandshakePacket{made.message}});
}

HandshakeResult Device::consume(const Response& message, const ReceivedMessage& received,
                                const Moment& moment, ActionList& out) {
    const std::uint32_t index = message.receiver_index.host();
    const auto owner = owner_of_index_.find(index);
    if (owner == owner_of_index_.end() || owner->second.is_session) {
        return HandshakeResult::unknown_index;
    }
    Peer& peer = peers_.at(owner->second.peer);
    auto keys = finish(*peer.pending, *identity_, *peer.remote, message);
    if (!keys) {
        peer.trouble = PeerStatus::bad_response;
        tell_trouble(peer, peer.trouble);
        return HandshakeResult::bad_response;
    }
    peer.pending.reset();
    peer.has_endpoint = true;
    peer.heard_from = received.source;
    add_session(peer, index, moment);
    on_completed(peer, HandshakeRole::initiator, moment);
    append(out, InstallSession{peer.settings.id, index, message.sender_index.host(),
                               HandshakeRole::initiator, std::move(*keys), received.source,
                               received.local.address, received.received_at, received.worker,
                               peer.greatest_received, HandshakePacket{}});
    return HandshakeResult::completed;
}

void Device::on_cookie_reply(const CookieReply& message, const Moment& moment) {
    const auto owner = owner_of_index_.find(message.receiver_index.host());
    HandshakeResult result = HandshakeResult::unknown_index;
    if (owner != owner_of_index_.end()) {
        Peer& peer = peers_.at(owner->second.peer);
        const bool is_taken =
            peer.remote && peer.cookie.take(message, peer.remote->keys(), moment.now);
        result = is_taken ? HandshakeResult::cookie_received : HandshakeResult::bad_cookie;
        if (is_taken) {
            peer.trouble = PeerStatus::remote_loaded;
        }
    }
    counters_.add(HandshakeRole::initiator, result);
}

void Device::note_stranger(HandshakeResult reason, const crypto::PublicKey& key,
                           const IpEndpoint& source, const Moment& moment) {
    const auto known =
        std::find_if(strangers_.begin(), strangers_.end(), [&](const Stranger& stranger) {
            return stranger.reason == reason && stranger.public_key == key &&
                   (reason == HandshakeResult::unknown_key || stranger.source == source);
        });
    Stranger stranger{reason, key, source, 1, moment.unix_time, moment.now};
    const bool is_news =
        known == strangers_.end() || moment.now - known->last_at > kStrangerAge_max;
    if (is_news) {
        News news;
        news.kind = News::Kind::stranger;
        news.source = source;
        if (reason == HandshakeResult::unknown_key) {
            news.key = key;
        }
        news_.push_back(news);
    }
    if (known != strangers_.end()) {
        stranger.count += is_news ? 0 : known->count;
        strangers_.erase(known);
    } else if (strangers_.size() >= kStrangersMax) {
        strangers_.pop_back();
    }
    strangers_.push_front(stranger);
}

}  // namespace towpath::control::wireguard
