// SPDX-License-Identifier: BSD-3-Clause
// What a second worker adds, in process: two pipelines on two cores over the same tables, each with
// packets of its own of any flow, beside one pipeline alone on the first core. The timed parts of
// both workers begin together. An argument sets the mappings: `scaling_bench 65536`.
#include <pthread.h>
#include <sched.h>

#include <barrier>
#include <cstdlib>
#include <thread>

#include "tests/bench/bench_pipeline.h"

namespace towpath::bench {
namespace {

constexpr std::size_t kWorkers = 2;

// The first cores that this process may use.
std::vector<unsigned> find_cores() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    std::vector<unsigned> cores;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (unsigned core = 0; core < CPU_SETSIZE && cores.size() < kWorkers; ++core) {
            if (CPU_ISSET(core, &allowed)) {
                cores.push_back(core);
            }
        }
    }
    return cores;
}

void pin(unsigned core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) != 0) {
        std::fprintf(stderr, "cannot run on core %u\n", core);
        std::exit(1);
    }
}

// One worker's packets of one window, all written before any is processed.
class Load {
public:
    Load(const NatField& field, BenchGateway& gateway, WorkerId worker)
        : field_{field}, pipeline_{gateway, worker} {
        for (WorkerId skipped = 0; skipped < worker; ++skipped) {
            static_cast<void>(shuffle_.below(field.flows()));
        }
    }
    void prepare() {
        for (Packet& packet : packets_) {
            packet = buffers_.next();
            BenchPipeline::write(field_, Direction::outbound, packet,
                                 shuffle_.below(field_.flows()));
        }
        for (const Packet& packet : packets_) {
            evict(packet);
        }
        _mm_mfence();
    }
    // Packets per tick.
    [[nodiscard]] double run() {
        const std::uint64_t begin = read_ticks();
        for (std::size_t burst = 0; burst < kBurstsPerWindow; ++burst) {
            BenchPipeline::admit(batch_, Direction::outbound,
                                 std::span{packets_}.subspan(burst * kBurstMax, kBurstMax));
            pipeline_.run(batch_, field_.now);
            lost_ += kBurstMax - batch_.lane(Lane::transmit).size();
        }
        return static_cast<double>(kPacketsPerWindow) / static_cast<double>(read_ticks() - begin);
    }
    [[nodiscard]] std::size_t lost() const { return lost_; }

private:
    const NatField& field_;
    BenchPipeline pipeline_;
    BufferRing buffers_;
    Shuffle shuffle_;
    Batch batch_;
    std::array<Packet, kPacketsPerWindow> packets_;
    std::size_t lost_ = 0;
};
static_assert(BufferRing::kBuffers >= kPacketsPerWindow);

struct Windows {
    std::array<std::vector<double>, kWorkers> alone;     // only the first worker has any
    std::array<std::vector<double>, kWorkers> together;  // packets per tick
    std::size_t lost = 0;
};

Windows measure(NatField& field, const std::vector<unsigned>& cores) {
    Windows windows;
    BenchGateway gateway{field};
    std::array<std::size_t, kWorkers> lost{};
    std::barrier line{static_cast<std::ptrdiff_t>(kWorkers)};
    const auto work = [&](WorkerId worker) {
        pin(cores[worker]);
        const auto load = std::make_unique<Load>(field, gateway, worker);
        for (std::size_t count = 0; count < kWindows; ++count) {
            load->prepare();
            line.arrive_and_wait();
            if (worker == 0) {
                windows.alone[worker].push_back(load->run());
                load->prepare();
            }
            line.arrive_and_wait();
            windows.together[worker].push_back(load->run());
        }
        lost[worker] = load->lost();
    };
    std::thread second{work, WorkerId{1}};
    work(WorkerId{0});
    second.join();
    windows.lost = lost[0] + lost[1];
    return windows;
}

std::string load_average() {
    std::ifstream file{"/proc/loadavg"};
    std::string words;
    std::getline(file, words);
    return words.substr(0, words.find(' '));
}

int run(std::size_t mappings, Protocol protocol, double hertz, const std::vector<unsigned>& cores) {
    NatField field{mappings, protocol, kWorkers};
    static_cast<void>(field.fill());
    const Windows windows = measure(field, cores);
    if (windows.lost > field.refused * kWindows * kBurstsPerWindow) {
        std::fprintf(stderr, "%zu packets were not forwarded\n", windows.lost);
        return 1;
    }
    const double alone = median(windows.alone[0]);
    std::vector<double> sums;
    for (std::size_t count = 0; count < kWindows; ++count) {
        sums.push_back(windows.together[0][count] + windows.together[1][count]);
    }
    const double together = median(sums);
    std::printf("%-4s %8zu  %9.2f  %9.2f  %5.2f  %12s\n", protocol == Protocol::tcp ? "tcp" : "udp",
                mappings, alone * hertz / 1e6, together * hertz / 1e6, together / alone,
                load_average().c_str());
    return 0;
}

}  // namespace
}  // namespace towpath::bench

int main(int count, char** arguments) {
    using namespace towpath;
    const std::vector<unsigned> cores = bench::find_cores();
    if (cores.size() < bench::kWorkers) {
        std::printf("needs %zu cores\n", bench::kWorkers);
        return 0;
    }
    const std::size_t mappings = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1U << 20U;
    const double hertz = bench::ticks_per_second();
    std::printf("%s; Mpps, median of %zu windows, by time-stamp counter\n",
                bench::cpu_model().c_str(), bench::kWindows);
    std::printf("%-4s %8s  %9s  %9s  %5s  %12s\n", "", "mappings", "1 worker", "2 workers", "ratio",
                "load average");
    const int udp = bench::run(mappings, Protocol::udp, hertz, cores);
    const int tcp = bench::run(mappings, Protocol::tcp, hertz, cores);
    return udp + tcp;
}
