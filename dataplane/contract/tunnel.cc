// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/contract/tunnel.h"

#include <algorithm>
#include <concepts>

namespace towpath::contract {
namespace {

bool flags(std::same_as<std::uint8_t> auto... values) noexcept {
    return ((values <= 1) && ...);
}

template <class E>
bool is_known(E value) noexcept {
    return value < E::count;
}

template <class Chunk>
bool is_part_valid(const Chunk& m) noexcept {
    const ListPart& part = m.part;
    return part.count <= m.entries.size() && part.total <= Chunk::kEntriesMax &&
           part.offset <= part.total && part.count <= part.total - part.offset &&
           (part.count != 0 || part.total == 0);
}

}  // namespace

IpAddressField IpAddressField::of(const IpAddress& address) noexcept {
    IpAddressField field;
    field.family = address.family();
    const auto bytes = address.bytes();
    std::transform(bytes.begin(), bytes.end(), field.bytes.begin(),
                   [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
    return field;
}

IpAddress IpAddressField::address() const noexcept {
    switch (family) {
        case IpFamily::ipv4:
            return Ipv4Address{std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
                               std::uint32_t{bytes[2]} << 8U | bytes[3]};
        case IpFamily::ipv6:
            return Ipv6Address{bytes};
        case IpFamily::none:
            break;
    }
    return {};
}

bool IpAddressField::is_valid() const noexcept {
    const std::size_t used = address_bits(family) / 8U;
    return family <= IpFamily::ipv6 &&
           std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(used), bytes.end(),
                       [](std::uint8_t byte) { return byte == 0; });
}

bool IpPrefixField::is_valid() const noexcept {
    return address.is_valid() && address.family != IpFamily::none &&
           length <= address_bits(address.family) && prefix().address() == address.address();
}

bool is_valid(const PeerPrefixChunk& m) noexcept {
    return m.peer < kPeersMax && is_part_valid(m) &&
           std::all_of(m.entries.begin(), m.entries.begin() + m.part.count,
                       [](const IpPrefixField& entry) { return entry.is_valid(); });
}

bool is_valid(const AdvertiseChunk& m) noexcept {
    return is_part_valid(m) && std::all_of(m.entries.begin(), m.entries.begin() + m.part.count,
                                           [](const AdvertisedField& entry) {
                                               return entry.tunnel < kPortsMax &&
                                                      is_known(entry.use) &&
                                                      entry.prefix.is_valid();
                                           });
}

bool is_valid(const TunnelSet& m) noexcept {
    return m.id < kPortsMax &&
           flags(m.has_identity, m.is_limited, m.is_exit_node, m.is_translated, m.is_stateful);
}

bool is_valid(const PeersBegin& m) noexcept {
    return flags(m.is_whole);
}

bool is_valid(const PeerSet& m) noexcept {
    return m.peer < kPeersMax && m.tunnel < kPortsMax && flags(m.is_removed) &&
           m.endpoint.address.is_valid() && m.allowed_ip_count <= m.allowed_ips.size() &&
           std::all_of(m.allowed_ips.begin(), m.allowed_ips.begin() + m.allowed_ip_count,
                       [](const IpPrefixField& entry) { return entry.is_valid(); });
}

bool is_valid(const SessionInstall& m) noexcept {
    return m.peer < kPeersMax && flags(m.is_initiator) && m.worker < kSessionWorkersMax &&
           m.packet_length <= kHandshakeBytesMax && m.remote.address.is_valid() &&
           m.local.is_valid();
}

bool is_valid(const SessionsEnd& m) noexcept {
    return m.peer < kPeersMax && is_known(m.end);
}

bool is_valid(const HandshakeSend& m) noexcept {
    return (m.peer < kPeersMax || m.peer == kNoPeer) && m.tunnel < kPortsMax && m.length != 0 &&
           m.length <= kHandshakeBytesMax && flags(m.forgets_local) && m.to.address.is_valid() &&
           m.from.address.is_valid();
}

bool is_valid(const PeersReply& m) noexcept {
    bool valid = m.count <= m.rows.size();
    for (std::size_t i = 0; valid && i < m.count; ++i) {
        const PeerRow& row = m.rows[i];
        valid = row.peer < kPeersMax && row.tunnel < kPortsMax && row.endpoint.address.is_valid() &&
                row.local.is_valid() && is_known(row.way);
    }
    return valid;
}

bool is_valid(const SessionsReply& m) noexcept {
    bool valid = m.count <= m.rows.size();
    for (std::size_t i = 0; valid && i < m.count; ++i) {
        const SessionRow& row = m.rows[i];
        valid =
            row.peer < kPeersMax && flags(row.is_initiator, row.may_send) && is_known(row.place);
    }
    return valid;
}

bool is_valid(const HandshakesReceived& m) noexcept {
    bool valid = m.count <= m.rows.size();
    for (std::size_t i = 0; valid && i < m.count; ++i) {
        const HandshakeRow& row = m.rows[i];
        valid = row.tunnel < kPortsMax && row.length <= kHandshakeBytesMax &&
                row.source.address.is_valid() && row.local.address.is_valid();
    }
    return valid;
}

bool is_valid(const TunnelEvents& m) noexcept {
    bool valid = m.count <= m.rows.size();
    for (std::size_t i = 0; valid && i < m.count; ++i) {
        valid = is_known(m.rows[i].kind);
    }
    return valid;
}

}  // namespace towpath::contract
