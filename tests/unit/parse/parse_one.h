// SPDX-License-Identifier: BSD-3-Clause
// One packet through parse, between an inside (0: 10.77.1.1/24) and an outside interface
// (1: 192.0.2.10/24).
#pragma once

#include <gtest/gtest.h>

#include "dataplane/parse/parse_stage.h"
#include "tests/builders/packet_builder.h"

namespace towpath::parse {

inline InterfaceTable two_interfaces() {
    InterfaceTable table;
    table.count = 2;
    table.storage[0].id = InterfaceId{0};
    table.storage[0].role = InterfaceRole::inside;
    table.storage[1].id = InterfaceId{1};
    table.storage[1].role = InterfaceRole::outside;
    const char* prefixes[] = {"10.77.1.0/24", "192.0.2.0/24"};
    const char* addresses[] = {"10.77.1.1", "192.0.2.10"};
    for (std::size_t index = 0; index < 2; ++index) {
        Interface& interface = table.storage[index];
        interface.mac = builders::kOurMac;
        interface.is_up = true;
        interface.address_count = 1;
        interface.address_storage[0] = {builders::address(addresses[index]),
                                        builders::prefix(prefixes[index])};
    }
    return table;
}

// Runs one packet through parse and returns its lane.
inline Lane parse_one(builders::Frame& frame) {
    static const InterfaceTable interfaces = two_interfaces();
    State state{&interfaces};
    Batch batch;
    EXPECT_TRUE(batch.admit(frame.packet, Lane::parse));
    parse_stage(state, batch, Now{});
    EXPECT_TRUE(batch.lane(Lane::parse).empty());
    frame.packet = batch[0];
    for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
        if (!batch.lane(static_cast<Lane>(lane)).empty()) {
            return static_cast<Lane>(lane);
        }
    }
    ADD_FAILURE() << "the packet is in no lane";
    return Lane::count;
}

}  // namespace towpath::parse
