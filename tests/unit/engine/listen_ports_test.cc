// SPDX-License-Identifier: BSD-3-Clause
// decisions.md W9: a reload onto a port that holds a live mapping is refused by name.
#include "dataplane/engine/listen_ports.h"

#include <gtest/gtest.h>

#include <vector>

namespace towpath::engine {
namespace {

class ListenPorts : public ::testing::Test {
protected:
    static contract::World world(std::vector<std::uint16_t> ports) {
        contract::World world;
        world.pool = {Ipv4Address{0xC000020A}, Ipv4Address{0xC000020B}};
        for (std::size_t position = 0; position < ports.size(); ++position) {
            world.tunnels.at(position).id = static_cast<std::uint8_t>(2 + position);
            world.tunnels.at(position).listen_port = ports[position];
        }
        return world;
    }
    void map(Ipv4Address address, std::uint16_t port, bool is_held = false) {
        nat::MappingView mapping;
        mapping.inside = {Ipv4Address{0x0A4D010B}, Port{std::uint16_t{5000}}};
        mapping.outside = {address, Port{port}};
        mapping.is_held = is_held;
        mappings_.push_back(mapping);
    }
    // What is refused, or nothing.
    [[nodiscard]] std::string refusal(const contract::World& applied, const contract::World& next) {
        const auto outcome = check_listen_ports(
            applied, next, [this](const Endpoint& outside) -> std::optional<nat::MappingView> {
                for (const nat::MappingView& mapping : mappings_) {
                    if (mapping.outside == outside) {
                        return mapping;
                    }
                }
                return std::nullopt;
            });
        return outcome ? "" : outcome.error().sentence;
    }
    std::vector<nat::MappingView> mappings_;
};

TEST_F(ListenPorts, ALiveMappingOnAnyPoolAddressIsNamed) {
    map(Ipv4Address{0xC000020B}, 51821);
    EXPECT_EQ(refusal(world({51820}), world({51821})),
              "ListenPort 51821 is in use by the NAT: 192.0.2.11:51821/udp is the outside endpoint "
              "of 10.77.1.11:5000; choose another port, or wait until that mapping has ended");
    EXPECT_NE(refusal(world({51820}), world({51820, 51821})), "") << "a second tunnel";
    EXPECT_EQ(refusal(world({51820}), world({51822})), "");
}

TEST_F(ListenPorts, SoIsOneOnAnAddressThatPeersAreTranslatedTo) {
    map(Ipv4Address{0x0A4D0101}, 51821);
    contract::World next = world({51821});
    next.interfaces[0].address_count = 1;
    next.interfaces[0].addresses[0] = {Ipv4Address{0x0A4D0101}, 24, {}};
    EXPECT_EQ(refusal(world({51820}), next), "");
    next.tunnels[0].is_translated = 1;
    EXPECT_NE(refusal(world({51820}), next), "");
}

TEST_F(ListenPorts, WhatIsNoMappingAnyMoreIsNoReason) {
    map(Ipv4Address{0xC000020A}, 51821, true);
    EXPECT_EQ(refusal(world({51820}), world({51821})), "") << "its port only rests";
}

TEST_F(ListenPorts, APortThatATunnelHasIsNotAskedAgain) {
    map(Ipv4Address{0xC000020A}, 51820);
    EXPECT_EQ(refusal(world({51820}), world({51820})), "");
    EXPECT_EQ(refusal(world({51821, 51820}), world({51820})), "") << "it moves between tunnels";
}

TEST_F(ListenPorts, AnAddressThatLeavesThePoolEndsItsMappingsAnyway) {
    map(Ipv4Address{0xC000020C}, 51821);
    EXPECT_EQ(refusal(world({}), world({51821})), "");
}

}  // namespace
}  // namespace towpath::engine
