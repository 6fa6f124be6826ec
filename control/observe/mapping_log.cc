// SPDX-License-Identifier: BSD-3-Clause
#include "control/observe/mapping_log.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <ctime>

namespace towpath::control {
namespace {

using namespace contract;

std::string_view name_of(EventKind kind) noexcept {
    constexpr std::array<std::string_view, static_cast<std::size_t>(EventKind::count)> names = {
        "created", "ended", "resync-begin", "exists", "resync-end"};
    return names[std::min(static_cast<std::size_t>(kind), names.size() - 1)];
}

std::string_view name_of(MappingKind kind) noexcept {
    return kind == MappingKind::udp ? "udp" : kind == MappingKind::tcp ? "tcp" : "icmp";
}

std::string utc_text(std::int64_t utc_s) {
    const auto seconds = static_cast<std::time_t>(utc_s);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// What the stamp of an event was on people's clock. The data plane's clock runs on the counter of
// the CPU and may be a little ahead of ours: nothing happens in the future.
std::int64_t utc_of(std::uint64_t time_ms, LogMoment moment) noexcept {
    const auto now_s =
        std::chrono::duration_cast<std::chrono::seconds>(moment.now.time_since_epoch()).count();
    const auto age_s = now_s - static_cast<std::int64_t>(time_ms / 1000);
    return moment.utc_s - std::max<std::int64_t>(age_s, 0);
}

std::string endpoint_fields(std::string_view side, const EndpointField& endpoint) {
    const std::string name{side};
    return ",\"" + name + "_ip\":\"" + to_string(endpoint.address) + "\",\"" + name +
           "_port\":" + std::to_string(endpoint.port.number());
}

}  // namespace

MappingLog::MappingLog(std::string_view instance)
    : instance_{boost::json::serialize(boost::json::value(boost::json::string_view(instance)))} {}

std::string MappingLog::opening(std::string_view event, std::int64_t utc_s) {
    return "{\"ts\":\"" + utc_text(utc_s) + "\",\"event\":\"" + std::string{event} +
           "\",\"inst\":" + instance_ + ",\"seq\":" + std::to_string(++sequence_);
}

std::string MappingLog::gap(std::uint64_t missing, LogMoment moment) {
    return opening("gap", moment.utc_s) + ",\"missing\":" + std::to_string(missing) + "}\n";
}

std::string MappingLog::line_of(const EventRow& row, LogMoment moment) {
    std::string line = opening(name_of(row.kind), utc_of(row.time_ms, moment));
    if (row.kind == EventKind::begin || row.kind == EventKind::end) {
        line += ",\"worker\":" + std::to_string(row.worker);
    } else {
        line += ",\"proto\":\"" + std::string{name_of(row.mapping)} + "\"" +
                (row.is_tracked != 0 ? ",\"kind\":\"tracked\"" : "") +
                endpoint_fields("int", row.inside) + endpoint_fields("ext", row.outside);
    }
    return line + "}\n";
}

void MappingLog::on(const EventBatch& batch, LogMoment moment, std::vector<std::string>& lines) {
    if (batch.lost > lost_) {
        lines.push_back(gap(batch.lost - lost_, moment));
    }
    lost_ = batch.lost;
    for (std::size_t i = 0; i < batch.count; ++i) {
        lines.push_back(line_of(batch.rows[i], moment));
    }
}

}  // namespace towpath::control
