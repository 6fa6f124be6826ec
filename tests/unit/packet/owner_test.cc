// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/owner.h"

#include <gtest/gtest.h>

#include <array>

namespace towpath {
namespace {

// ST-7, for every supported number of workers: the owner exists and a /16 spreads evenly.
TEST(Ownership, SpreadsNeighbouringAddressesOverAllWorkers) {
    for (std::size_t workers = 1; workers <= kWorkersMax; ++workers) {
        for (const std::uint64_t key : {0x0ULL, 0xFFFFFFFFFFFFFFFFULL, 0x243F6A8885A308D3ULL}) {
            const Ownership ownership{workers, key};
            std::array<std::size_t, kWorkersMax> load{};
            for (std::uint32_t host = 0; host < 65536; ++host) {
                const WorkerId owner = ownership.owner_of(Ipv4Address{0x0A000000U + host});
                ASSERT_LT(owner, workers);
                ++load[owner];
            }
            for (std::size_t worker = 0; worker < workers; ++worker) {
                const double share = static_cast<double>(load[worker] * workers) / 65536.0;
                EXPECT_GT(share, 0.8) << workers << " workers, key " << key;
                EXPECT_LT(share, 1.2) << workers << " workers, key " << key;
            }
        }
    }
}

}  // namespace
}  // namespace towpath
