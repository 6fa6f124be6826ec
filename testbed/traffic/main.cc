// SPDX-License-Identifier: BSD-3-Clause
// towpath-traffic: offers UDP frames on one interface, receives them on another, prints one line of
// JSON: rates, loss by sequence number, latency. Both interfaces may be in other namespaces.
#include <sched.h>
#include <sys/prctl.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "testbed/traffic/packet_socket.h"
#include "testbed/traffic/probe_frame.h"
#include "testbed/traffic/sender.h"
#include "testbed/traffic/tally.h"

namespace {

using namespace towpath;
using namespace towpath::testbed;

constexpr double kDurationMaxS = 120;
constexpr std::uint64_t kSequenceMax = 200'000'000;
constexpr int kDrainMs = 300;

constexpr std::string_view kUsage =
    "usage: towpath-traffic from-namespace=N from=IFACE to-namespace=N to=IFACE gateway-mac=MAC\n"
    "         source=ADDRESS destination=ADDRESS [flows=64] [rate=PPS] [seconds=2]\n"
    "         [size=60|imix] [burst=16] [core=0]\n";

using Options = std::map<std::string, std::string, std::less<>>;

struct Plan {
    Place from;
    Place to;
    FlowPlan flow;
    Load load;
    int core = 0;
};

Outcome<Options> read_options(int count, char** arguments) {
    Options options{{"flows", "64"}, {"rate", "1000"}, {"seconds", "2"},
                    {"size", "60"},  {"burst", "16"},  {"core", "0"}};
    for (int index = 1; index < count; ++index) {
        const std::string_view argument{arguments[index]};
        const std::size_t equals = argument.find('=');
        if (equals == std::string_view::npos) {
            return fail(ExitCode::usage, "not NAME=VALUE: " + std::string{argument});
        }
        options.insert_or_assign(std::string{argument.substr(0, equals)},
                                 std::string{argument.substr(equals + 1)});
    }
    for (const char* wanted : {"from", "to", "gateway-mac", "source", "destination"}) {
        if (!options.contains(wanted)) {
            return fail(ExitCode::usage, std::string{"missing: "} + wanted);
        }
    }
    return options;
}

Outcome<Plan> make_plan(const Options& options) {
    const auto text = [&options](std::string_view name) {
        const auto found = options.find(name);
        return found == options.end() ? std::string{} : found->second;
    };
    const auto number = [&text](std::string_view name) {
        return std::strtod(text(name).c_str(), nullptr);
    };
    const auto mac = parse_mac_address(text("gateway-mac"));
    const auto source = parse_ipv4_address(text("source"));
    const auto destination = parse_ipv4_address(text("destination"));
    if (!mac || !source || !destination) {
        return fail(ExitCode::usage, "an address cannot be read");
    }
    Plan plan{.from = {text("from-namespace"), text("from")},
              .to = {text("to-namespace"), text("to")},
              .flow = {},
              .load = {},
              .core = static_cast<int>(number("core"))};
    plan.flow.gateway_mac = *mac;
    plan.flow.source = *source;
    plan.flow.destination = *destination;
    const double flows = number("flows");
    plan.load.rate_pps = number("rate");
    plan.load.duration_s = number("seconds");
    plan.load.is_imix = text("size") == "imix";
    const double size = plan.load.is_imix ? double{kFrameMinimumBytes} : number("size");
    const double burst = number("burst");
    if (!(flows >= 1 && flows <= 40000 && plan.load.rate_pps > 0 && plan.load.duration_s > 0 &&
          plan.load.duration_s <= kDurationMaxS && size >= double{kFrameMinimumBytes} &&
          size <= double{kFrameMaximumBytes} && burst >= 1 && burst <= 64 &&
          plan.load.rate_pps * plan.load.duration_s <= double{kSequenceMax})) {
        return fail(ExitCode::usage, "a number is out of range");
    }
    plan.flow.flow_count = static_cast<std::uint32_t>(flows);
    plan.load.size_bytes = static_cast<std::size_t>(size);
    plan.load.burst_max = static_cast<std::uint32_t>(burst);
    return plan;
}

void pin(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(core), &cores);
    sched_setaffinity(0, sizeof cores, &cores);
    prctl(PR_SET_TIMERSLACK, 1UL);
}

void print(const Sent& sent, Tally& tally, std::uint64_t overflow, const Plan& plan) {
    const double lost = static_cast<double>(sent.frames) - static_cast<double>(tally.received());
    std::printf(
        "{\"asked_pps\": %.0f, \"offered_pps\": %.0f, \"received_pps\": %.0f, \"sent\": %llu, "
        "\"received\": %llu, \"lost\": %.0f, \"loss\": %.6f, \"refused_at_sender\": %llu, "
        "\"receiver_overflow\": %llu, \"repeated\": %llu, \"disordered\": %llu, "
        "\"longest_gap\": %llu, \"offered_gbps\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
        "\"max_us\": %.1f, \"flows\": %u, \"seconds\": %.3f}\n",
        plan.load.rate_pps, static_cast<double>(sent.frames) / sent.elapsed_s,
        static_cast<double>(tally.received()) / sent.elapsed_s,
        static_cast<unsigned long long>(sent.frames),
        static_cast<unsigned long long>(tally.received()), lost,
        sent.frames == 0 ? 1.0 : lost / static_cast<double>(sent.frames),
        static_cast<unsigned long long>(sent.refused), static_cast<unsigned long long>(overflow),
        static_cast<unsigned long long>(tally.repeated()),
        static_cast<unsigned long long>(tally.disordered()),
        static_cast<unsigned long long>(tally.longest_gap(sent.frames)),
        static_cast<double>(sent.bytes) * 8 / sent.elapsed_s / 1e9,
        static_cast<double>(tally.latency_quantile_ns(0.5)) / 1e3,
        static_cast<double>(tally.latency_quantile_ns(0.99)) / 1e3,
        static_cast<double>(tally.latency_quantile_ns(1.0)) / 1e3, plan.flow.flow_count,
        sent.elapsed_s);
}

Outcome<std::monostate> measure(Plan plan) {
    auto socket = SendSocket::open(plan.from);
    if (!socket) {
        return tl::unexpected{socket.error()};
    }
    auto ring = ReceiveRing::open(plan.to);
    if (!ring) {
        return tl::unexpected{ring.error()};
    }
    plan.flow.source_mac = socket->mac();
    pin(plan.core);
    const auto limit =
        static_cast<std::uint64_t>(plan.load.rate_pps * plan.load.duration_s * 1.01) + 64;
    Tally tally{limit};
    std::atomic<bool> is_done = false;
    std::thread receiver{[&] {
        const OnFrame take = [&](std::span<const std::byte> frame, std::uint64_t received_ns) {
            const auto probe = read_probe(frame, plan.flow);
            if (probe && probe->kind.host() == static_cast<std::uint32_t>(ProbeKind::counted)) {
                const std::uint64_t sent_ns = probe->sent_ns.host();
                tally.take(probe->sequence.host(),
                           received_ns > sent_ns ? received_ns - sent_ns : 0);
            }
        };
        while (!is_done.load(std::memory_order_relaxed)) {
            ring->drain(20, take);
        }
        ring->drain(0, take);
    }};
    // Twice: the first frames may only have made the gateway ask for a neighbour.
    for (int round = 0; round < 2; ++round) {
        warm_up(*socket, plan.flow);
        std::this_thread::sleep_for(std::chrono::milliseconds{kDrainMs / 2});
    }
    const Sent sent = offer(*socket, plan.flow, plan.load, limit);
    std::this_thread::sleep_for(std::chrono::milliseconds{kDrainMs});
    is_done.store(true);
    receiver.join();
    print(sent, tally, ring->overflow_count(), plan);
    return std::monostate{};
}

}  // namespace

int main(int argument_count, char** arguments) {
    const auto done = read_options(argument_count, arguments).and_then(make_plan).and_then(measure);
    if (done) {
        return 0;
    }
    std::fprintf(stderr, "towpath-traffic: %s\n", done.error().sentence.c_str());
    if (done.error().exit_code == ExitCode::usage) {
        std::fputs(kUsage.data(), stderr);
    }
    return static_cast<int>(done.error().exit_code);
}
