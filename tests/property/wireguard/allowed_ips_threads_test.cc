// SPDX-License-Identifier: BSD-3-Clause
// Allowed IPs with readers as real threads while the table changes (wireguard.md 13): an address
// that somebody owns throughout is never seen to belong to nobody, nor to a peer that never had it.
// Built with ThreadSanitizer too: removed nodes and prefixes are used again while readers run.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "dataplane/wireguard/allowed_ips.h"

namespace towpath::wireguard {
namespace {

constexpr PeerId kFirst = 1;  // the moving prefixes are of one of these two
constexpr PeerId kSecond = 2;
constexpr PeerId kSteady = 3;   // keeps what it has
constexpr PeerId kDefault = 4;  // default routes
constexpr PeerId kPassing = 5;  // comes and goes
constexpr std::uint32_t kPeers = 6;
// Far more than there is memory for at once: what was removed is used again while readers run.
constexpr int kInserted_min = 5000;

IpPrefix prefix(std::string_view text) {
    return parse_ip_prefix(text).value();
}
IpAddress address(std::string_view text) {
    return parse_ip_address(text).value();
}

class AllowedIpsThreads : public testing::TestWithParam<std::size_t> {
protected:
    AllowedIpsThreads() {
        for (const IpPrefix& each : moving) {
            insert(each, kFirst);
        }
        for (const IpPrefix& each : steady) {
            insert(each, kSteady);
        }
        insert(prefix("0.0.0.0/0"), kDefault);
        insert(prefix("::/0"), kDefault);
    }
    void insert(const IpPrefix& each, PeerId peer) {
        ASSERT_TRUE(table.insert(each, peer).has_value());
    }

    void read(WorkerId worker) {
        do {
            for (const IpPrefix& each : moving) {
                const PeerId owner = table.find(each.address());
                wrong += owner == kFirst || owner == kSecond ? 0U : 1U;
            }
            for (const IpPrefix& each : steady) {
                wrong += table.find(each.address()) == kSteady ? 0U : 1U;
            }
            for (const IpAddress& each : of_default) {
                wrong += table.find(each) == kDefault ? 0U : 1U;
            }
            for (const IpAddress& each : disputed) {
                const PeerId owner = table.find(each);
                wrong += owner == kPassing || owner == kDefault ? 0U : 1U;
            }
            quiescence.pass(worker);
        } while (!is_over.load(std::memory_order_relaxed));
        quiescence.go_offline(worker);
    }
    // Prefixes around, above and below what is asked about, so that nodes come, split and go.
    IpPrefix passing(std::mt19937_64& random) const {
        const auto low = static_cast<std::uint8_t>(random() % 16);
        if (random() % 2 == 0) {
            // 198.51.100.64/26 and longer ones inside
            const auto length = static_cast<std::uint8_t>(26 + random() % 7);
            return {Ipv4Address{0xC633'6440U + low}, length};
        }
        std::array<std::uint8_t, 16> bytes = address("2001:db8:1::").ipv6().bytes();
        bytes[6 + random() % 10] = static_cast<std::uint8_t>(1U << random() % 8U);
        bytes[15] = static_cast<std::uint8_t>(bytes[15] | 0x80U);
        return {Ipv6Address{bytes}, static_cast<std::uint8_t>(128 - low % 4)};
    }
    void write() {
        std::mt19937_64 random{GetParam()};
        std::vector<IpPrefix> present;
        for (int turn = 0; turn < 40'000 || inserted < kInserted_min; ++turn) {
            for (const IpPrefix& each : moving) {
                ASSERT_TRUE(table.insert(each, turn % 2 == 0 ? kSecond : kFirst).has_value());
            }
            const IpPrefix each = passing(random);
            // Refused while readers have not passed: then there is something to remove.
            if (present.size() < 20 && table.insert(each, kPassing) == kNoPeer) {
                present.push_back(each);
                ++inserted;
            } else if (present.empty()) {
                std::this_thread::yield();
            } else {
                ASSERT_TRUE(table.remove(present.back(), kPassing));
                present.pop_back();
            }
            if (turn % 64 == 0) {
                table.remove_all(kPassing);
                present.clear();
            }
        }
    }

    const std::vector<IpPrefix> moving{prefix("192.0.2.0/24"), prefix("198.51.100.1/32"),
                                       prefix("2001:db8:1::/128"), prefix("2001:db8::/56")};
    const std::vector<IpPrefix> steady{prefix("198.51.100.2/32"), prefix("198.51.100.128/25"),
                                       prefix("2001:db8:1::1/128"), prefix("2001:db8:1::2/127")};
    const std::vector<IpAddress> of_default{address("203.0.113.1"), address("198.51.101.64"),
                                            address("2001:db8:2::1"), address("2001:db7::")};
    const std::vector<IpAddress> disputed{address("198.51.100.64"), address("198.51.100.70"),
                                          address("2001:db8:1:100::80")};
    Quiescence quiescence;
    AllowedIps table{64, kPeers, quiescence};
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> wrong{0};
    int inserted = 0;
};

TEST_P(AllowedIpsThreads, NoAddressIsEverNobodys) {
    std::vector<std::thread> readers;
    std::atomic<std::size_t> online{0};
    for (std::size_t worker = 0; worker < GetParam(); ++worker) {
        readers.emplace_back([this, worker, &online] {
            quiescence.come_online(static_cast<WorkerId>(worker));
            online.fetch_add(1);
            read(static_cast<WorkerId>(worker));
        });
    }
    while (online.load() < GetParam()) {
        std::this_thread::yield();
    }
    write();
    is_over.store(true);
    for (std::thread& reader : readers) {
        reader.join();
    }
    EXPECT_EQ(wrong.load(), 0U);
    table.remove_all(kPassing);
    for (const PeerId peer : {kFirst, kSecond, kSteady, kDefault}) {
        table.remove_all(peer);
    }
    EXPECT_EQ(table.node_count(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Readers, AllowedIpsThreads, testing::Values(1, 2, 4));

}  // namespace
}  // namespace towpath::wireguard
