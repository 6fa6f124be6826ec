// SPDX-License-Identifier: BSD-3-Clause
// Whoever takes an address out of the pool hears how much ends with it.
#include "dataplane/engine/withdrawal.h"

#include <gtest/gtest.h>

#include <map>

namespace towpath::engine {
namespace {

TEST(Withdrawal, NamesAddressesThatGoAndWhatTheyHold) {
    const Ipv4Address kept{0xC000020A};
    const Ipv4Address busy{0xC000020B};
    const Ipv4Address single{0xC000020C};
    const Ipv4Address idle{0xC000020D};
    const std::map<Ipv4Address, std::size_t> mappings{{kept, 7}, {busy, 1200}, {single, 1}};
    const std::vector<Ipv4Address> applied{kept, busy, single, idle};
    const std::vector<Ipv4Address> next{Ipv4Address{0xC0000214}, kept};
    const auto count = [&mappings](Ipv4Address address) {
        const auto found = mappings.find(address);
        return found == mappings.end() ? std::size_t{0} : found->second;
    };
    EXPECT_EQ(
        withdrawals(applied, next, count),
        (std::vector<std::string>{
            "192.0.2.11 leaves the pool: 1200 mappings end, and the connections that use them",
            "192.0.2.12 leaves the pool: 1 mapping ends, and the connections that use it"}));
    EXPECT_TRUE(withdrawals(next, applied, count).empty()) << "more addresses end nothing";
}

}  // namespace
}  // namespace towpath::engine
