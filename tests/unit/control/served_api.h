// SPDX-License-Identifier: BSD-3-Clause
// An API served on a Unix socket and a TCP port of this machine, by a thread of its own, from a
// fake model; and raw clients of it.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "control/api/api_server.h"
#include "tests/builders/fake_api_model.h"

namespace towpath::control {

class ServedApi : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "towpath-api-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        socket_path_ = folder_ / "api.sock";
        tests::fill_with_examples(model_);
        const Endpoint any_port{*parse_ipv4_address("127.0.0.1"), Port{0}};
        auto server = api::ApiServer::start(loop_, model_, {socket_path_, any_port});
        ASSERT_TRUE(server.has_value()) << server.error().sentence;
        server_.emplace(std::move(*server));
        thread_ = std::thread{[this] { loop_.run(); }};
    }

    void TearDown() override {
        loop_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
        server_.reset();
        std::filesystem::remove_all(folder_);
    }

    // Connected, with a time-out that fails a test instead of hanging it; -1 if nobody answers.
    [[nodiscard]] int connected() const {
        const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket_path_.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
        const timeval patience{5, 0};
        ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            ::close(client);
            return -1;
        }
        return client;
    }

    // Everything the server says to these bytes until it closes.
    [[nodiscard]] std::string said_to(std::string_view bytes) const {
        const int client = connected();
        // A server that refuses stops reading; what it says still counts.
        for (std::size_t sent = 0; sent < bytes.size();) {
            const ::ssize_t count =
                ::send(client, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) {
                break;
            }
            sent += static_cast<std::size_t>(count);
        }
        ::shutdown(client, SHUT_WR);
        std::string said = read_to_end(client);
        ::close(client);
        return said;
    }

    static std::string read_to_end(int client) {
        std::string said;
        std::array<char, 4096> part{};
        for (::ssize_t count = 0; (count = ::recv(client, part.data(), part.size(), 0)) > 0;) {
            said.append(part.data(), static_cast<std::size_t>(count));
        }
        return said;
    }

    // The body of a response, from what was said.
    static std::string body_of(const std::string& said) {
        const std::size_t end = said.find("\r\n\r\n");
        return end == std::string::npos ? std::string{} : said.substr(end + 4);
    }

    [[nodiscard]] std::string get(std::string_view target) const {
        return said_to("GET " + std::string{target} +
                       " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    }

    boost::asio::io_context loop_;
    tests::FakeApiModel model_{loop_};
    std::filesystem::path folder_;
    std::filesystem::path socket_path_;
    std::optional<api::ApiServer> server_;
    std::thread thread_;
};

}  // namespace towpath::control
