// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/wireguard/simulated_tunnel.h"

#include <algorithm>

namespace towpath::control::wireguard {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kEpoch = 1'800'000'000;  // wall clock when the monotonic one is 0

std::array<std::byte, 32> bytes_of(const crypto::Key& key) {
    std::array<std::byte, 32> bytes{};
    std::copy(key.bytes().begin(), key.bytes().end(), bytes.begin());
    return bytes;
}

}  // namespace

SimulatedEnd::SimulatedEnd(std::uint64_t seed, std::string_view address, Timestamp kept)
    : own{*parse_ip_address(address), Port{51820}}, parts_{std::make_unique<Parts>(seed, kept)} {}

void SimulatedEnd::restart(std::uint64_t seed, Timestamp kept) {
    previous_.reset();
    current_.reset();
    next_.reset();
    is_staged_ = false;
    unanswered_since_.reset();
    parts_ = std::make_unique<Parts>(seed, kept);
}

Moment SimulatedEnd::moment(Now now) const {
    const auto since = now.time_since_epoch();
    const auto whole = std::chrono::duration_cast<seconds>(since);
    return {now,
            {kEpoch + static_cast<std::uint64_t>((whole + clock_offset).count()),
             static_cast<std::uint32_t>((since - whole).count())}};
}

void SimulatedEnd::set_identity(std::uint64_t seed, Now now) {
    SeededRandom random{seed};
    ActionList actions;
    device().set_identity(random.secret<32>(), moment(now), actions);
    carry_out(actions, now);
}

void SimulatedEnd::set_peer(const crypto::PublicKey& key, std::optional<IpEndpoint> endpoint,
                            unsigned preshared, Now now) {
    PeerSettings settings;
    settings.id = kThePeer;
    settings.public_key = key;
    settings.preshared_key.bytes()[0] = static_cast<std::byte>(preshared);
    settings.endpoint.address = endpoint.value_or(IpEndpoint{});
    ActionList actions;
    device().set_peer(std::move(settings), moment(now), actions);
    carry_out(actions, now);
}

bool SimulatedEnd::is_usable(const std::optional<Session>& session, Now now) const {
    return session && session->may_send && now - session->installed < seconds{180};
}

void SimulatedEnd::retire(std::optional<Session>& slot) {
    if (slot) {
        device().on_index_free(slot->index);
        slot.reset();
    }
}

void SimulatedEnd::install(const InstallSession& action, Now now) {
    Session session{action.index,
                    action.remote_index,
                    action.role,
                    bytes_of(action.keys.send),
                    bytes_of(action.keys.receive),
                    now,
                    true};
    if (action.role == HandshakeRole::responder) {
        retire(previous_);
        retire(next_);
        next_ = session;
        transmit(action.packet, now);
        return;
    }
    retire(previous_);
    previous_ = next_ ? next_ : current_;
    if (next_) {
        retire(current_);
        next_.reset();
    }
    current_ = session;
    flush(now, true);
}

void SimulatedEnd::flush(Now now, bool or_keepalive) {
    if (is_usable(current_, now) && (is_staged_ || or_keepalive)) {
        transmit(DataPacket{current_->remote_index, current_->send, !is_staged_}, now);
        is_staged_ = false;
    }
}

void SimulatedEnd::send_data(Now now) {
    ActionList actions;
    is_staged_ = true;
    if (!is_usable(current_, now)) {
        device().on_handshake_wanted(kThePeer, moment(now), actions);
    } else {
        flush(now, false);
        unanswered_since_ = unanswered_since_.value_or(now);
        const bool is_old =
            current_->role == HandshakeRole::initiator && now - current_->installed > seconds{120};
        if (is_old) {
            device().on_handshake_wanted(kThePeer, moment(now), actions);
        }
    }
    carry_out(actions, now);
}

void SimulatedEnd::receive(const LinkPacket& packet, const IpEndpoint& source, Now now) {
    if (const auto* const data = std::get_if<DataPacket>(&packet)) {
        receive_data(*data, now);
        return;
    }
    ActionList actions;
    device().on_handshake({std::get<HandshakePacket>(packet).view(), source, own, 0, now}, waiting,
                          moment(now), actions);
    carry_out(actions, now);
}

void SimulatedEnd::receive_data(const DataPacket& packet, Now now) {
    for (auto* const slot : {&current_, &next_, &previous_}) {
        const bool is_it = *slot && (*slot)->index == packet.receiver_index &&
                           (*slot)->receive == packet.key &&
                           now - (*slot)->installed < seconds{180};
        if (!is_it) {
            continue;
        }
        if (slot == &next_) {
            const std::uint32_t index = next_->index;
            retire(previous_);
            previous_ = current_;
            current_ = next_;
            next_.reset();
            device().on_session_confirmed(kThePeer, index, moment(now));
            flush(now, false);
        }
        unanswered_since_.reset();
        received_at = now;
        received_data += packet.is_keepalive ? 0 : 1;
        if (!packet.is_keepalive && is_usable(current_, now)) {
            transmit(DataPacket{current_->remote_index, current_->send, true}, now);
        }
        return;
    }
}

std::optional<Now> SimulatedEnd::next_timer() const {
    auto next = parts_->device.next_wake();
    if (unanswered_since_) {
        const Now due = *unanswered_since_ + seconds{15};
        next = next ? std::min(*next, due) : due;
    }
    return next;
}

void SimulatedEnd::run_timers(Now now) {
    ActionList actions;
    if (unanswered_since_ && now - *unanswered_since_ >= seconds{15}) {
        unanswered_since_.reset();
        device().on_no_answer(kThePeer, moment(now), actions);
    }
    device().wake(moment(now), actions);
    carry_out(actions, now);
}

void SimulatedEnd::carry_out(ActionList& actions, Now now) {
    for (const Action& action : actions) {
        if (const auto* const send = std::get_if<SendHandshake>(&action)) {
            transmit(send->packet, now);
        } else if (const auto* const reply = std::get_if<SendTo>(&action)) {
            transmit(reply->packet, now);
        } else if (const auto* const session = std::get_if<InstallSession>(&action)) {
            install(*session, now);
        } else if (const auto* const ended = std::get_if<EndSessions>(&action)) {
            if (ended->how == EndSessions::How::erase) {
                retire(previous_);
                retire(current_);
                retire(next_);
            } else {
                for (auto* const slot : {&previous_, &current_, &next_}) {
                    if (*slot) {
                        (*slot)->may_send = false;
                    }
                }
            }
        } else if (std::holds_alternative<DropStaged>(action)) {
            is_staged_ = false;
            ++dropped_staged;
        }
    }
}

SimulatedLink::SimulatedLink(std::uint64_t seed)
    : left{seed * 2 + 1, "192.0.2.1"}, right{seed * 2 + 2, "198.51.100.1"}, engine_{seed} {
    left.transmit = [this](const LinkPacket& packet, Now now) { put(packet, true, now); };
    right.transmit = [this](const LinkPacket& packet, Now now) { put(packet, false, now); };
    left.set_identity(seed * 2 + 101, now_);
    right.set_identity(seed * 2 + 102, now_);
    next_left_ = now_;
    next_right_ = now_;
}

void SimulatedLink::introduce() {
    left.set_peer(right.device().identity()->public_key(), right.own, 0, now_);
    right.set_peer(left.device().identity()->public_key(), left.own, 0, now_);
}

double SimulatedLink::chance() {
    return static_cast<double>(engine_() >> 11U) * 0x1p-53;
}

void SimulatedLink::put(const LinkPacket& packet, bool is_from_left, Now now) {
    if (loses && loses(packet, is_from_left)) {
        return;
    }
    const auto spread = static_cast<double>((latency_max - latency_min).count());
    const Now at = now + latency_min + Duration{static_cast<std::int64_t>(spread * chance())};
    deliveries_.push({at, ++order_, !is_from_left, packet});
}

void SimulatedLink::run_until(Now end, std::optional<Duration> period) {
    next_left_ = std::max(next_left_, now_);
    next_right_ = std::max(next_right_, now_);
    for (;;) {
        Now next = end;
        if (!deliveries_.empty()) {
            next = std::min(next, deliveries_.top().at);
        }
        for (SimulatedEnd* const side : {&left, &right}) {
            next = std::min(next, side->next_timer().value_or(end));
        }
        if (period) {
            next = std::min({next, next_left_, next_right_});
        }
        now_ = std::max(now_, next);
        if (now_ >= end) {
            return;
        }
        while (!deliveries_.empty() && deliveries_.top().at <= now_) {
            const Delivery delivery = deliveries_.top();
            deliveries_.pop();
            (delivery.is_for_left ? left : right)
                .receive(delivery.packet, delivery.is_for_left ? right.own : left.own, now_);
        }
        left.run_timers(now_);
        right.run_timers(now_);
        if (period && next_left_ <= now_) {
            left.send_data(now_);
            next_left_ = now_ + *period;
        }
        if (period && next_right_ <= now_) {
            right.send_data(now_);
            next_right_ = now_ + *period;
        }
    }
}

}  // namespace towpath::control::wireguard
