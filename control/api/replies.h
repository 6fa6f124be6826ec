// SPDX-License-Identifier: BSD-3-Clause
// What handlers of the API answer with, and what they read of a question. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/api/http.h"
#include "control/api/render.h"
#include "dataplane/wire/result.h"

namespace towpath::control::api {

[[nodiscard]] Response reply(const boost::json::object& object, unsigned status = 200);
// An object with the sentence as its "error".
[[nodiscard]] Response refusal(unsigned status, const std::string& sentence);
// 503 if the data plane cannot be reached, else 500.
[[nodiscard]] Response refusal(const Failure& failure);

// With "schema" in front.
[[nodiscard]] boost::json::object merged(const boost::json::object& object);

template <class Model>
[[nodiscard]] boost::json::array list(const std::vector<Model>& models) {
    boost::json::array array;
    for (const Model& model : models) {
        array.push_back(to_json(model));
    }
    return array;
}

// A value of the query; `missing` if it is not there, nothing if it is no number.
[[nodiscard]] std::optional<std::uint64_t> number(const Request& request, const std::string& name,
                                                  std::uint64_t missing);

}  // namespace towpath::control::api
