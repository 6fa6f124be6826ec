// SPDX-License-Identifier: BSD-3-Clause
#include "testbed/traffic/sender.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

namespace towpath::testbed {
namespace {

constexpr std::uint32_t kBurstLimit = 64;
// No multiple of a scheduler tick, so that sampled accounting does not lock on to it.
constexpr std::uint64_t kPauseNs = 97'000;
constexpr std::uint64_t kCatchUpNs = 4'000'000;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::uint64_t read_clock(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kSecondNs +
           static_cast<std::uint64_t>(now.tv_nsec);
}

void sleep_until(std::uint64_t monotonic_ns) {
    const timespec until{static_cast<time_t>(monotonic_ns / kSecondNs),
                         static_cast<long>(monotonic_ns % kSecondNs)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

// A burst of frames that are built in place.
class Burst {
public:
    Burst() : storage_(kBurstLimit * kFrameMaximumBytes) {}
    void add(const FlowPlan& plan, ProbeKind kind, std::uint64_t sequence, std::size_t size_bytes) {
        const std::span<std::byte> frame{storage_.data() + count_ * kFrameMaximumBytes, size_bytes};
        write_frame(frame, plan,
                    {be32{static_cast<std::uint32_t>(kind)},
                     be32{static_cast<std::uint32_t>(sequence)}, be64{read_clock(CLOCK_REALTIME)}});
        frames_[count_++] = frame;
    }
    [[nodiscard]] std::size_t send(const SendSocket& socket) {
        const std::size_t sent = socket.send(std::span{frames_}.first(count_));
        count_ = 0;
        return sent;
    }

private:
    std::vector<std::byte> storage_;
    std::array<std::span<const std::byte>, kBurstLimit> frames_;
    std::size_t count_ = 0;
};

}  // namespace

void warm_up(const SendSocket& socket, const FlowPlan& plan) {
    Burst burst;
    for (std::uint32_t flow = 0; flow < plan.flow_count; ++flow) {
        burst.add(plan, ProbeKind::warm_up, flow, kFrameMinimumBytes);
        static_cast<void>(burst.send(socket));
        if (flow % 8 == 7 || flow + 1 == plan.flow_count) {
            sleep_until(read_clock(CLOCK_MONOTONIC) + kPauseNs);
        }
    }
}

Sent offer(const SendSocket& socket, const FlowPlan& plan, const Load& load,
           std::uint64_t sequence_limit) {
    Burst burst;
    Sent sent;
    const std::uint64_t begin_ns = read_clock(CLOCK_MONOTONIC);
    const auto length_ns = static_cast<std::uint64_t>(load.duration_s * 1e9);
    const double frames_per_ns = load.rate_pps / 1e9;
    const auto catch_up = std::max<std::uint64_t>(
        load.burst_max, static_cast<std::uint64_t>(frames_per_ns * double{kCatchUpNs}));
    std::uint64_t forgiven = 0;  // frames that were due but too late to send
    std::uint64_t now_ns = begin_ns;
    std::uint64_t wake_ns = begin_ns;
    while (now_ns - begin_ns < length_ns && sent.frames + sent.refused < sequence_limit) {
        const auto due =
            static_cast<std::uint64_t>(frames_per_ns * static_cast<double>(now_ns - begin_ns));
        std::uint64_t behind = due - std::min(due, sent.frames + sent.refused + forgiven);
        if (behind > catch_up) {
            forgiven += behind - catch_up;
            behind = catch_up;
        }
        const std::uint64_t count =
            std::min({behind, std::uint64_t{std::min(load.burst_max, kBurstLimit)},
                      sequence_limit - sent.frames - sent.refused});
        if (count == 0) {
            wake_ns = std::max(wake_ns + kPauseNs, now_ns);
            sleep_until(wake_ns);
            now_ns = read_clock(CLOCK_MONOTONIC);
            continue;
        }
        std::uint64_t bytes = 0;
        for (std::uint64_t index = 0; index < count; ++index) {
            const std::uint64_t sequence = sent.frames + index;
            const std::size_t size = load.is_imix ? imix_size_bytes(sequence) : load.size_bytes;
            burst.add(plan, ProbeKind::counted, sequence, size);
            bytes += size;
        }
        const std::size_t taken = burst.send(socket);
        sent.frames += taken;
        sent.refused += count - taken;
        sent.bytes += taken == count ? bytes : taken * load.size_bytes;
        now_ns = read_clock(CLOCK_MONOTONIC);
    }
    sent.elapsed_s = static_cast<double>(now_ns - begin_ns) / 1e9;
    return sent;
}

}  // namespace towpath::testbed
