// SPDX-License-Identifier: BSD-3-Clause
// Allowed IPs at 130 560 prefixes (decisions.md W12): how long it takes to fill a table and to
// change one peer of it, what a look-up costs, and the memory. Two neighbourhoods: dense (an
// address of each family per peer, in sequence) and scattered (at random in 10.0.0.0/8 and in a
// /48). No thresholds here. Run it pinned: taskset -c 1 allowed_ips_bench
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "dataplane/wireguard/allowed_ips.h"
#include "tests/bench/cpu_model.h"

namespace towpath::wireguard {
namespace {

constexpr std::uint32_t kPrefixes = 130'560;
constexpr std::uint32_t kPeers = kPrefixes / 2;
constexpr std::size_t kQuestions = 1U << 14U;
constexpr std::size_t kWindows = 11;

using Clock = std::chrono::steady_clock;

template <class Call>
double milliseconds(Call&& call) {
    const auto start = Clock::now();
    call();
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Neighbourhood {
    const char* name;
    std::vector<IpPrefix> ipv4;  // of peer = position
    std::vector<IpPrefix> ipv6;
};

Ipv6Address ipv6_address(std::uint64_t low, std::uint16_t middle) {
    std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0, 1};
    bytes[6] = static_cast<std::uint8_t>(middle >> 8U);
    bytes[7] = static_cast<std::uint8_t>(middle);
    for (unsigned octet = 0; octet < 8; ++octet) {
        bytes[8 + octet] = static_cast<std::uint8_t>(low >> (56U - 8U * octet));
    }
    return Ipv6Address{bytes};
}

Neighbourhood dense() {
    Neighbourhood all{"dense", {}, {}};
    for (std::uint32_t peer = 0; peer < kPeers; ++peer) {
        all.ipv4.push_back(Ipv4Prefix{Ipv4Address{0x0A4D'0000U + peer}, 32});
        all.ipv6.emplace_back(ipv6_address(peer + 1, 0), std::uint8_t{128});
    }
    return all;
}

Neighbourhood scattered() {
    std::mt19937_64 random{1};
    Neighbourhood all{"scattered", {}, {}};
    std::vector<bool> is_taken(1U << 24U);
    while (all.ipv4.size() < kPeers) {
        const auto low = static_cast<std::uint32_t>(random() >> 40U);
        if (!is_taken[low]) {
            is_taken[low] = true;
            all.ipv4.push_back(Ipv4Prefix{Ipv4Address{0x0A00'0000U | low}, 32});
            all.ipv6.emplace_back(ipv6_address(random(), static_cast<std::uint16_t>(random())),
                                  std::uint8_t{128});
        }
    }
    return all;
}

class Bench {
public:
    void run(const Neighbourhood& all) {
        std::printf("%s\n", all.name);
        const double fill_ms = milliseconds([&] {
            for (PeerId peer = 0; peer < kPeers; ++peer) {
                insert(all.ipv4[peer], peer);
                insert(all.ipv6[peer], peer);
            }
        });
        std::printf(
            "  fill %u prefixes: %.1f ms, %.1f MiB touched of %.0f MiB reserved, %u nodes\n",
            table_->size(), fill_ms, mebibytes(table_->touched_bytes()),
            mebibytes(table_->reserved_bytes()), table_->node_count());
        std::printf("  look-up, IPv4: %.1f ns; IPv6: %.1f ns\n", lookup_ns<Ipv4Address>(all.ipv4),
                    lookup_ns<Ipv6Address>(all.ipv6));
        change(all);
    }

private:
    static double mebibytes(std::size_t bytes) { return static_cast<double>(bytes) / (1U << 20U); }
    static void report(const char* what, double taken_ms) {
        std::printf("  %s: %.3f ms\n", what, taken_ms);
    }
    void insert(const IpPrefix& prefix, PeerId peer) {
        if (!table_->insert(prefix, peer).has_value()) {
            std::puts("no room");
            std::exit(1);
        }
    }
    // One after the other, the next asked for only when the answer is there; to random peers.
    template <class Address>
    double lookup_ns(const std::vector<IpPrefix>& prefixes) {
        std::mt19937_64 random{2};
        std::vector<Address> questions;
        for (std::size_t question = 0; question < kQuestions; ++question) {
            const IpAddress& address = prefixes[random() % kPeers].address();
            if constexpr (std::is_same_v<Address, Ipv4Address>) {
                questions.push_back(address.ipv4());
            } else {
                questions.push_back(address.ipv6());
            }
        }
        std::array<double, kWindows> windows{};
        for (double& window : windows) {
            std::size_t next = 0;
            const double taken_ms = milliseconds([&] {
                for (std::size_t question = 0; question < kQuestions; ++question) {
                    const PeerId owner = table_->find(questions[next]);
                    next = (next + 1 + (owner == kNoPeer ? 1U : 0U)) % kQuestions;
                }
            });
            window = taken_ms * 1e6 / static_cast<double>(kQuestions);
        }
        std::sort(windows.begin(), windows.end());
        return windows[kWindows / 2];
    }
    void change(const Neighbourhood& all) {
        constexpr PeerId kOne = kPeers / 3;
        std::vector<double> changes;
        for (PeerId peer = 0; peer < kPeers; peer += 64) {
            changes.push_back(milliseconds([&] {
                table_->remove_all(peer);
                insert(all.ipv4[peer], peer);
                insert(all.ipv6[peer], peer);
            }));
        }
        std::sort(changes.begin(), changes.end());
        std::printf("  remove one peer and insert it again: median %.4f ms, worst of %zu %.3f ms\n",
                    changes[changes.size() / 2], changes.size(), changes.back());
        table_->remove_all(kOne);  // so that there is room for two more
        const IpPrefix default_ipv4 = Ipv4Prefix{Ipv4Address{}, 0};
        const IpPrefix default_ipv6{Ipv6Address{}, 0};
        report("insert both default routes", milliseconds([&] {
                   insert(default_ipv4, kOne);
                   insert(default_ipv6, kOne);
               }));
        report("move both default routes", milliseconds([&] {
                   insert(default_ipv4, kOne + 1);
                   insert(default_ipv6, kOne + 1);
               }));
        report("remove both default routes", milliseconds([&] {
                   table_->remove(default_ipv4, kOne + 1);
                   table_->remove(default_ipv6, kOne + 1);
               }));
        report("move every prefix to one peer", milliseconds([&] {
                   for (PeerId peer = 0; peer < kPeers; ++peer) {
                       if (peer != kOne) {
                           insert(all.ipv4[peer], kOne);
                           insert(all.ipv6[peer], kOne);
                       }
                   }
               }));
        report("remove that one peer", milliseconds([&] { table_->remove_all(kOne); }));
    }

    Quiescence quiescence_;
    std::unique_ptr<AllowedIps> table_ =
        std::make_unique<AllowedIps>(kPrefixes, kPeers, quiescence_);
};

}  // namespace
}  // namespace towpath::wireguard

int main() {
    std::printf("%s\n", towpath::bench::cpu_model().c_str());
    towpath::wireguard::Bench{}.run(towpath::wireguard::dense());
    towpath::wireguard::Bench{}.run(towpath::wireguard::scattered());
    return 0;
}
