// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/api_server.h"

#include "control/api/routes.h"

namespace towpath::control::api {

Outcome<ApiServer> ApiServer::start(boost::asio::io_context& loop, ApiModel& model,
                                    const ApiRequest& request) {
    ApiServer server;
    auto api = HttpServer::listen_unix(
        loop, request.socket_path,
        [&model](const Request& asked, const Respond& respond) { answer(model, asked, respond); });
    if (!api) {
        return tl::unexpected{api.error()};
    }
    server.api_ = std::move(*api);
    if (request.metrics) {
        auto metrics = HttpServer::listen_tcp(
            loop, *request.metrics, [&model](const Request& asked, const Respond& respond) {
                answer_metrics(model, asked, respond);
            });
        if (!metrics) {
            return tl::unexpected{metrics.error()};
        }
        server.metrics_ = std::move(*metrics);
    }
    return server;
}

}  // namespace towpath::control::api
