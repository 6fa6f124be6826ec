// SPDX-License-Identifier: BSD-3-Clause
// What the API answers, by method and path:
//   GET  /v1/status /v1/interfaces /v1/drops /v1/version /v1/nat/ports
//        /v1/nat/mappings?cursor=&limit= /v1/routes?to=ADDRESS&limit=
//        /v1/nat/lookup?endpoint=ADDRESS:PORT&protocol= /metrics
//   POST /v1/reload /v1/check (the body is the file)
// Errors are {"schema": 1, "error": SENTENCE} with a fitting status: 400 a wrong question, 404 no
// such path, 405 wrong method, 422 a configuration that is refused, 503 no data plane.
#pragma once

#include "control/api/http.h"
#include "control/api_model.h"

namespace towpath::control::api {

inline constexpr std::uint32_t kMappingsPerPageDefault = 256;
inline constexpr std::uint32_t kMappingsPerPageMax = 1024;
inline constexpr std::uint32_t kRoutesPerAnswerDefault = 1024;
inline constexpr std::uint32_t kRoutesPerAnswerMax = 65'536;

// The model must outlive what is asked of it.
void answer(ApiModel& model, const Request& request, const Respond& respond);

// The same, but only GET /metrics: what is open over TCP.
void answer_metrics(ApiModel& model, const Request& request, const Respond& respond);

}  // namespace towpath::control::api
