// SPDX-License-Identifier: BSD-3-Clause
// Looks host names up without holding the event loop. As many look-ups at once as there are names;
// the caller limits how often it asks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <string>

#include "dataplane/wire/ip_address.h"

namespace towpath::control {

class NameResolver {
public:
    explicit NameResolver(boost::asio::io_context& loop) : resolver_{loop} {}

    // Calls `done` later with the first address of the name, of no family if it has none.
    void resolve(const std::string& name, std::function<void(IpAddress)> done);
    // Nothing is called any more.
    void stop() { resolver_.cancel(); }

private:
    boost::asio::ip::udp::resolver resolver_;
};

}  // namespace towpath::control
