// SPDX-License-Identifier: BSD-3-Clause
// Handshakes per second of one core (decisions.md W20): what a Device does for an initiation and
// for a response, beside the curve operations that nobody can leave out (three shared secrets and
// one multiplication of the base point, wireguard.md 4.7) in the same run. Median of eleven
// windows. No thresholds here. Run it pinned: taskset -c 1 handshake_bench
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "control/wireguard/device.h"
#include "tests/bench/cpu_model.h"

namespace towpath::control::wireguard {
namespace {

constexpr std::size_t kWindows = 11;
constexpr std::size_t kHandshakes = 200;  // in a window
constexpr PeerId kPeer = 0;

using Clock = std::chrono::steady_clock;

class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : engine_{seed} {}
    void fill(std::span<std::byte> bytes) noexcept override {
        for (std::byte& byte : bytes) {
            byte = static_cast<std::byte>(engine_() >> 56U);
        }
    }

private:
    std::mt19937_64 engine_;
};

struct End {
    explicit End(std::uint64_t seed) : random{seed} {}
    SeededRandom random;
    IndexAllocator indices{1, 4 * kHandshakes};
    SentFloor floor;
    UnderLoad load;
    SourceLimiter limiter{random};
    Device device{{indices, floor, load, limiter, random}};
    ActionList out;
};

const IpEndpoint kSomewhere = *parse_ip_endpoint("192.0.2.1:51820");

double microseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count() /
           static_cast<double>(kHandshakes);
}

double median(std::array<double, kWindows> values) {
    std::nth_element(values.begin(), values.begin() + kWindows / 2, values.end());
    return values[kWindows / 2];
}

double curve_window(SeededRandom& random) {
    auto key = random.secret<32>();
    crypto::clamp(key);
    const crypto::PublicKey other = crypto::public_key_of(random.secret<32>());
    unsigned sum = 0;
    const auto start = Clock::now();
    for (std::size_t i = 0; i < kHandshakes; ++i) {
        sum += static_cast<unsigned>(crypto::public_key_of(key)[0]);
        for (int secret = 0; secret < 3; ++secret) {
            sum += static_cast<unsigned>(crypto::shared_secret(key, other)->bytes()[0]);
        }
    }
    const double time = microseconds_since(start);
    if (sum == 0) {
        std::puts("every result was zero");
    }
    return time;
}

// Two ends that handshake again and again; each side's share is timed by itself.
class Pair {
public:
    Pair() {
        caller_.device.set_identity(caller_.random.secret<32>(), moment_, caller_.out);
        callee_.device.set_identity(callee_.random.secret<32>(), moment_, callee_.out);
        meet(caller_, callee_);
        meet(callee_, caller_);
    }

    struct Times {
        double initiator_us = 0;  // initiation and response
        double responder_us = 0;
    };
    Times window() {
        Clock::duration initiator{};
        Clock::duration responder{};
        for (std::size_t i = 0; i < kHandshakes; ++i) {
            moment_.now += std::chrono::seconds{6};
            moment_.unix_time.seconds += 6;
            caller_.out.clear();
            callee_.out.clear();
            const auto begin = Clock::now();
            caller_.device.on_handshake_wanted(kPeer, moment_, caller_.out);
            const auto sent = Clock::now();
            deliver(callee_, std::get<SendHandshake>(caller_.out.at(0)).packet);
            const auto answered = Clock::now();
            deliver(caller_, std::get<InstallSession>(callee_.out.at(0)).packet);
            const auto done = Clock::now();
            initiator += (sent - begin) + (done - answered);
            responder += answered - sent;
            caller_.device.on_index_free(std::get<InstallSession>(caller_.out.at(1)).index);
            callee_.device.on_index_free(std::get<InstallSession>(callee_.out.at(0)).index);
        }
        const auto each = [](Clock::duration time) {
            return std::chrono::duration<double, std::micro>(time).count() /
                   static_cast<double>(kHandshakes);
        };
        return {each(initiator), each(responder)};
    }

private:
    void meet(End& end, End& other) {
        PeerSettings settings;
        settings.id = kPeer;
        settings.public_key = other.device.identity()->public_key();
        settings.endpoint.address = kSomewhere;
        end.device.set_peer(std::move(settings), moment_, end.out);
    }
    void deliver(End& end, const HandshakePacket& packet) {
        end.device.on_handshake({packet.view(), kSomewhere, kSomewhere, 0, moment_.now}, 1, moment_,
                                end.out);
    }

    Moment moment_{Now{std::chrono::seconds{1000}}, {1'800'000'000, 0}};
    End caller_{1};
    End callee_{2};
};

void print(const char* name, double time_us, double floor_us) {
    std::printf("%-34s %8.1f us %8.0f /s  %5.1f %% of the curve's rate\n", name, time_us,
                1e6 / time_us, 100.0 * floor_us / time_us);
}

int run() {
    std::printf("%s\n", bench::cpu_model().c_str());
    SeededRandom random{7};
    auto pair = std::make_unique<Pair>();
    std::array<double, kWindows> curve{};
    std::array<double, kWindows> initiator{};
    std::array<double, kWindows> responder{};
    for (std::size_t window = 0; window < kWindows; ++window) {
        curve[window] = curve_window(random);
        const Pair::Times times = pair->window();
        initiator[window] = times.initiator_us;
        responder[window] = times.responder_us;
    }
    const double floor_us = median(curve);
    print("curve: 3 secrets and 1 base point", floor_us, floor_us);
    print("initiator, both of its messages", median(initiator), floor_us);
    print("responder", median(responder), floor_us);
    return 0;
}

}  // namespace
}  // namespace towpath::control::wireguard

int main() {
    return towpath::control::wireguard::run();
}
