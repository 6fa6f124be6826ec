// SPDX-License-Identifier: BSD-3-Clause
// A tunnel as stages see it: the identity's public side and whom its prefixes belong to. Published
// inside an immutable generation next to the InterfaceTable, where its addresses, MTU and state
// are; the allowed IPs behind it change while traffic flows.
#pragma once

#include <array>
#include <span>

#include "dataplane/crypto/hash.h"
#include "dataplane/packet/interface.h"
#include "dataplane/wire/address.h"

namespace towpath::wireguard {

class AllowedIps;

struct Tunnel {
    const AllowedIps* allowed_ips = nullptr;  // null: there is no such tunnel
    Port listen_port;
    bool has_identity = false;
    // H("mac1----" | our public key), wireguard.md section 5.
    crypto::Hash mac1_key{};

    [[nodiscard]] bool exists() const noexcept { return allowed_ips != nullptr; }
};

// By interface id. Every tunnel has a port of its own (decisions.md W9).
struct TunnelTable {
    std::array<Tunnel, kInterfacesMax> storage{};

    [[nodiscard]] const Tunnel& operator[](InterfaceId id) const noexcept {
        return storage[static_cast<std::size_t>(id)];
    }
    // kNoInterface: no tunnel listens there.
    [[nodiscard]] InterfaceId listening_on(Port port) const noexcept {
        for (std::size_t id = 0; id < storage.size(); ++id) {
            if (storage[id].exists() && storage[id].listen_port == port) {
                return static_cast<InterfaceId>(id);
            }
        }
        return kNoInterface;
    }
};

}  // namespace towpath::wireguard
