// SPDX-License-Identifier: BSD-3-Clause
// One connection of the HTTP server: reads requests, one at a time, within the limits of
// http_server.h, asks the handler, writes what it says. Lives as long as it has something to do.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <functional>

#include "control/api/http.h"

namespace towpath::control::api {

// `ended` is called once, when the connection is over. An unwelcome one is told 503 and closed.
void start_session(boost::asio::generic::stream_protocol::socket socket, bool is_welcome,
                   Handler handler, std::function<void()> ended);

}  // namespace towpath::control::api
