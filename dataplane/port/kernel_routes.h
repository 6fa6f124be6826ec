// SPDX-License-Identifier: BSD-3-Clause
// IPv4 routes that the kernel's main table has through a netdev: what an operator loses when the
// addresses of that netdev are adopted (decisions.md N9). Read only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/wire/address.h"

namespace towpath::port {

struct KernelRoute {
    Ipv4Prefix to;
    Ipv4Address via;  // unspecified: on the link
    friend bool operator==(const KernelRoute&, const KernelRoute&) noexcept = default;
};

// "0.0.0.0/0 via 192.0.2.1".
[[nodiscard]] std::string to_string(const KernelRoute& route);
// Of the network namespace of the calling thread.
[[nodiscard]] std::vector<KernelRoute> kernel_routes_of(const std::string& name);
// The text of /proc/net/route (proc(5)). Lines that are none are left out.
[[nodiscard]] std::vector<KernelRoute> parse_kernel_routes(const std::string& name,
                                                           std::string_view text);

}  // namespace towpath::port
