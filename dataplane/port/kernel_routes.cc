// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/kernel_routes.h"

#include <bit>
#include <cstdint>
#include <fstream>
#include <sstream>

namespace towpath::port {

std::string to_string(const KernelRoute& route) {
    const std::string to = towpath::to_string(route.to);
    return route.via.is_unspecified() ? to + " on the link"
                                      : to + " via " + towpath::to_string(route.via);
}

std::vector<KernelRoute> kernel_routes_of(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream{"/proc/thread-self/net/route"}.rdbuf();
    return parse_kernel_routes(name, text.str());
}

std::vector<KernelRoute> parse_kernel_routes(const std::string& name, std::string_view text) {
    std::vector<KernelRoute> routes;
    std::istringstream lines{std::string{text}};
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream fields{line};
        std::string device;
        std::uint32_t to = 0;
        std::uint32_t via = 0;
        std::uint32_t mask = 0;
        std::string skipped;
        fields >> device >> std::hex >> to >> via;
        for (int field = 0; field < 4; ++field) {  // flags, references, use, metric
            fields >> skipped;
        }
        // Numbers are the bytes of the wire, read as one of this machine.
        if (device == name && fields >> mask) {
            const auto length = static_cast<std::uint8_t>(std::popcount(mask));
            routes.push_back({Ipv4Prefix{Ipv4Address{be32::from_raw(to)}, length},
                              Ipv4Address{be32::from_raw(via)}});
        }
    }
    return routes;
}

}  // namespace towpath::port
