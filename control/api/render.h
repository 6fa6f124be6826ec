// SPDX-License-Identifier: BSD-3-Clause
// The model as JSON: the documented shapes of the API, each with "schema": 1 at the top. Names of
// fields end in their unit. Pure.
#pragma once

#include <boost/json/object.hpp>

#include "control/api_model.h"

namespace towpath::control::api {

[[nodiscard]] boost::json::object to_json(const StatusModel& status);
[[nodiscard]] boost::json::object to_json(const InterfaceModel& interface);
[[nodiscard]] boost::json::object to_json(const RouteModel& route);
[[nodiscard]] boost::json::object to_json(const DropModel& drop);
[[nodiscard]] boost::json::object to_json(const StageModel& stage);
[[nodiscard]] boost::json::object to_json(const TotalsModel& totals);
[[nodiscard]] boost::json::object to_json(const MappingModel& mapping);
[[nodiscard]] boost::json::object to_json(const RemoteModel& remote);
[[nodiscard]] boost::json::object to_json(const PortUsageModel& usage);
[[nodiscard]] boost::json::object to_json(const NeighborModel& neighbor);
[[nodiscard]] boost::json::object to_json(const TunnelModel& tunnel);
[[nodiscard]] boost::json::object to_json(const PeerModel& peer);
[[nodiscard]] boost::json::object to_json(const TunnelKeysModel& tunnel);
[[nodiscard]] boost::json::object to_json(const ReloadResult& result);
[[nodiscard]] boost::json::object to_json(const CheckResult& result);

[[nodiscard]] std::string_view to_string(DataplaneLink link) noexcept;

// An object that begins with "schema": 1.
[[nodiscard]] boost::json::object document();

}  // namespace towpath::control::api
