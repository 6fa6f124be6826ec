// SPDX-License-Identifier: BSD-3-Clause
// The NAT log as lines of JSON: who had which outside endpoint, and when (nat-behaviour.md 17.1 and
// 17.5). One line per creation and end of a mapping, never a destination (C-12). Pure: fed with the
// event stream (decisions.md N4) and the time; writing is somebody else's.
//
//   {"ts":"2026-11-21T13:20:00Z","event":"created","inst":"towpath","seq":7,"proto":"udp",
//    "int_ip":"10.77.1.11","int_port":4000,"ext_ip":"192.0.2.10","ext_port":4000}
//
// What a stateful tunnel remembers without translating it (decisions.md W13) has "kind":"tracked"
// behind its protocol, and its own endpoint as the outside one.
//
// `event` is created, ended, or exists: what lives when the log begins or after a loss, between
// resync-begin and resync-end of its worker. gap says how many records are missing. `seq` counts
// every record of this process, written or not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/messages.h"
#include "dataplane/wire/now.h"

namespace towpath::control {

// One moment on both clocks: the monotonic one, which stamps events, and that of people.
struct LogMoment {
    Now now{};
    std::int64_t utc_s = 0;  // since 1970-01-01T00:00:00Z
};

class MappingLog {
public:
    explicit MappingLog(std::string_view instance);

    // Appends what a batch says, a gap first if events were lost before it. Lines end with \n.
    void on(const contract::EventBatch& batch, LogMoment moment, std::vector<std::string>& lines);
    // A batch that nobody wanted logged: its losses are not ours.
    void pass_over(const contract::EventBatch& batch) noexcept { lost_ = batch.lost; }
    // `missing` records were made and could not be written.
    [[nodiscard]] std::string gap(std::uint64_t missing, LogMoment moment);
    // Another data plane: its losses are counted from zero.
    void forget() noexcept { lost_ = 0; }

private:
    [[nodiscard]] std::string opening(std::string_view event, std::int64_t utc_s);
    [[nodiscard]] std::string line_of(const contract::EventRow& row, LogMoment moment);

    std::string instance_;  // quoted
    std::uint64_t sequence_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace towpath::control
