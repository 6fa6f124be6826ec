// SPDX-License-Identifier: BSD-3-Clause
// The socket to the data plane: connects, tries again for ever with a bounded pause, sends in
// order, hands over whole datagrams. What they mean is not known here. Refuses a peer that is
// neither our user nor root (decisions.md N16).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "control/reconcile/diff.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {

class ContractClient {
public:
    struct Handlers {
        std::function<void()> connected;
        std::function<void(std::span<const std::byte>)> received;
        // An empty reason: stop() was called.
        std::function<void(const std::string& why)> closed;
    };
    ContractClient(boost::asio::io_context& loop, std::string path, Handlers handlers);

    // Connects and stays connected until stop().
    void start();
    void stop();
    [[nodiscard]] bool is_connected() const noexcept { return socket_.is_open(); }
    // Without a connection nothing happens. More than kQueueMax waiting: the peer does not read,
    // the connection is closed.
    void send(Datagram datagram);
    void close(const std::string& why);
    // This connection came to something: should it end, look for the next one at once. Otherwise
    // the pause grows, so that two sides that cannot agree do not argue all day.
    void settle() noexcept;

private:
    static constexpr std::size_t kQueueMax = 262'144;  // every peer of a large transaction
    // A data plane that was killed is back within some hundred milliseconds; looking often costs
    // one system call.
    static constexpr std::chrono::milliseconds kPauseFirst{10};
    static constexpr std::chrono::milliseconds kPauseMax{100};
    static constexpr std::chrono::milliseconds kArguePauseFirst{200};
    static constexpr std::chrono::milliseconds kArguePauseMax{5000};

    void try_connect();
    void try_later(std::chrono::milliseconds pause);
    void wait_readable();
    void read_all();
    void write_some();
    void forget_front();
    void forget_queue();

    boost::asio::io_context& loop_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer pause_timer_;
    std::string path_;
    Handlers handlers_;
    std::chrono::milliseconds pause_ = kPauseFirst;             // while nobody listens
    std::chrono::milliseconds argue_pause_ = kArguePauseFirst;  // after a fruitless connection
    bool is_settled_ = false;
    std::deque<Datagram> queue_;
    bool is_writing_ = false;
    bool is_stopped_ = false;
    std::uint64_t connection_ = 0;  // handlers of an older one do nothing
    std::unique_ptr<contract::MessageBuffer> buffer_ = std::make_unique<contract::MessageBuffer>();
};

}  // namespace towpath::control
