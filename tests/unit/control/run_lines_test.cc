// SPDX-License-Identifier: BSD-3-Clause
// The lines of the log that say what ran.
#include "control/observe/run_lines.h"

#include <gtest/gtest.h>

namespace towpath::control {
namespace {

StatusModel status() {
    StatusModel model;
    model.dataplane_version = "0.1.0+07d56de9d3";
    model.dataplane = DataplaneLink::forwarding;
    model.control_uptime_s = 2 * 3600 + 3 * 60 + 4;
    model.generation = 7;
    model.mapping_capacity = 262'144;
    model.mappings_udp = 18'204;
    model.mappings_tcp = 61;
    model.cores = {{0, 2, 0}, {1, 3, 0}};
    return model;
}

InterfaceModel interface(const std::string& name, const std::string& role) {
    InterfaceModel model;
    model.name = name;
    model.driver = "af_xdp";
    model.role = role;
    return model;
}

TunnelModel tunnel() {
    TunnelModel model;
    model.name = "wg0";
    model.listen_port = 51820;
    model.peers = 3;
    model.peers_up = 2;
    return model;
}

TEST(RunLines, SayWhatRuns) {
    EXPECT_EQ(running_line(status(), {interface("lan", "inside"), interface("wan", "outside")},
                           {tunnel()}),
              "the data plane runs 0.1.0+07d56de9d3 on cores 2, 3: lan af_xdp inside, wan af_xdp "
              "outside, wg0 wireguard port 51820");
    StatusModel one = status();
    one.cores.pop_back();
    EXPECT_EQ(running_line(one, {interface("lan", "neutral")}, {}),
              "the data plane runs 0.1.0+07d56de9d3 on core 2: lan af_xdp neutral");
}

TEST(RunLines, SayWhatThereWasAtTheStop) {
    EXPECT_EQ(stopped_line(status(), {tunnel()}),
              "ran for 2 h 3 min 4 s, generation 7, mappings 18204 udp 61 tcp 0 icmp, wg0 2 of 3 "
              "peers up");
    StatusModel alone = status();
    alone.mapping_capacity = 0;
    alone.control_uptime_s = 59;
    EXPECT_EQ(stopped_line(alone, {tunnel()}),
              "ran for 59 s, generation 7, never heard of a data plane");
}

}  // namespace
}  // namespace towpath::control
