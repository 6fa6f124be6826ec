// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/neighbor_message.h"

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::ipv6 {
namespace {

constexpr std::size_t kMessage_bytes = sizeof(NeighborMessage) + sizeof(LinkAddressOption);
constexpr std::size_t kFrame_bytes = sizeof(EthernetHeader) + sizeof(Ipv6Header) + kMessage_bytes;

NeighborOptionType option_of(Icmpv6Type type) noexcept {
    return type == Icmpv6Type::neighbor_solicitation ? NeighborOptionType::source_link_address
                                                     : NeighborOptionType::target_link_address;
}

// False when the options do not fill the message: a length of zero, or one beyond its end.
bool read_options(std::span<const std::byte> options, NeighborNews& news) noexcept {
    while (!options.empty()) {
        const std::size_t length_bytes =
            options.size() < 2 ? 0 : std::to_integer<std::size_t>(options[1]) * 8;
        if (length_bytes == 0 || length_bytes > options.size()) {
            return false;
        }
        const auto* option = header_at<LinkAddressOption>(options, 0);
        if (option->type == static_cast<std::uint8_t>(option_of(news.type)) &&
            length_bytes == sizeof(LinkAddressOption)) {
            news.mac = option->mac;
        }
        options = options.subspan(length_bytes);
    }
    return true;
}

// What the two types demand of each other's fields.
bool is_consistent(const NeighborNews& news) noexcept {
    const bool has_bad_mac = news.mac.has_value() && (news.mac->is_group() || news.mac->is_zero());
    if (has_bad_mac || is_multicast(news.target) || is_unspecified(news.target)) {
        return false;
    }
    if (news.type == Icmpv6Type::neighbor_advertisement) {
        return !is_unspecified(news.source) &&
               !(is_multicast(news.destination) && (news.flags & kNeighborSolicited) != 0);
    }
    return !is_unspecified(news.source) ||
           (news.destination == solicited_node_group(news.target) && !news.mac.has_value());
}

}  // namespace

bool write_neighbor_frame(Packet& packet, const NeighborFrame& frame) noexcept {
    if (packet.capacity - packet.head < static_cast<int>(kFrame_bytes)) {
        return false;
    }
    packet.length = kFrame_bytes;
    packet.l3 = sizeof(EthernetHeader);
    packet.l4 = sizeof(EthernetHeader) + sizeof(Ipv6Header);
    packet.header<EthernetHeader>(0) = {frame.destination_mac, frame.own_mac, be16{kEtherTypeIpv6}};
    packet.header<Ipv6Header>(packet.l3) = {ipv6_first_word(0),
                                            be16{std::uint16_t{kMessage_bytes}},
                                            static_cast<std::uint8_t>(NextHeader::icmpv6),
                                            kNeighborHopLimit,
                                            frame.source,
                                            frame.destination};
    auto& message = packet.header<NeighborMessage>(packet.l4);
    message = {static_cast<std::uint8_t>(frame.type), 0, be16{}, be32{frame.flags}, frame.target};
    packet.header<LinkAddressOption>(packet.l4 + sizeof(NeighborMessage)) = {
        static_cast<std::uint8_t>(option_of(frame.type)), 1, frame.own_mac};
    message.checksum =
        full_checksum(packet.bytes().subspan(packet.l4),
                      pseudo_header_sum(frame.source, frame.destination,
                                        static_cast<std::uint8_t>(NextHeader::icmpv6),
                                        static_cast<std::uint32_t>(kMessage_bytes)));
    return true;
}

std::optional<NeighborNews> read_neighbor_message(const Packet& packet) noexcept {
    const auto& ip = packet.header<Ipv6Header>(packet.l3);
    const std::span<const std::byte> bytes = packet.bytes().subspan(packet.l4);
    const auto* message = header_at<NeighborMessage>(bytes, 0);
    if (message == nullptr || message->code != 0 || ip.hop_limit != kNeighborHopLimit) {
        return std::nullopt;
    }
    NeighborNews news{static_cast<Icmpv6Type>(message->type),
                      message->flags.host(),
                      ip.source,
                      ip.destination,
                      message->target,
                      std::nullopt};
    if (news.type != Icmpv6Type::neighbor_solicitation &&
        news.type != Icmpv6Type::neighbor_advertisement) {
        return std::nullopt;
    }
    if (!read_options(bytes.subspan(sizeof(NeighborMessage)), news) || !is_consistent(news)) {
        return std::nullopt;
    }
    return news;
}

}  // namespace towpath::ipv6
