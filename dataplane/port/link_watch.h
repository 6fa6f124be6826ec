// SPDX-License-Identifier: BSD-3-Clause
// Watches the links of the network namespace in which it was opened (decisions.md N12). Run on a
// thread of its own that is no worker; it allocates. What it reports, and only that, is in
// link_table.h.
#pragma once

#include <functional>
#include <memory>

#include "dataplane/port/link_table.h"
#include "dataplane/wire/result.h"

struct mnl_socket;

namespace towpath::port {

class LinkWatch {
public:
    using Callback = std::function<void(const LinkEvent&)>;

    [[nodiscard]] static Outcome<LinkWatch> open();

    // Reports every link as appeared, then what changes, until `stop_descriptor` is readable. Calls
    // back on the calling thread. Lost messages are made up for by a new list. Fails when the
    // kernel closes the socket.
    [[nodiscard]] Outcome<void> run(int stop_descriptor, const Callback& callback);

private:
    struct CloseSocket {
        void operator()(mnl_socket* socket) const noexcept;
    };
    using Socket = std::unique_ptr<mnl_socket, CloseSocket>;
    explicit LinkWatch(Socket socket) noexcept : socket_{std::move(socket)} {}

    [[nodiscard]] bool request_dump();
    // One datagram. False when another dump is needed.
    [[nodiscard]] bool take(const Callback& callback);

    Socket socket_;
    LinkTable table_;
    bool is_broken_ = false;
    bool is_dumping_ = false;
    bool needs_dump_ = false;  // once the running one has ended
};

}  // namespace towpath::port
