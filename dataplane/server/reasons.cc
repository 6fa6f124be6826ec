// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/server/reasons.h"

#include <array>
#include <string_view>

#include "dataplane/packet/drop_reason.h"
#include "dataplane/packet/packet.h"

namespace towpath::server {
namespace {

// Lanes that a stage consumes, in the order of Lane: those before the exits.
constexpr std::array<std::string_view, static_cast<std::size_t>(Lane::transmit)> kStageNames = {
    "parse",        "arp",        "fragment",  "classify",   "nat_inbound", "route",
    "nat_outbound", "icmp_error", "link",      "reassemble", "open",        "seal",
    "underlay",     "parse6",     "neighbor6", "forward6",   "icmp6_error", "link6",
};
static_assert(!kStageNames.back().empty(), "every lane before the exits has a name");
static_assert(kDropReasonCount <= contract::kReasonsMax);
static_assert(kLaneCount <= contract::kStagesMax);

}  // namespace

std::vector<contract::ReasonRow> reason_rows() {
    std::vector<contract::ReasonRow> rows;
    for (std::size_t i = 1; i < kDropReasonCount; ++i) {
        const DropReasonText& text = describe(static_cast<DropReason>(i));
        contract::ReasonRow row;
        row.index = static_cast<std::uint16_t>(i);
        row.name.set(text.name);
        row.help.set(text.help);
        rows.push_back(row);
    }
    for (std::size_t i = 0; i < kStageNames.size(); ++i) {
        contract::ReasonRow row;
        row.index = static_cast<std::uint16_t>(i);
        row.kind = contract::ReasonKind::stage;
        row.name.set(kStageNames[i]);
        rows.push_back(row);
    }
    return rows;
}

}  // namespace towpath::server
