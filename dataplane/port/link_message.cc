// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/link_message.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace towpath::port {
namespace {

constexpr std::size_t align(std::size_t length_bytes) noexcept {
    return (length_bytes + 3U) & ~std::size_t{3};
}

template <class T>
std::optional<T> read(std::span<const std::byte> bytes) noexcept {
    T value{};
    if (bytes.size() < sizeof value) {
        return std::nullopt;
    }
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

void read_attribute(std::uint16_t type, std::span<const std::byte> payload, LinkState& link) {
    if (type == IFLA_IFNAME) {
        const auto* text = reinterpret_cast<const char*>(payload.data());
        link.name.assign(text, ::strnlen(text, payload.size()));
    } else if (type == IFLA_ADDRESS && payload.size() == link.mac.bytes.size()) {
        std::memcpy(link.mac.bytes.data(), payload.data(), payload.size());
    } else if (type == IFLA_MTU) {
        link.mtu_bytes = read<std::uint32_t>(payload).value_or(0);
    }
}

Result<LinkState> parse_link(std::span<const std::byte> body) {
    const auto start = read<ifinfomsg>(body);
    if (!start || start->ifi_index <= 0) {
        return tl::unexpected{start ? Error::bad_value : Error::truncated};
    }
    LinkState link;
    link.index = static_cast<std::uint32_t>(start->ifi_index);
    constexpr unsigned kUp = IFF_UP | IFF_RUNNING;
    link.is_up = (start->ifi_flags & kUp) == kUp;
    std::span<const std::byte> rest = body.subspan(std::min(align(sizeof *start), body.size()));
    while (rest.size() >= sizeof(rtattr)) {
        const rtattr attribute = *read<rtattr>(rest);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > rest.size()) {
            return tl::unexpected{Error::bad_length};
        }
        read_attribute(attribute.rta_type,
                       rest.subspan(sizeof attribute, attribute.rta_len - sizeof attribute), link);
        rest = rest.subspan(std::min(align(attribute.rta_len), rest.size()));
    }
    return link;
}

}  // namespace

Result<std::vector<LinkMessage>> parse_link_messages(std::span<const std::byte> datagram) {
    std::vector<LinkMessage> messages;
    while (!datagram.empty()) {
        const auto header = read<nlmsghdr>(datagram);
        if (!header) {
            return tl::unexpected{Error::truncated};
        }
        if (header->nlmsg_len < sizeof *header || header->nlmsg_len > datagram.size()) {
            return tl::unexpected{Error::bad_length};
        }
        const auto body = datagram.first(header->nlmsg_len).subspan(sizeof *header);
        if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
            messages.push_back({.kind = LinkMessage::Kind::interrupted, .link = {}});
        }
        if (header->nlmsg_type == RTM_NEWLINK || header->nlmsg_type == RTM_DELLINK) {
            auto link = parse_link(body);
            if (!link) {
                return tl::unexpected{link.error()};
            }
            messages.push_back({.kind = header->nlmsg_type == RTM_NEWLINK
                                            ? LinkMessage::Kind::present
                                            : LinkMessage::Kind::removed,
                                .link = std::move(*link)});
        } else if (header->nlmsg_type == NLMSG_DONE) {
            messages.push_back({.kind = LinkMessage::Kind::dump_end, .link = {}});
        } else if (header->nlmsg_type == NLMSG_ERROR) {
            const auto error = read<int>(body);
            if (!error) {
                return tl::unexpected{Error::truncated};
            }
            if (*error != 0) {
                messages.push_back({.kind = LinkMessage::Kind::refused, .link = {}});
            }
        }
        datagram =
            datagram.subspan(std::min<std::size_t>(align(header->nlmsg_len), datagram.size()));
    }
    return messages;
}

}  // namespace towpath::port
