// SPDX-License-Identifier: BSD-3-Clause
// nat-behaviour.md 17.1, 17.5: what the NAT log says of the event stream.
#include "control/observe/mapping_log.h"

#include <gtest/gtest.h>

#include <chrono>

namespace towpath::control {
namespace {

using namespace contract;

// 10 000 s after the monotonic clock began it is 2026-11-21T13:20:00Z.
constexpr LogMoment kMoment{Now{std::chrono::seconds{10'000}}, 1'795'267'200};

EndpointField endpoint(std::string_view address, std::uint16_t port) {
    return EndpointField::of({*parse_ipv4_address(address), Port{port}});
}

EventRow row(EventKind kind, std::uint64_t time_ms = 10'000'000) {
    EventRow event;
    event.time_ms = time_ms;
    event.kind = kind;
    event.worker = 3;
    event.inside = endpoint("10.77.1.11", 4000);
    event.outside = endpoint("192.0.2.10", 40961);
    return event;
}

EventBatch batch_of(std::initializer_list<EventRow> rows, std::uint64_t lost = 0) {
    EventBatch batch;
    for (const EventRow& one : rows) {
        batch.rows[batch.count++] = one;
    }
    batch.lost = lost;
    return batch;
}

std::string all_of(MappingLog& log, const EventBatch& batch) {
    std::vector<std::string> lines;
    log.on(batch, kMoment, lines);
    std::string text;
    for (const std::string& line : lines) {
        text += line;
    }
    return text;
}

TEST(MappingLog, OneLinePerCreationAndEndWithBothEndpointsAndTheTime) {
    MappingLog log{"towpath"};
    EventRow ended = row(EventKind::deleted);
    ended.mapping = MappingKind::tcp;
    EXPECT_EQ(
        all_of(log, batch_of({row(EventKind::created), ended})),
        R"({"ts":"2026-11-21T13:20:00Z","event":"created","inst":"towpath","seq":1,"proto":"udp",)"
        R"("int_ip":"10.77.1.11","int_port":4000,"ext_ip":"192.0.2.10","ext_port":40961})"
        "\n"
        R"({"ts":"2026-11-21T13:20:00Z","event":"ended","inst":"towpath","seq":2,"proto":"tcp",)"
        R"("int_ip":"10.77.1.11","int_port":4000,"ext_ip":"192.0.2.10","ext_port":40961})"
        "\n");
}

// decisions.md W13: flows of a stateful tunnel.
TEST(MappingLog, WhatIsOnlyTrackedSaysSo) {
    MappingLog log{"towpath"};
    EventRow tracked = row(EventKind::created);
    tracked.is_tracked = 1;
    tracked.outside = tracked.inside;
    EXPECT_EQ(
        all_of(log, batch_of({tracked})),
        R"({"ts":"2026-11-21T13:20:00Z","event":"created","inst":"towpath","seq":1,"proto":"udp",)"
        R"("kind":"tracked","int_ip":"10.77.1.11","int_port":4000,)"
        R"("ext_ip":"10.77.1.11","ext_port":4000})"
        "\n");
}

TEST(MappingLog, AnOldEventKeepsItsTimeAndNoneIsInTheFuture) {
    MappingLog log{"towpath"};
    const std::string text = all_of(
        log, batch_of({row(EventKind::created, 9'940'000), row(EventKind::created, 10'002'000)}));
    EXPECT_NE(text.find(R"({"ts":"2026-11-21T13:19:00Z","event":"created")"), std::string::npos);
    EXPECT_NE(text.find(R"({"ts":"2026-11-21T13:20:00Z","event":"created")"), std::string::npos);
}

TEST(MappingLog, AResyncNamesItsWorkerAndWhatExists) {
    MappingLog log{"towpath"};
    EventRow exists = row(EventKind::exists);
    exists.mapping = MappingKind::icmp;
    const std::string text =
        all_of(log, batch_of({row(EventKind::begin), exists, row(EventKind::end)}));
    EXPECT_NE(text.find(R"("event":"resync-begin","inst":"towpath","seq":1,"worker":3})"),
              std::string::npos);
    EXPECT_NE(text.find(R"("event":"exists","inst":"towpath","seq":2,"proto":"icmp")"),
              std::string::npos);
    EXPECT_NE(text.find(R"("event":"resync-end","inst":"towpath","seq":3,"worker":3})"),
              std::string::npos);
}

TEST(MappingLog, ALossIsAGapBeforeWhatFollowsAndIsSaidOnce) {
    MappingLog log{"towpath"};
    const std::string text = all_of(log, batch_of({row(EventKind::begin)}, 5));
    EXPECT_NE(text.find(R"("event":"gap","inst":"towpath","seq":1,"missing":5})"),
              std::string::npos);
    EXPECT_LT(text.find("gap"), text.find("resync-begin"));
    EXPECT_EQ(all_of(log, batch_of({row(EventKind::end)}, 5)).find("gap"), std::string::npos);
    EXPECT_NE(all_of(log, batch_of({row(EventKind::end)}, 7)).find(R"("missing":2})"),
              std::string::npos);
}

TEST(MappingLog, LossesOfAnotherDataPlaneAndOfTheTimeWithoutALogAreNotOurs) {
    MappingLog log{"towpath"};
    log.pass_over(batch_of({}, 9));
    EXPECT_EQ(all_of(log, batch_of({row(EventKind::created)}, 9)).find("gap"), std::string::npos);
    log.forget();
    EXPECT_NE(all_of(log, batch_of({row(EventKind::created)}, 1)).find(R"("missing":1})"),
              std::string::npos);
}

TEST(MappingLog, AnInstanceNameIsQuoted) {
    MappingLog log{"a\"b"};
    EXPECT_NE(all_of(log, batch_of({row(EventKind::created)})).find(R"("inst":"a\"b")"),
              std::string::npos);
}

}  // namespace
}  // namespace towpath::control
