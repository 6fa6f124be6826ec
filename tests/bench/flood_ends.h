// SPDX-License-Identifier: BSD-3-Clause
// Both ends of the handshakes of flood_bench: control as the gateway has it, on a core of its own
// whose time is counted too, and the peers, each with a Device.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "control/wireguard/device.h"
#include "dataplane/wireguard/tables.h"
#include "tests/bench/nat_field.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath::bench {

namespace machine = control::wireguard;
using wireguard::PeerId;

inline constexpr std::uint64_t kIndexKey = 0x5DEECE66D;
inline constexpr IpEndpoint kGatewayEndpoint{Ipv4Address{0xC000020AU}, Port{std::uint16_t{51820}}};

inline machine::Moment moment_at(Now now) {
    const auto since = now.time_since_epoch();
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since);
    return {now,
            {1'800'000'000 + static_cast<std::uint64_t>(whole.count()),
             static_cast<std::uint32_t>((since - whole).count())}};
}

// A Device and what it stands on.
struct DeviceEnd {
    DeviceEnd(std::uint64_t seed, std::uint64_t index_key, std::uint32_t sessions)
        : random{seed}, indices{index_key, sessions}, limiter{random} {
        device.set_identity(random.secret<32>(), moment_at(Now{}), out);
    }
    machine::SeededRandom random;
    machine::IndexAllocator indices;
    machine::SentFloor floor;
    machine::UnderLoad load;
    machine::SourceLimiter limiter;
    machine::Device device{{indices, floor, load, limiter, random}};
    machine::ActionList out;
};

inline void introduce(DeviceEnd& end, PeerId id, const DeviceEnd& other, IpEndpoint endpoint) {
    machine::PeerSettings settings;
    settings.id = id;
    settings.public_key = other.device.identity()->public_key();
    settings.endpoint.address = endpoint;
    end.device.set_peer(std::move(settings), moment_at(Now{}), end.out);
    end.out.clear();
}

// A peer: it begins handshakes, and seals under the newest of its sessions.
class FarPeer {
public:
    FarPeer(PeerId id, IpEndpoint endpoint) : end_{id + 100, id + 1, 16}, endpoint_{endpoint} {}

    [[nodiscard]] DeviceEnd& end() { return end_; }
    [[nodiscard]] const IpEndpoint& endpoint() const { return endpoint_; }
    void rekey(Now now) {
        end_.device.rekey(0, moment_at(now), end_.out);
        carry_out(now);
    }
    void wake(Now now) {
        if (const auto due = end_.device.next_wake(); due && *due <= now) {
            end_.device.wake(moment_at(now), end_.out);
            carry_out(now);
        }
    }
    void receive(std::span<const std::byte> message, Now now) {
        end_.device.on_handshake({message, kGatewayEndpoint, endpoint_, 0, now}, 1, moment_at(now),
                                 end_.out);
        carry_out(now);
    }

    std::deque<machine::HandshakePacket> to_send;
    std::uint64_t sent_initiations = 0;
    std::uint64_t sessions = 0;
    // Of the newest session.
    crypto::Key send_key;
    std::uint32_t remote_index = 0;
    std::uint64_t counter = 0;

private:
    void carry_out(Now) {
        for (const machine::Action& action : end_.out) {
            if (const auto* const send = std::get_if<machine::SendHandshake>(&action)) {
                to_send.push_back(send->packet);
                ++sent_initiations;
            } else if (const auto* const made = std::get_if<machine::InstallSession>(&action)) {
                std::ranges::copy(made->keys.send.bytes(), send_key.bytes().begin());
                remote_index = made->remote_index;
                counter = 0;
                ++sessions;
                if (last_index_) {
                    end_.device.on_index_free(*last_index_);
                }
                last_index_ = made->index;
            }
        }
        end_.out.clear();
    }

    DeviceEnd end_;
    IpEndpoint endpoint_;
    std::optional<std::uint32_t> last_index_;
};

// The server thread and control. What they do costs their own time; they never wait for a packet.
class NearControl {
public:
    static constexpr std::uint32_t kSessions = 256;

    NearControl(wireguard::Tables& tables, double hertz)
        : tables_{tables}, hertz_{hertz}, end_{7, kIndexKey, kSessions} {}

    [[nodiscard]] DeviceEnd& end() { return end_; }

    // Everything that there is time for until then.
    void run_until(Now now) {
        wireguard::TunnelEvent event;
        while (tables_.events(0).pop({&event, 1}) == 1) {
            take(event, now);
        }
        free_indices();
        wireguard::ReceivedHandshake received;
        now_ = std::max(now_, last_);
        while (now_ <= now && tables_.handshakes(0).pop({&received, 1}) == 1) {
            const std::uint64_t begin = read_ticks();
            const std::size_t waiting = tables_.handshakes(0).size() + 1;
            end_.device.on_handshake({received.message(),
                                      received.source,
                                      {received.local, received.local_port},
                                      0,
                                      received.received_at},
                                     waiting, moment_at(now_), end_.out);
            carry_out();
            const double ticks = static_cast<double>(read_ticks() - begin);
            now_ += Duration{static_cast<Duration::rep>(ticks / hertz_ * 1e9)};
            ++messages;
        }
        last_ = now;
    }

    std::uint64_t messages = 0;
    std::uint64_t cookies = 0;
    std::uint64_t confirmed = 0;

private:
    void take(const wireguard::TunnelEvent& event, Now now) {
        using wireguard::TunnelEventKind;
        if (event.kind == TunnelEventKind::session_ended) {
            tables_.retire(event.index);
        } else if (event.kind == TunnelEventKind::session_confirmed) {
            end_.device.on_session_confirmed(event.peer, event.index, moment_at(now));
            ++confirmed;
        }
    }
    void free_indices() {
        std::array<std::uint32_t, 32> freed{};
        for (const std::uint32_t index : std::span{freed}.first(tables_.collect(freed))) {
            end_.device.on_index_free(index);
        }
    }
    void carry_out() {
        for (const machine::Action& action : end_.out) {
            if (const auto* const reply = std::get_if<machine::SendTo>(&action)) {
                wireguard::Injection injection = injection_of(reply->packet);
                injection.kind = wireguard::InjectionKind::send_to_endpoint;
                injection.to = reply->to;
                injection.from = reply->from.address;
                static_cast<void>(tables_.injections(0).push({&injection, 1}));
                ++cookies;
            } else if (const auto* const made = std::get_if<machine::InstallSession>(&action)) {
                install(*made);
            }
        }
        end_.out.clear();
    }
    void install(const machine::InstallSession& made) {
        const auto result = tables_.install({.index = made.index,
                                             .remote_index = made.remote_index,
                                             .peer = made.peer,
                                             .owner = 0,
                                             .is_initiator = false,
                                             .birth = now_,
                                             .send_key = made.keys.send.bytes(),
                                             .receive_key = made.keys.receive.bytes()});
        if (result != wireguard::InstallResult::installed) {
            end_.device.on_session_refused(made.index, moment_at(now_));
            return;
        }
        tables_.offer_endpoint(made.peer, made.remote, made.local, made.received_at);
        wireguard::Injection injection = injection_of(made.packet);
        injection.kind = wireguard::InjectionKind::send_to_peer;
        injection.peer = made.peer;
        static_cast<void>(tables_.injections(0).push({&injection, 1}));
    }
    static wireguard::Injection injection_of(const machine::HandshakePacket& packet) {
        wireguard::Injection injection;
        injection.tunnel = InterfaceId{3};
        injection.length_bytes = packet.length_bytes;
        std::ranges::copy(packet.view(), injection.bytes.begin());
        return injection;
    }

    wireguard::Tables& tables_;
    double hertz_;
    DeviceEnd end_;
    Now now_{};   // of control's core: when it is done with what it took
    Now last_{};  // until when it has had the time
};

}  // namespace towpath::bench
