// SPDX-License-Identifier: BSD-3-Clause
// One HTTP exchange as values: what handlers take and give. Knows no socket and no library.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace towpath::control::api {

struct Request {
    std::string method;                        // GET, POST
    std::string path;                          // "/v1/status", decoded
    std::map<std::string, std::string> query;  // decoded
    std::string body;
    bool is_owner = false;  // asked over the Unix socket by root, or by who runs this process
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
};

// Called once, at once or later, on the thread of the event loop.
using Respond = std::function<void(Response)>;
using Handler = std::function<void(const Request&, Respond)>;

// "/v1/nat/lookup?endpoint=192.0.2.10%3A40000" into path and query; false if an escape is broken.
[[nodiscard]] bool parse_target(std::string_view target, Request& request);

}  // namespace towpath::control::api
