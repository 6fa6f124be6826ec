// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a wg-quick file: never a crash, every finding is one line at a place of the file,
// and what was accepted is what a Tunnel may hold.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/tunnel_scalar.h"
#include "config/wg_quick.h"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    using namespace towpath::config;  // NOLINT(google-build-using-namespace)
    const std::string_view text{reinterpret_cast<const char*>(data), size_bytes};
    const WgQuickFile file = parse_wg_quick(text);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const Diagnostic& diagnostic : file.diagnostics) {
        require(!diagnostic.text.empty() && diagnostic.text.find('\n') == std::string::npos);
        require(diagnostic.position.line <= lines);
    }
    for (const auto& [path, position] : file.locations) {
        require(!path.empty() && position.line >= 1 && position.line <= lines);
    }
    require(file.tunnel.listen_port != 0);
    require(file.tunnel.mtu_bytes == 0 || file.tunnel.mtu_bytes >= 576);
    using towpath::IpFamily;
    for (const Peer& peer : file.tunnel.peers) {
        const auto again = parse_key(to_base64(peer.public_key));
        require(again && *again == peer.public_key);
        require(!peer.endpoint || peer.endpoint->port != 0);
        require(!peer.endpoint || peer.endpoint->name.empty() != peer.endpoint->address.is_none());
        for (const towpath::IpPrefix& prefix : peer.allowed_ips) {
            require(prefix.length() <= towpath::address_bits(prefix.family()));
            require(prefix.family() != IpFamily::none);
        }
    }
    return 0;
}
