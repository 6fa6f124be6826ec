// SPDX-License-Identifier: BSD-3-Clause
// Allowed IPs against a linear list (wireguard.md 18.3), for prefixes that nest and collide on
// purpose, with moves, removals and reuse of memory.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "dataplane/wireguard/allowed_ips.h"

namespace towpath::wireguard {
namespace {

using Random = std::mt19937_64;

constexpr std::uint32_t kPeers = 24;
constexpr std::uint32_t kPrefixes = 600;

IpAddress random_address(Random& random, IpFamily family) {
    std::array<std::uint8_t, 16> bytes{};
    const bool is_anywhere = random() % 8 == 0;
    for (std::uint8_t& byte : bytes) {
        // Few values, so that prefixes meet at every depth.
        const std::uint64_t value = random();
        byte = static_cast<std::uint8_t>(is_anywhere      ? value
                                         : value % 3 != 0 ? 0
                                         : value % 2 == 0 ? value >> 8U & 0x11U
                                                          : value >> 8U & 0x80U);
    }
    if (family == IpFamily::ipv6) {
        return Ipv6Address{bytes};
    }
    return Ipv4Address{std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
                       std::uint32_t{bytes[2]} << 8U | bytes[3]};
}

IpPrefix random_prefix(Random& random) {
    const IpFamily family = random() % 2 == 0 ? IpFamily::ipv4 : IpFamily::ipv6;
    const std::uint8_t bits = address_bits(family);
    const std::uint64_t length = random() % 3 == 0 ? bits : random() % (bits + 1U);
    return {random_address(random, family), static_cast<std::uint8_t>(length)};
}

class Model {
public:
    PeerId insert(const IpPrefix& prefix, PeerId peer) {
        const auto [entry, is_new] = owners_.try_emplace(prefix, peer);
        const PeerId previous = is_new ? kNoPeer : entry->second;
        entry->second = peer;
        return previous;
    }
    bool remove(const IpPrefix& prefix, PeerId peer) {
        const auto entry = owners_.find(prefix);
        if (entry == owners_.end() || entry->second != peer) {
            return false;
        }
        owners_.erase(entry);
        return true;
    }
    void remove_all(PeerId peer) {
        std::erase_if(owners_, [peer](const auto& entry) { return entry.second == peer; });
    }
    [[nodiscard]] PeerId find(const IpAddress& address) const {
        PeerId owner = kNoPeer;
        int length = -1;
        for (const auto& [prefix, peer] : owners_) {
            if (prefix.family() == address.family() && prefix.length() > length &&
                prefix.contains(address)) {
                owner = peer;
                length = prefix.length();
            }
        }
        return owner;
    }
    [[nodiscard]] std::set<IpPrefix> list(PeerId peer) const {
        std::set<IpPrefix> prefixes;
        for (const auto& [prefix, owner] : owners_) {
            if (owner == peer) {
                prefixes.insert(prefix);
            }
        }
        return prefixes;
    }
    [[nodiscard]] const std::map<IpPrefix, PeerId>& owners() const { return owners_; }

private:
    std::map<IpPrefix, PeerId> owners_;
};

class AllowedIpsProperty : public testing::Test {
protected:
    void change(Random& random) {
        const auto peer = static_cast<PeerId>(random() % kPeers);
        IpPrefix prefix = random_prefix(random);
        if (random() % 2 == 0 && !model.owners().empty()) {
            prefix = model.owners().lower_bound(prefix) == model.owners().end()
                         ? model.owners().begin()->first
                         : model.owners().lower_bound(prefix)->first;
        }
        if (random() % 3 == 0) {
            ASSERT_EQ(table.remove(prefix, peer), model.remove(prefix, peer));
        } else if (model.owners().size() < kPrefixes || model.owners().contains(prefix)) {
            ASSERT_EQ(table.insert(prefix, peer), model.insert(prefix, peer)) << to_string(prefix);
        } else {
            ASSERT_EQ(table.insert(prefix, peer), std::nullopt);
        }
        ASSERT_EQ(table.size(), model.owners().size());
    }
    void ask(Random& random, int questions) {
        for (int question = 0; question < questions; ++question) {
            const IpPrefix prefix = random_prefix(random);
            const IpAddress address = random_address(random, prefix.family());
            ASSERT_EQ(table.find(address), model.find(address)) << to_string(address);
        }
        asked += questions;
    }
    void compare_lists() {
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            std::set<IpPrefix> listed;
            table.for_each(
                peer, [&](const IpPrefix& prefix) { ASSERT_TRUE(listed.insert(prefix).second); });
            ASSERT_EQ(listed, model.list(peer));
        }
    }

    Quiescence quiescence;
    AllowedIps table{kPrefixes, kPeers, quiescence};
    Model model;
    int asked = 0;
};

TEST_F(AllowedIpsProperty, AgreesWithALinearList) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        Random random{seed};
        for (int turn = 0; turn < 1500; ++turn) {
            ASSERT_NO_FATAL_FAILURE(change(random));
            ASSERT_NO_FATAL_FAILURE(ask(random, 3));
        }
        ASSERT_NO_FATAL_FAILURE(compare_lists());
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            table.remove_all(peer);
            model.remove_all(peer);
            ASSERT_NO_FATAL_FAILURE(ask(random, 100));
        }
        ASSERT_EQ(table.size(), 0U);
        ASSERT_EQ(table.node_count(), 0U);
    }
    EXPECT_GE(asked, 100'000);
}

}  // namespace
}  // namespace towpath::wireguard
