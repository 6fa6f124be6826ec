// SPDX-License-Identifier: BSD-3-Clause
// Two Devices with the least data plane that makes sessions live and die, and a link between them
// that a test may break. Time is virtual, everything else follows from a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "control/wireguard/device.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath::control::wireguard {

inline constexpr PeerId kThePeer = 3;

struct DataPacket {
    std::uint32_t receiver_index = 0;
    std::array<std::byte, 32> key{};  // stands for the tag
    bool is_keepalive = false;
};
using LinkPacket = std::variant<HandshakePacket, DataPacket>;

// One end: a Device, the slots of its one peer (wireguard.md section 9), and traffic.
class SimulatedEnd {
public:
    SimulatedEnd(std::uint64_t seed, std::string_view address, Timestamp kept = {});

    // A new process with the same settings: sessions and counters of the old one are gone.
    void restart(std::uint64_t seed, Timestamp kept);
    void set_identity(std::uint64_t seed, Now now);
    void set_peer(const crypto::PublicKey& key, std::optional<IpEndpoint> endpoint,
                  unsigned preshared, Now now);

    void send_data(Now now);
    void receive(const LinkPacket& packet, const IpEndpoint& source, Now now);
    void run_timers(Now now);
    [[nodiscard]] std::optional<Now> next_timer() const;

    [[nodiscard]] Moment moment(Now now) const;
    [[nodiscard]] Device& device() { return parts_->device; }
    [[nodiscard]] IndexAllocator& indices() { return parts_->indices; }
    [[nodiscard]] SentFloor& sent_floor() { return parts_->floor; }
    [[nodiscard]] std::uint64_t count(HandshakeRole role, HandshakeResult result) {
        return device().counters().of(role, result);
    }
    [[nodiscard]] PeerStatus status(Now now) { return device().report(kThePeer, now)->status; }

    std::chrono::seconds clock_offset{0};  // of the wall clock
    std::size_t waiting = 1;               // messages in the queue whenever one is taken out
    std::uint64_t received_data = 0;
    std::optional<Now> received_at;
    std::uint64_t dropped_staged = 0;
    IpEndpoint own;
    // Takes what is to be sent.
    std::function<void(LinkPacket, Now)> transmit;

private:
    struct Session {
        std::uint32_t index = 0;
        std::uint32_t remote_index = 0;
        HandshakeRole role = HandshakeRole::initiator;
        std::array<std::byte, 32> send{};
        std::array<std::byte, 32> receive{};
        Now installed{};
        bool may_send = true;
    };
    struct Parts {
        Parts(std::uint64_t seed, Timestamp kept)
            : random{seed},
              indices{random.number(), 64},
              floor{kept},
              limiter{random},
              device{{indices, floor, load, limiter, random}} {}
        SeededRandom random;
        IndexAllocator indices;
        SentFloor floor;
        UnderLoad load;
        SourceLimiter limiter;
        Device device;
    };

    void carry_out(ActionList& actions, Now now);
    void install(const InstallSession& action, Now now);
    void retire(std::optional<Session>& slot);
    void flush(Now now, bool or_keepalive);
    void receive_data(const DataPacket& packet, Now now);
    [[nodiscard]] bool is_usable(const std::optional<Session>& session, Now now) const;

    std::unique_ptr<Parts> parts_;
    std::optional<Session> previous_;
    std::optional<Session> current_;
    std::optional<Session> next_;
    bool is_staged_ = false;
    std::optional<Now> unanswered_since_;
};

class SimulatedLink {
public:
    explicit SimulatedLink(std::uint64_t seed);

    SimulatedEnd left;
    SimulatedEnd right;
    // Whether a packet from the left (or the right) is lost; nothing is by default.
    std::function<bool(const LinkPacket&, bool is_from_left)> loses;
    Duration latency_min = std::chrono::milliseconds{5};
    Duration latency_max = std::chrono::milliseconds{30};

    // Both know each other's key and where it is.
    void introduce();
    // Everything that happens until then; with a `period` both sides send data that often.
    void run_until(Now end, std::optional<Duration> period = std::nullopt);
    [[nodiscard]] Now now() const noexcept { return now_; }
    [[nodiscard]] double chance();

private:
    struct Delivery {
        Now at;
        std::uint64_t order = 0;
        bool is_for_left = false;
        LinkPacket packet;
        bool operator>(const Delivery& other) const {
            return std::pair{at, order} > std::pair{other.at, other.order};
        }
    };
    void put(const LinkPacket& packet, bool is_from_left, Now now);

    std::mt19937_64 engine_;
    std::priority_queue<Delivery, std::vector<Delivery>, std::greater<>> deliveries_;
    std::uint64_t order_ = 0;
    Now now_{std::chrono::seconds{1000}};
    Now next_left_{};
    Now next_right_{};
};

}  // namespace towpath::control::wireguard
