// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/action.h"

#include <utility>

#include "dataplane/crypto/hash.h"

namespace towpath::control::wireguard {

void append(ActionList& out, Action action) {
    out.push_back(std::move(action));
}

std::uint32_t endpoint_generation(const IpEndpoint& endpoint) noexcept {
    if (endpoint.is_none()) {
        return 0;
    }
    const be16 port = endpoint.port.wire();
    const crypto::Hash hash =
        crypto::hash({endpoint.address.bytes(), std::as_bytes(std::span{&port, 1})});
    std::uint32_t generation = 0;
    std::memcpy(&generation, hash.data(), sizeof generation);
    return generation == 0 ? 1 : generation;
}

}  // namespace towpath::control::wireguard
