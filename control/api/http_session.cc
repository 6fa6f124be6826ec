// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/http_session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "control/api/http_server.h"

namespace towpath::control::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using beast::error_code;

// What a broken request is told; unset if the other side is simply gone.
std::optional<Response> answer_to(const error_code& error) {
    const auto told = [](unsigned status, std::string_view why) {
        return Response{status, "application/json",
                        R"({"schema":1,"error":")" + std::string{why} + "\"}"};
    };
    if (error == http::error::body_limit) {
        return told(413, "the request is larger than 1 MiB");
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return told(431, "the request's header is larger than 8 KiB");
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == beast::error::timeout ||
        error.category() != http::make_error_code(http::error::bad_target).category()) {
        return std::nullopt;
    }
    return told(400, "not HTTP/1.1");
}

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(asio::generic::stream_protocol::socket socket, Handler handler,
            std::function<void()> ended)
        : stream_{std::move(socket)}, handler_{std::move(handler)}, ended_{std::move(ended)} {}
    ~Session() { ended_(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void refuse() {
        write({503, "application/json",
               R"({"schema":1,"error":"too many connections: 32 are served at once"})"},
              true);
    }

    void read() {
        parser_.emplace();
        parser_->header_limit(kHeaderBytesMax);
        parser_->body_limit(kBodyBytesMax);
        stream_.expires_after(kIdle);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](const error_code& error, std::size_t) {
                             self->on_read(error);
                         });
    }

private:
    void on_read(const error_code& error) {
        if (error) {
            if (auto answer = answer_to(error)) {
                write(std::move(*answer), true);
            }
            return;
        }
        const auto message = parser_->release();
        const bool is_last = !message.keep_alive();
        Request request;
        request.method = std::string{message.method_string()};
        request.body = message.body();
        request.is_owner = is_owner();
        if (!parse_target({message.target().data(), message.target().size()}, request)) {
            write({400, "application/json", R"({"schema":1,"error":"the target is not a URL"})"},
                  is_last);
            return;
        }
        handler_(request, [self = shared_from_this(), is_last](Response response) {
            self->write(std::move(response), is_last);
        });
    }

    // Only a Unix socket knows who is at its other end; of TCP it is nobody.
    bool is_owner() {
        ::ucred other{};
        ::socklen_t length = sizeof(other);
        return ::getsockopt(stream_.socket().native_handle(), SOL_SOCKET, SO_PEERCRED, &other,
                            &length) == 0 &&
               (other.uid == 0 || other.uid == ::geteuid());
    }

    void write(Response response, bool is_last) {
        response_ = {};
        response_.version(11);
        response_.result(response.status);
        response_.set(http::field::content_type, response.content_type);
        response_.keep_alive(!is_last);
        response_.body() = std::move(response.body);
        response_.prepare_payload();
        stream_.expires_after(kIdle);
        http::async_write(
            stream_, response_,
            [self = shared_from_this(), is_last](const error_code& error, std::size_t) {
                if (!error && !is_last) {
                    self->read();
                } else {
                    self->finish();
                }
            });
    }

    // What was refused may still be arriving; closing on it would take our answer back with a
    // reset. So it is read away, for a while.
    void finish() {
        error_code ignored;
        stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
        stream_.expires_after(kLinger);
        drain(kDrainBytesMax);
    }

    void drain(std::size_t bytes_left) {
        stream_.async_read_some(
            asio::buffer(discarded_),
            [self = shared_from_this(), bytes_left](const error_code& error, std::size_t got) {
                if (!error && got < bytes_left) {
                    self->drain(bytes_left - got);
                }
            });
    }

    static constexpr std::chrono::seconds kLinger{2};
    static constexpr std::size_t kDrainBytesMax = 16U << 20U;

    std::array<char, 4096> discarded_{};
    beast::basic_stream<asio::generic::stream_protocol> stream_;
    beast::flat_buffer buffer_{kHeaderBytesMax + 65536};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
    Handler handler_;
    std::function<void()> ended_;
};

}  // namespace

void start_session(asio::generic::stream_protocol::socket socket, bool is_welcome, Handler handler,
                   std::function<void()> ended) {
    const auto session =
        std::make_shared<Session>(std::move(socket), std::move(handler), std::move(ended));
    if (is_welcome) {
        session->read();
    } else {
        session->refuse();
    }
}

}  // namespace towpath::control::api
