// SPDX-License-Identifier: BSD-3-Clause
// What the data plane last said about itself, kept as totals and rates. Pure: fed with answers and
// the time, read by the API. Forgotten when the data plane is another process, so that a rate never
// spans two of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/api_model.h"
#include "dataplane/contract/messages.h"
#include "dataplane/contract/world_state.h"
#include "dataplane/wire/now.h"

namespace towpath::control {

class Snapshot {
public:
    void on(const contract::StatusReply& reply);
    // One per worker; totals move when the last of a round is in.
    void on(const contract::CountersReply& reply, Now now);
    void on(const contract::ReasonsReply& reply);
    void on(const contract::InterfacesReply& reply);
    void on(const contract::LinkChange& change);
    void on(const contract::EventBatch& batch);
    void forget() { *this = Snapshot{}; }

    // Only what the data plane reports; the rest of the model is the caller's.
    void fill(StatusModel& model) const;
    // Names and MTU as it was started, roles and addresses as they are applied.
    [[nodiscard]] std::vector<InterfaceModel> interfaces(
        const std::optional<contract::StartSettings>& running,
        const std::optional<contract::World>& applied) const;
    // Reasons that have dropped at least one packet, most first.
    [[nodiscard]] std::vector<DropModel> drops() const;
    [[nodiscard]] std::vector<StageModel> stages() const;
    [[nodiscard]] const TotalsModel& totals() const noexcept { return totals_; }
    [[nodiscard]] bool has_reasons() const noexcept { return !reasons_.empty(); }

private:
    struct Sums {
        std::array<std::uint64_t, contract::kReasonsMax> drops{};
        std::array<contract::StageRow, contract::kStagesMax> stages{};
        std::array<contract::InterfaceRow, contract::kPortsMax> interfaces{};
        Now when{};
    };
    void finish_round(Now now);

    contract::StatusReply status_;
    std::vector<contract::CountersReply> round_;  // of the workers that have answered
    std::vector<CoreStatus> cores_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> times_;  // busy and all, ns; by worker
    Sums now_;
    std::optional<Sums> before_;
    TotalsModel totals_;
    std::vector<contract::ReasonRow> reasons_;
    std::vector<contract::PortRow> ports_;
};

// A mapping as the API shows it.
[[nodiscard]] MappingModel mapping_model(const contract::MappingRow& row);
// Of a mapping that was found, with its remotes.
[[nodiscard]] MappingModel mapping_model(const contract::NatLookupReply& reply);
[[nodiscard]] PortUsageModel port_usage_model(const contract::PortUsageRow& row);
// Interfaces have the names that they were started with.
[[nodiscard]] NeighborModel neighbor_model(const contract::NeighborRow& row,
                                           const std::optional<contract::StartSettings>& running);

}  // namespace towpath::control
