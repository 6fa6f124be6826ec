// SPDX-License-Identifier: BSD-3-Clause
#include "control/loop/name_resolver.h"

#include <utility>

namespace towpath::control {
namespace {

IpAddress address_of(const boost::asio::ip::address& address) {
    if (address.is_v4()) {
        return Ipv4Address{address.to_v4().to_uint()};
    }
    const auto bytes = address.to_v6().to_bytes();
    std::array<std::uint8_t, 16> copied{};
    std::copy(bytes.begin(), bytes.end(), copied.begin());
    return Ipv6Address{copied};
}

}  // namespace

void NameResolver::resolve(const std::string& name, std::function<void(IpAddress)> done) {
    using boost::asio::ip::udp;
    resolver_.async_resolve(name, "",
                            [done = std::move(done)](const boost::system::error_code& error,
                                                     const udp::resolver::results_type& results) {
                                if (error == boost::asio::error::operation_aborted) {
                                    return;
                                }
                                done(error || results.empty()
                                         ? IpAddress{}
                                         : address_of(results.begin()->endpoint().address()));
                            });
}

}  // namespace towpath::control
