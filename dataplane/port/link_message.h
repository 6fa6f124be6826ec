// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says about its links over rtnetlink (RTM_NEWLINK, RTM_DELLINK), decoded from
// bytes. Pure: no socket. Attributes that are not needed are skipped, whatever they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/wire/address.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

struct LinkState {
    std::uint32_t index = 0;
    std::string name;
    MacAddress mac;  // zero for a link without one
    std::uint32_t mtu_bytes = 0;
    bool is_up = false;  // administratively up, with carrier

    friend bool operator==(const LinkState&, const LinkState&) = default;
};

struct LinkMessage {
    // interrupted: links changed while a dump ran, so it has holes. refused: no dump was begun.
    // Both mean: ask again.
    enum class Kind : std::uint8_t { present, removed, dump_end, interrupted, refused };
    Kind kind = Kind::present;
    LinkState link;  // of present and removed
};

// Decodes one datagram. Messages of other types are left out. truncated or bad_length when a header
// or an attribute does not fit; what came before it is lost too, so the caller asks for a dump.
[[nodiscard]] Result<std::vector<LinkMessage>> parse_link_messages(
    std::span<const std::byte> datagram);

}  // namespace towpath::port
