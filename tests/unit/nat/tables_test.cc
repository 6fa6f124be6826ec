// SPDX-License-Identifier: BSD-3-Clause
// The shared tables: limits, sizes, pool slots; and what the owner tells about them.
#include "dataplane/nat/tables.h"

#include <gtest/gtest.h>

#include <set>

#include "dataplane/nat/timer_wheel.h"
#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;

TEST(TablesSize, N22_BytesPerMappingAndSession) {
    Quiescence quiescence;
    Capacity capacity;
    capacity.mappings = 1U << 20U;
    capacity.sessions = 1U << 20U;
    capacity.pool_addresses = 20;
    const auto tables = Tables::create(capacity, Keys{}, quiescence);
    ASSERT_TRUE(tables.has_value());
    EXPECT_LE((*tables)->mapping_bytes(), capacity.mappings * 104);
    EXPECT_LE((*tables)->session_bytes(), capacity.sessions * 64);
}

TEST(TablesSize, RefusesWhatCannotBe) {
    Quiescence quiescence;
    const auto exit_code = [&](const Capacity& capacity) {
        const auto tables = Tables::create(capacity, Keys{}, quiescence);
        return tables ? ExitCode::ok : tables.error().exit_code;
    };
    Capacity small{.mappings = 16, .sessions = 16};
    EXPECT_EQ(exit_code(small), ExitCode::ok);
    small.workers = 0;
    EXPECT_EQ(exit_code(small), ExitCode::usage);
    small.workers = kWorkersMax + 1;
    EXPECT_EQ(exit_code(small), ExitCode::usage);
    Capacity none{.mappings = 0};
    EXPECT_EQ(exit_code(none), ExitCode::usage);
    Capacity pools{.mappings = 16, .pool_addresses = kPoolAddressesMax + 1};
    EXPECT_EQ(exit_code(pools), ExitCode::usage);
    Capacity huge{.mappings = kEntriesPerOwnerMax};
    EXPECT_EQ(exit_code(huge), ExitCode::usage);
}

TEST(TablesPool, HoldsAsManyAddressesAsItHasSlots) {
    NatRig rig{{.pool_addresses = 2, .pool = {"203.0.113.1", "203.0.113.2"}}};
    const std::vector<Ipv4Address> three = {address("203.0.113.1"), address("203.0.113.2"),
                                            address("203.0.113.3")};
    const Outcome<void> bound = rig.tables->bind_pool(three);
    ASSERT_FALSE(bound.has_value());
    EXPECT_EQ(bound.error().exit_code, ExitCode::refused);
    EXPECT_TRUE(rig.is_pool(address("203.0.113.2")));  // nothing has changed
    EXPECT_FALSE(rig.is_pool(address("203.0.113.3")));
    // A slot that nothing uses is free as soon as it is given up.
    ASSERT_TRUE(rig.tables->bind_pool(std::vector{address("203.0.113.1")}).has_value());
    ASSERT_TRUE(rig.tables->bind_pool(std::vector{address("203.0.113.1"), address("203.0.113.3")})
                    .has_value());
    EXPECT_FALSE(rig.is_pool(address("203.0.113.2")));
    EXPECT_TRUE(rig.is_pool(address("203.0.113.3")));
}

TEST(TablesPool, ASlotInUseIsNotGivenAway) {
    NatRig rig{{.pool_addresses = 1}};
    Frame frame = udp({.source = "10.0.0.1"});
    ASSERT_TRUE(rig.from_inside(frame).passed());
    const std::vector<Ipv4Address> other = {address("203.0.113.10")};
    EXPECT_FALSE(rig.tables->bind_pool(other).has_value());
    ASSERT_TRUE(rig.tables->bind_pool(std::vector<Ipv4Address>{}).has_value());
    EXPECT_FALSE(rig.tables->bind_pool(other).has_value());  // still drains
    rig.expire(20);
    EXPECT_TRUE(rig.tables->bind_pool(other).has_value());
}

TEST(TablesPool, AddingAnAddressMovesFewInsideAddresses) {
    NatRig rig{{.pool = {"203.0.113.1", "203.0.113.2", "203.0.113.3"}}};
    std::vector<PoolSlot> before;
    for (std::uint32_t host = 0; host < 4000; ++host) {
        before.push_back(rig.tables->pool().paired_slot(Ipv4Address{0x0A000000U + host}));
    }
    rig.rebind({"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"});
    std::size_t moved = 0;
    for (std::uint32_t host = 0; host < 4000; ++host) {
        moved += rig.tables->pool().paired_slot(Ipv4Address{0x0A000000U + host}) != before[host]
                     ? 1U
                     : 0U;
    }
    EXPECT_NEAR(static_cast<double>(moved), 1000, 150);
}

TEST(Stream, N4_LostEventsAreSaidAgain) {
    NatRig rig{{.mappings = 20000}};
    constexpr std::uint32_t kMade = 9000;  // more than the ring holds
    for (std::uint32_t count = 0; count < kMade; ++count) {
        Frame frame =
            udp({.source = "10.0.0.1", .source_port = static_cast<std::uint16_t>(2000 + count)});
        ASSERT_TRUE(rig.from_inside(frame).passed());
    }
    EventRing& events = rig.states[0]->events();
    EXPECT_EQ(events.lost.value(), kMade - EventRing::kCapacity);
    std::set<Endpoint> known;
    bool is_complete = false;
    for (int turn = 0; turn < 40 && !is_complete; ++turn) {
        expire_slice(*rig.states[0], rig.now, 500);
        for (MappingEvent event; events.pop(event);) {
            if (event.kind == MappingEventKind::resync_begin) {
                known.clear();
            } else if (event.kind == MappingEventKind::resync_end) {
                is_complete = true;
            } else if (event.kind == MappingEventKind::ended) {
                known.erase(event.inside);
            } else {
                known.insert(event.inside);
            }
        }
    }
    EXPECT_TRUE(is_complete);
    EXPECT_EQ(known.size(), kMade);
    EXPECT_EQ(rig.states[0]->counters().resyncs.value(), 1U);
}

TEST(Stream, TellsCreationAndEnd) {
    NatRig rig;
    Frame frame = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(frame).passed());
    rig.advance(125s);
    MappingEvent event;
    ASSERT_TRUE(rig.states[0]->events().pop(event));
    EXPECT_EQ(event.kind, MappingEventKind::created);
    EXPECT_EQ(event.inside, (Endpoint{address("10.0.0.1"), Port{5000}}));
    EXPECT_EQ(event.outside, (Endpoint{address("203.0.113.9"), Port{5000}}));
    EXPECT_EQ(event.protocol, Protocol::udp);
    ASSERT_TRUE(rig.states[0]->events().pop(event));
    EXPECT_EQ(event.kind, MappingEventKind::ended);
    EXPECT_FALSE(rig.states[0]->events().pop(event));
}

TEST(Queries, LookUpAndPage) {
    NatRig rig;
    for (std::uint16_t port = 0; port < 25; ++port) {
        Frame frame =
            udp({.source = "10.0.0.1", .source_port = static_cast<std::uint16_t>(5000 + port)});
        ASSERT_TRUE(rig.from_inside(frame).passed());
    }
    rig.advance(10s);
    const auto view = rig.lookup(Protocol::udp, "10.0.0.1", 5003);
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->outside, (Endpoint{address("203.0.113.9"), Port{5003}}));
    EXPECT_EQ(view->idle_s, 10U);
    EXPECT_EQ(view->age_s, 10U);
    EXPECT_FALSE(rig.lookup(Protocol::tcp, "10.0.0.1", 5003).has_value());
    std::set<Endpoint> listed;
    std::array<MappingView, 10> page;
    std::uint32_t cursor = 0;
    int pages = 0;
    do {
        const Page result = rig.states[0]->list(cursor, page, rig.now);
        for (std::size_t row = 0; row < result.count; ++row) {
            listed.insert(page[row].inside);
        }
        cursor = result.cursor;
        ++pages;
    } while (cursor != 0);
    EXPECT_EQ(listed.size(), 25U);
    EXPECT_EQ(pages, 3);
}

TEST(Wheel, LooksAtEachEntryInItsSecondAndStopsForNoClock) {
    std::vector<Mapping> entries(10);
    TimerWheel<Mapping> wheel;
    ASSERT_EQ(wheel.pop_due(entries.data(), 1000), kNoEntry);
    wheel.schedule(entries.data(), 1, 1000, 5);
    wheel.schedule(entries.data(), 2, 1000, 9999);  // beyond the horizon
    EXPECT_EQ(wheel.pop_due(entries.data(), 1004), kNoEntry);
    EXPECT_EQ(wheel.pop_due(entries.data(), 900), kNoEntry);  // a clock that steps back
    EXPECT_EQ(wheel.pop_due(entries.data(), 1005), 1U);
    EXPECT_EQ(wheel.pop_due(entries.data(), 1249), kNoEntry);
    EXPECT_EQ(wheel.pop_due(entries.data(), 1250), 2U);
    wheel.schedule(entries.data(), 3, 1250, 100);
    wheel.cancel(entries.data(), 3);
    EXPECT_EQ(wheel.pop_due(entries.data(), 99999), kNoEntry);
}

TEST(Wheel, ALateCallerIsNotKeptBusyByOneEntry) {
    std::vector<Mapping> entries(4);
    TimerWheel<Mapping> wheel;
    wheel.schedule(entries.data(), 1, 1000, 250);
    int looks = 0;
    while (wheel.pop_due(entries.data(), 1063) == 1U) {
        wheel.schedule(entries.data(), 1, 1063, 250);
        ASSERT_LT(++looks, 3);
    }
    EXPECT_EQ(wheel.pop_due(entries.data(), 1312), kNoEntry);
    EXPECT_EQ(wheel.pop_due(entries.data(), 1313), 1U);
}

TEST(Identification, AtomicPacketsKeepTheirsOthersGetAFreshOne) {  // K-6864b
    NatRig rig;
    Frame atomic = udp({.source = "10.0.0.1", .identification = 77, .dont_fragment = true});
    ASSERT_TRUE(rig.from_inside(atomic).passed());
    EXPECT_EQ(atomic.ipv4().identification, be16{77});
    std::set<std::uint16_t> given;
    for (const std::string_view host : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
        Frame frame = udp({.source = host, .identification = 77});
        ASSERT_TRUE(rig.from_inside(frame).passed());
        EXPECT_TRUE(checksums_are_valid(frame));
        given.insert(frame.ipv4().identification.host());
    }
    EXPECT_EQ(given.size(), 3U);
}

}  // namespace
}  // namespace towpath::nat
