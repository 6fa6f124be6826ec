// SPDX-License-Identifier: BSD-3-Clause
// The operator's face of the control process: the API on a Unix socket and, if configured, the
// Prometheus page on a TCP address. The only header of this folder that the rest of control needs.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "control/api/http_server.h"
#include "control/api_model.h"

namespace towpath::control::api {

struct ApiRequest {
    std::string socket_path;
    std::optional<Endpoint> metrics;
};

class ApiServer {
public:
    // The model must outlive the server. Fails with address_in_use, no_permission or failed.
    static Outcome<ApiServer> start(boost::asio::io_context& loop, ApiModel& model,
                                    const ApiRequest& request);

    [[nodiscard]] const HttpServer& api() const { return *api_; }
    [[nodiscard]] const HttpServer* metrics() const { return metrics_.get(); }

private:
    ApiServer() = default;
    std::unique_ptr<HttpServer> api_;
    std::unique_ptr<HttpServer> metrics_;
};

}  // namespace towpath::control::api
