// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <utility>

namespace towpath::control::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using beast::error_code;

Failure failure_of(const std::string& path, const error_code& error) {
    if (error == asio::error::access_denied) {
        return {ExitCode::no_permission, path + " may not be opened: are you root?"};
    }
    if (error == beast::error::timeout) {
        return {ExitCode::unreachable, "towpath-control does not answer on " + path};
    }
    return {ExitCode::unreachable,
            "towpath-control is not reachable on " + path + ": " + error.message()};
}

}  // namespace

Outcome<Answer> ask(const std::string& socket_path, const std::string& method,
                    const std::string& target, const std::string& body) {
    if (socket_path.size() > 107) {
        return fail(ExitCode::usage, socket_path + " is too long for a Unix socket");
    }
    asio::io_context loop;
    beast::basic_stream<asio::local::stream_protocol> stream{loop};
    http::request<http::string_body> request;
    request.method_string(method);
    request.target(target);
    request.version(11);
    request.set(http::field::host, "towpath");
    request.keep_alive(false);
    request.body() = body;
    request.prepare_payload();

    http::response_parser<http::string_body> parser;
    constexpr std::uint64_t kAnswerBytesMax = 256ULL << 20U;
    parser.body_limit(kAnswerBytesMax);
    beast::flat_buffer buffer;
    error_code result = asio::error::operation_aborted;
    stream.expires_after(kAnswerWithin);
    stream.async_connect(
        asio::local::stream_protocol::endpoint{socket_path}, [&](const error_code& connected) {
            if (connected) {
                result = connected;
                return;
            }
            http::async_write(stream, request, [&](const error_code&, std::size_t) {
                // Also after a failed write: a server that refuses says why before it closes.
                http::async_read(stream, buffer, parser,
                                 [&](const error_code& read, std::size_t) { result = read; });
            });
        });
    loop.run();
    if (result) {
        return tl::unexpected{failure_of(socket_path, result)};
    }
    return Answer{parser.get().result_int(), std::move(parser.get().body())};
}

}  // namespace towpath::control::cli
