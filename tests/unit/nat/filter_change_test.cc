// SPDX-License-Identifier: BSD-3-Clause
// A filter that becomes stricter under traffic loses no answer that is on its way (decisions.md
// N23), and keeps strangers out a moment later (RFC 4787 REQ-8).
#include <gtest/gtest.h>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;

class FilterChange : public testing::Test {
protected:
    // 10.0.0.1:5000 speaks to 198.51.100.1:53.
    Port speak() {
        Frame frame = udp({.source = "10.0.0.1",
                           .source_port = 5000,
                           .destination = "198.51.100.1",
                           .destination_port = 53});
        EXPECT_TRUE(rig.from_inside(frame).passed());
        return source_of(frame).port;
    }
    NatRig::Exit hear(std::string_view remote, Port outside) {
        Frame frame = udp({.source = remote,
                           .source_port = 53,
                           .destination = "203.0.113.9",
                           .destination_port = outside.number()});
        return rig.from_outside(frame);
    }
    void filter_by(Filtering filtering) {
        rig.policy.udp_filtering = filtering;
        rig.publish();
    }

    NatRig rig;
};

TEST_F(FilterChange, AnswersOnTheirWayArrive) {
    const Port outside = speak();
    filter_by(Filtering::address_and_port_dependent);
    EXPECT_TRUE(hear("198.51.100.1", outside).passed());  // before any slice knew the time
    rig.expire();
    EXPECT_TRUE(hear("198.51.100.1", outside).passed());
    rig.advance(1s);
    EXPECT_TRUE(hear("198.51.100.1", outside).passed());
}

TEST_F(FilterChange, StrangersStayOutAMomentLater) {
    const Port outside = speak();
    filter_by(Filtering::address_and_port_dependent);
    rig.expire();
    rig.advance(1s);
    speak();  // noted from now on
    rig.advance(2s);
    EXPECT_TRUE(hear("198.51.100.1", outside).passed());
    EXPECT_EQ(hear("198.51.100.77", outside).reason, DropReason::inbound_filtered);
}

TEST_F(FilterChange, AFilterThatWasStrictAlreadyExcusesNobody) {
    filter_by(Filtering::address_dependent);
    rig.expire();
    rig.advance(5s);
    const Port outside = speak();
    filter_by(Filtering::address_and_port_dependent);
    rig.expire();
    EXPECT_EQ(hear("198.51.100.77", outside).reason, DropReason::inbound_filtered);
}

TEST_F(FilterChange, EveryReloadWithoutAChangeExcusesNobody) {
    filter_by(Filtering::address_and_port_dependent);
    rig.expire();
    rig.advance(5s);
    const Port outside = speak();
    rig.publish();
    EXPECT_EQ(hear("198.51.100.77", outside).reason, DropReason::inbound_filtered);
}

}  // namespace
}  // namespace towpath::nat
