// SPDX-License-Identifier: BSD-3-Clause
// What the data plane says while tunnels run, and what the machines want done.
#include <chrono>
#include <cstring>
#include <utility>

#include "control/tunnels/tunnels.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {

using namespace contract;

namespace {

constexpr Duration kKeepAgain = std::chrono::minutes{10};

}  // namespace

template <class M>
void Tunnels::tell(const M& message) {
    const auto bytes = bytes_of(message);
    io_.send({bytes.begin(), bytes.end()});
}

void Tunnels::on_message(const Upward::View& message) {
    std::visit([this](const auto* m) { on(*m); }, message);
}

void Tunnels::on_wake() {
    say_what_was_left_out(io_.moment().now);
    if (state_ != State::running) {
        return;
    }
    const wireguard::Moment moment = io_.moment();
    for (auto& [name, tunnel] : tunnels_) {
        if (const auto due = tunnel->device.next_wake(); due && *due <= moment.now) {
            wireguard::ActionList actions;
            tunnel->device.wake(moment, actions);
            carry_out(*tunnel, actions);
        }
    }
    keep_sent_timestamp(moment.now);
    survey(moment.now);
}

void Tunnels::keep_sent_timestamp(Now now) {
    if (!sent_floor_.is_due() || (keep_again_at_ && now < *keep_again_at_)) {
        return;
    }
    keep_again_at_.reset();
    if (io_.keep(sent_floor_.greatest())) {
        sent_floor_.on_kept();
    } else {
        keep_again_at_ = now + kKeepAgain;
    }
}

void Tunnels::on_end() {
    if (sent_floor_.is_newer() && io_.keep(sent_floor_.greatest())) {
        sent_floor_.on_kept();
    }
}

std::optional<Now> Tunnels::next_wake() const {
    std::optional<Now> next;
    for (const auto& [name, tunnel] : tunnels_) {
        const std::optional<Now> due = tunnel->device.next_wake();
        if (due && (!next || *due < *next)) {
            next = due;
        }
    }
    return next;
}

void Tunnels::on(const HandshakesReceived& message) {
    for (std::size_t row = 0; row < message.count; ++row) {
        const HandshakeRow& received = message.rows[row];
        Tunnel* const tunnel = tunnel_with(received.tunnel);
        if (tunnel == nullptr) {
            continue;
        }
        wireguard::ActionList actions;
        tunnel->device.on_handshake(
            {.bytes = std::span{received.packet}.first(received.length),
             .source = received.source.endpoint(),
             .local = received.local.endpoint(),
             .worker = received.worker,
             .received_at = Now{Duration{static_cast<Duration::rep>(received.received_at_ns)}}},
            message.waiting + (message.count - row), io_.moment(), actions);
        carry_out(*tunnel, actions);
    }
}

void Tunnels::on(const TunnelEvents& message) {
    for (std::size_t row = 0; row < message.count; ++row) {
        const TunnelEventRow& event = message.rows[row];
        if (event.kind == TunnelEventKind::session_ended) {
            for (auto& [name, tunnel] : tunnels_) {
                tunnel->device.on_index_free(event.index);
            }
            indices_.free(event.index);
            continue;
        }
        Tunnel* const tunnel = tunnel_of(event.peer);
        if (tunnel == nullptr) {
            continue;
        }
        const wireguard::Moment moment = io_.moment();
        wireguard::ActionList actions;
        if (event.kind == TunnelEventKind::handshake_wanted) {
            tunnel->device.on_handshake_wanted(event.peer, moment, actions);
        } else if (event.kind == TunnelEventKind::no_answer) {
            tunnel->device.on_no_answer(event.peer, moment, actions);
        } else if (event.kind == TunnelEventKind::bad_mac1) {
            tunnel->device.on_bad_mac1(event.peer, moment);
        } else {
            tunnel->device.on_session_confirmed(event.peer, event.index, moment);
        }
        carry_out(*tunnel, actions);
    }
}

void Tunnels::on(const SessionInstalled&) {
    if (!installing_.empty()) {
        installing_.pop_front();
    }
}

void Tunnels::on(const Refused& message) {
    if (message.what == MessageType::session_install && !installing_.empty()) {
        const Installing refused = std::move(installing_.front());
        installing_.pop_front();
        if (const auto tunnel = tunnels_.find(refused.tunnel); tunnel != tunnels_.end()) {
            tunnel->second->device.on_session_refused(refused.index, io_.moment());
        }
        say("a session was refused: " + message.sentence.str(), lines_);
    } else if (message.what == MessageType::peer_set ||
               message.what == MessageType::peer_prefix_chunk ||
               message.what == MessageType::peers_commit) {
        io_.log("peers were refused: " + message.sentence.str());
        if (message.what == MessageType::peers_commit) {
            state_ = State::running;  // with what was in force
        }
    }
}

void Tunnels::carry_out(Tunnel& tunnel, wireguard::ActionList& actions) {
    for (const wireguard::Action& action : actions) {
        std::visit([&](const auto& one) { on_action(tunnel, one); }, action);
    }
    say_news(tunnel);
}

void Tunnels::on_action(Tunnel& tunnel, const wireguard::SendHandshake& action) {
    HandshakeSend message;
    message.peer = action.peer;
    message.tunnel = tunnel.interface_id;
    message.length = action.packet.length_bytes;
    message.dscp_and_ecn = action.traffic_class;
    message.forgets_local = action.forgets_local_address ? 1 : 0;
    message.packet = action.packet.bytes;
    tell(message);
}

void Tunnels::on_action(Tunnel& tunnel, const wireguard::SendTo& action) {
    HandshakeSend message;
    message.tunnel = tunnel.interface_id;
    message.length = action.packet.length_bytes;
    message.dscp_and_ecn = action.traffic_class;
    message.to = IpEndpointField::of(action.to);
    message.from = IpEndpointField::of(action.from);
    message.packet = action.packet.bytes;
    tell(message);
}

void Tunnels::on_action(Tunnel& tunnel, const wireguard::InstallSession& action) {
    SessionInstall message;
    message.peer = action.peer;
    message.index = action.index;
    message.remote_index = action.remote_index;
    message.is_initiator = action.role == wireguard::HandshakeRole::initiator ? 1 : 0;
    message.worker = static_cast<std::uint8_t>(action.worker);
    message.packet_length = action.packet.length_bytes;
    std::copy(action.keys.send.bytes().begin(), action.keys.send.bytes().end(),
              message.send_key.begin());
    std::copy(action.keys.receive.bytes().begin(), action.keys.receive.bytes().end(),
              message.receive_key.begin());
    message.received_at_ns =
        static_cast<std::uint64_t>(action.received_at.time_since_epoch().count());
    message.remote = IpEndpointField::of(action.remote);
    message.local = IpAddressField::of(action.local);
    if (!action.greatest_timestamp.is_never()) {
        message.timestamp = action.greatest_timestamp.bytes();
    }
    message.packet = action.packet.bytes;
    learn_endpoint(action.peer, action.remote);
    installing_.push_back({tunnel.settings.name, action.index});
    tell(message);
    ::explicit_bzero(&message, sizeof message);
}

void Tunnels::on_action(Tunnel&, const wireguard::EndSessions& action) {
    SessionsEnd message;
    message.peer = action.peer;
    message.end = action.how == wireguard::EndSessions::How::erase ? SessionEnd::erase
                                                                   : SessionEnd::stop_sending;
    tell(message);
}

void Tunnels::on_action(Tunnel&, const wireguard::DropStaged& action) {
    SessionsEnd message;
    message.peer = action.peer;
    message.end = SessionEnd::drop_staged;
    tell(message);
}

void Tunnels::on_action(Tunnel&, const wireguard::SetEndpoint& action) {
    const BookedPeer* const peer = book_.find(action.peer);
    if (peer == nullptr ||
        (peer->endpoint_generation == action.generation && peer->endpoint == action.endpoint)) {
        return;
    }
    book_.set_endpoint(action.peer, action.endpoint, action.generation);
    send_transaction({action.peer}, {}, false);
}

void Tunnels::on_action(Tunnel& tunnel, const wireguard::Resolve& action) {
    io_.resolve(action.name, [this, name = tunnel.settings.name, peer = action.peer,
                              port = action.port](IpAddress address) {
        const auto found = tunnels_.find(name);
        if (found == tunnels_.end()) {
            return;
        }
        wireguard::ActionList actions;
        const IpEndpoint endpoint =
            address.is_none() ? IpEndpoint{} : IpEndpoint{address, Port{port}};
        found->second->device.on_resolved(peer, endpoint, io_.moment(), actions);
        carry_out(*found->second, actions);
    });
}

void Tunnels::on_action(Tunnel& tunnel, const wireguard::Note& action) {
    io_.log(tunnel.settings.name + ": " + action.text);
}

}  // namespace towpath::control
