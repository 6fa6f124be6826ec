// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/answers.h"

#include <gtest/gtest.h>

#include "tests/builders/packet_builder.h"

namespace towpath::engine {
namespace {

using builders::address;

nat::MappingView view_of(Protocol protocol) {
    nat::MappingView view;
    view.inside = {address("10.77.1.2"), Port{std::uint16_t{5000}}};
    view.outside = {address("192.0.2.10"), Port{std::uint16_t{5001}}};
    view.protocol = protocol;
    view.owner = 2;
    view.is_replied = true;
    view.age_s = 100;
    view.idle_s = 40;
    return view;
}

TEST(MappingRow, SaysWhenTheMappingExpires) {
    const nat::Policy policy;
    EXPECT_EQ(mapping_row(view_of(Protocol::udp), policy).expires_s, 260U);
    EXPECT_EQ(mapping_row(view_of(Protocol::icmp), policy).expires_s, 20U);
    nat::MappingView late = view_of(Protocol::icmp);
    late.idle_s = 61;
    EXPECT_EQ(mapping_row(late, policy).expires_s, 0U);
}

// N5: remotes are known only where sessions are.
TEST(MappingRow, IsTrackedOnlyWithSessions) {
    const nat::Policy policy;
    nat::MappingView view = view_of(Protocol::tcp);
    EXPECT_EQ(mapping_row(view, policy).is_tracked, 0);
    view.sessions = 3;
    const contract::MappingRow row = mapping_row(view, policy);
    EXPECT_EQ(row.is_tracked, 1);
    EXPECT_EQ(row.sessions, 3U);
    EXPECT_EQ(row.filtering, contract::Filtering::address_and_port_dependent);
    EXPECT_EQ(row.worker, 2);
    EXPECT_EQ(row.outside.port.number(), 5001);
}

// realm.h: towards an interface and where nothing is translated, whatever the policy says.
TEST(MappingRow, OnlyAnswersComeToPeersThatAreHiddenOrTracked) {
    const nat::Policy policy;
    nat::MappingView view = view_of(Protocol::udp);
    EXPECT_EQ(mapping_row(view, policy).filtering, contract::Filtering::endpoint_independent);
    for (const nat::Realm realm : {nat::realm_towards(InterfaceId{0}), nat::kIdentityRealm}) {
        view.realm = realm;
        EXPECT_EQ(mapping_row(view, policy).filtering,
                  contract::Filtering::address_and_port_dependent);
    }
}

TEST(RemoteRow, SaysHowFarTheConnectionIs) {
    using nat::SessionState;
    const auto state_of = [](SessionState state) {
        return remote_row({{address("198.51.100.1"), Port{std::uint16_t{443}}}, state, 7}).state;
    };
    EXPECT_EQ(state_of(SessionState::permit), contract::RemoteState::permitted);
    EXPECT_EQ(state_of(SessionState::init_inside), contract::RemoteState::opening);
    EXPECT_EQ(state_of(SessionState::init_outside), contract::RemoteState::opening);
    EXPECT_EQ(state_of(SessionState::established), contract::RemoteState::established);
    for (const SessionState state : {SessionState::fin_inside, SessionState::fin_outside,
                                     SessionState::fin_both, SessionState::transitory}) {
        EXPECT_EQ(state_of(state), contract::RemoteState::closing);
    }
    const contract::RemoteRow row = remote_row(
        {{address("198.51.100.1"), Port{std::uint16_t{443}}}, SessionState::established, 7});
    EXPECT_EQ(row.remote.endpoint(), (Endpoint{address("198.51.100.1"), Port{std::uint16_t{443}}}));
    EXPECT_EQ(row.idle_s, 7U);
}

TEST(EventRow, KeepsKindTimeAndEndpoints) {
    nat::MappingEvent event;
    event.inside = {address("10.77.1.2"), Port{std::uint16_t{5000}}};
    event.time_s = 12;
    event.kind = nat::MappingEventKind::ended;
    event.protocol = Protocol::tcp;
    const contract::EventRow row = event_row(event, 3);
    EXPECT_EQ(row.kind, contract::EventKind::deleted);
    EXPECT_EQ(row.mapping, contract::MappingKind::tcp);
    EXPECT_EQ(row.time_ms, 12000U);
    EXPECT_EQ(row.worker, 3);
    EXPECT_EQ(row.inside.address, address("10.77.1.2"));
    EXPECT_EQ(row.is_tracked, 0);
    event.is_translated = false;
    EXPECT_EQ(event_row(event, 3).is_tracked, 1);
}

TEST(MappingKind, AndProtocolAreInverse) {
    for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp}) {
        EXPECT_EQ(protocol_of(kind_of(protocol)), protocol);
    }
}

}  // namespace
}  // namespace towpath::engine
