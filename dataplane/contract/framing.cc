// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/contract/framing.h"

#include <cstdint>
#include <cstring>

namespace towpath::contract {
namespace {

template <class E>
bool known(E value) noexcept {
    return value < E::count;
}

template <std::same_as<std::uint8_t>... Flags>
bool flags(Flags... values) noexcept {
    return ((values <= 1) && ...);
}

bool range(const PortRangeField& field) noexcept {
    return field.first <= field.last;
}

bool prefix(const PrefixField& field) noexcept {
    return field.length <= 32;
}

// Host bits clear, as a destination or a source must be.
bool canonical_prefix(const PrefixField& field) noexcept {
    return prefix(field) && field.prefix().address() == field.address;
}

bool prefix(const Ipv6PrefixField& field) noexcept {
    return field.length <= 128;
}

bool canonical_prefix(const Ipv6PrefixField& field) noexcept {
    return prefix(field) && field.prefix().address() == field.address;
}

// Fields of each message. What is not listed has no value that could be wrong.
template <class M>
bool is_valid(const M&) noexcept {
    return true;
}

bool is_valid(const HelloControl& m) noexcept {
    return m.build.is_canonical();
}

bool is_valid(const HelloDataplane& m) noexcept {
    return m.build.is_canonical() && m.instance.is_canonical() && known(m.state);
}

bool is_valid(const PortStart& port) noexcept {
    if (port.kernel_traffic_count > kKernelTrafficMax) {
        return false;
    }
    for (std::size_t i = 0; i < port.kernel_traffic_count; ++i) {
        if (!range(port.kernel_traffic[i].ports)) {
            return false;
        }
    }
    return port.name.is_canonical() && port.match.is_canonical() && port.socket.is_canonical() &&
           port.receive.is_canonical() && port.transmit.is_canonical() && known(port.driver) &&
           known(port.match_kind) && known(port.memif_role) && flags(port.adopts_address);
}

bool is_valid(const StartSettings& m) noexcept {
    bool valid = m.instance.is_canonical() && known(m.core_choice) && known(m.idle) &&
                 known(m.hugepages) && range(m.host_ports) && m.port_count <= kPortsMax &&
                 m.tunnel_count <= kTunnelsMax && m.port_count + m.tunnel_count <= kPortsMax &&
                 m.peers <= kPeersMax;
    for (std::size_t i = 0; valid && i < m.port_count; ++i) {
        valid = is_valid(m.ports[i]);
    }
    for (std::size_t i = 0; valid && i < m.tunnel_count; ++i) {
        valid = m.tunnels[i].name.is_canonical();
    }
    return valid;
}

bool is_valid(const Start& m) noexcept {
    return is_valid(m.settings);
}

bool is_valid(const StartReply& m) noexcept {
    return is_valid(m.settings);
}

bool is_valid(const Started& m) noexcept {
    return m.notes.is_canonical() && flags(m.uses_hugepages);
}

bool is_valid(const StartFailed& m) noexcept {
    return m.sentence.is_canonical();
}

bool is_valid(const Applied& m) noexcept {
    return flags(m.has_changed);
}

bool is_valid(const Refused& m) noexcept {
    return m.sentence.is_canonical() && flags(m.needs_restart, m.closes);
}

bool is_valid(const LinkChange& m) noexcept {
    return m.interface < kPortsMax && flags(m.is_up);
}

bool is_valid(const InterfaceSet& m) noexcept {
    bool valid = m.id < kPortsMax && known(m.role) && m.address_count <= kInterfaceAddressesMax;
    for (std::size_t i = 0; valid && i < m.address_count; ++i) {
        valid = prefix(m.addresses[i]);
    }
    valid = valid && m.ipv6_address_count <= kInterfaceIpv6AddressesMax;
    for (std::size_t i = 0; valid && i < m.ipv6_address_count; ++i) {
        valid = prefix(m.ipv6_addresses[i]);
    }
    return valid;
}

bool is_entry_valid(const RouteField& entry) noexcept {
    return canonical_prefix(entry.to) && known(entry.kind) && entry.interface < kPortsMax;
}

bool is_entry_valid(const Ipv6RouteField& entry) noexcept {
    return canonical_prefix(entry.to) && known(entry.kind) && entry.interface < kPortsMax;
}

bool is_entry_valid(const PrefixField& entry) noexcept {
    return canonical_prefix(entry);
}

bool is_entry_valid(Ipv4Address) noexcept {
    return true;
}

bool is_entry_valid(const AllowField& entry) noexcept {
    return (entry.interface < kPortsMax || entry.interface == kAnyInterface) &&
           canonical_prefix(entry.prefix) && range(entry.ports);
}

template <class Chunk>
bool is_chunk_valid(const Chunk& m) noexcept {
    const ListPart& part = m.part;
    if (part.count > m.entries.size() || part.total > Chunk::kEntriesMax ||
        part.offset > part.total || part.count > part.total - part.offset ||
        (part.count == 0 && part.total != 0)) {
        return false;
    }
    for (std::size_t i = 0; i < part.count; ++i) {
        if (!is_entry_valid(m.entries[i])) {
            return false;
        }
    }
    return true;
}

bool is_valid(const RouteChunk& m) noexcept {
    return is_chunk_valid(m);
}
bool is_valid(const Ipv6RouteChunk& m) noexcept {
    return is_chunk_valid(m);
}
bool is_valid(const SourceChunk& m) noexcept {
    return is_chunk_valid(m);
}
bool is_valid(const PoolChunk& m) noexcept {
    return is_chunk_valid(m);
}
bool is_valid(const AllowChunk& m) noexcept {
    return is_chunk_valid(m);
}

bool is_valid(const NatSet& m) noexcept {
    bool valid = flags(m.is_enabled, m.hairpin, m.clamp_mss, m.udp_inbound_refresh,
                       m.rewrite_identification, m.reject_syns) &&
                 known(m.udp_filtering) && known(m.tcp_filtering) && known(m.icmp_filtering) &&
                 known(m.exhaustion_icmp) && range(m.ports) &&
                 m.reserved_range_count <= kReservedRangesMax;
    for (std::size_t i = 0; valid && i < m.reserved_range_count; ++i) {
        valid = range(m.reserved_ranges[i]);
    }
    return valid;
}

bool is_valid(const Commit& m) noexcept {
    return m.generation != 0;
}

bool is_valid(const StatusReply& m) noexcept {
    return known(m.state) && flags(m.has_software_distribution, m.uses_hugepages) &&
           m.notes.is_canonical();
}

bool is_valid(const CountersReply& m) noexcept {
    return m.workers <= kWorkersMax && m.worker < m.workers;
}

template <class Reply>
bool is_part_valid(const Reply& m) noexcept {
    const ReplyPart& part = m.part;
    return part.count <= m.rows.size() && part.offset <= part.total &&
           part.count <= part.total - part.offset;
}

bool is_valid(const ReasonsReply& m) noexcept {
    bool valid = is_part_valid(m);
    for (std::size_t i = 0; valid && i < m.part.count; ++i) {
        const ReasonRow& row = m.rows[i];
        valid = known(row.kind) && row.name.is_canonical() && row.help.is_canonical() &&
                row.index < (row.kind == ReasonKind::drop ? kReasonsMax : kStagesMax);
    }
    return valid;
}

bool is_valid(const InterfacesReply& m) noexcept {
    bool valid = is_part_valid(m);
    for (std::size_t i = 0; valid && i < m.part.count; ++i) {
        const PortRow& row = m.rows[i];
        valid = row.id < kPortsMax && flags(row.is_up, row.has_host) && known(row.driver) &&
                row.name.is_canonical() && row.notes.is_canonical();
    }
    return valid;
}

bool is_valid(const NatLookupQuery& m) noexcept {
    return known(m.kind) && known(m.side);
}

bool is_row_valid(const MappingRow& row) noexcept {
    return known(row.kind) && known(row.filtering) && flags(row.is_tracked);
}

bool is_valid(const NatLookupReply& m) noexcept {
    bool valid = flags(m.is_found) && is_row_valid(m.mapping) && m.remote_count <= m.remotes.size();
    for (std::size_t i = 0; valid && i < m.remote_count; ++i) {
        valid = known(m.remotes[i].state);
    }
    return valid;
}

bool is_valid(const NatListQuery& m) noexcept {
    return m.limit >= 1 && m.limit <= kMappingsPerReply;
}

bool is_valid(const NatListReply& m) noexcept {
    bool valid = m.count <= m.rows.size();
    for (std::size_t i = 0; valid && i < m.count; ++i) {
        valid = is_row_valid(m.rows[i]);
    }
    return valid;
}

bool is_valid(const PortUsageReply& m) noexcept {
    bool valid = is_part_valid(m);
    for (std::size_t i = 0; valid && i < m.part.count; ++i) {
        valid = known(m.rows[i].kind);
    }
    return valid;
}

bool is_valid(const NeighborsReply& m) noexcept {
    bool valid = is_part_valid(m);
    for (std::size_t i = 0; valid && i < m.part.count; ++i) {
        const NeighborRow& row = m.rows[i];
        valid = known(row.state) && row.interface < kPortsMax && row.address.is_valid() &&
                row.address.family != IpFamily::none;
    }
    return valid;
}

bool is_valid(const EventBatch& m) noexcept {
    bool valid = m.count <= m.rows.size();
    for (std::size_t i = 0; valid && i < m.count; ++i) {
        valid = known(m.rows[i].kind) && known(m.rows[i].mapping) && flags(m.rows[i].is_tracked);
    }
    return valid;
}

template <class... Messages>
Result<typename MessageSet<Messages...>::View> decode(MessageSet<Messages...>,
                                                      std::span<const std::byte> bytes) noexcept {
    using View = typename MessageSet<Messages...>::View;
    const Result<Header> header = peek_header(bytes);
    if (!header) {
        return tl::unexpected{header.error()};
    }
    if (header->version != kContractVersion) {
        return tl::unexpected{Error::bad_version};
    }
    Result<View> result = tl::unexpected{Error::bad_type};
    const auto try_one = [&]<class M>(const M*) noexcept {
        if (header->type != M::kType) {
            return false;
        }
        if (bytes.size() != sizeof(M)) {
            result = tl::unexpected{Error::bad_length};
            return true;
        }
        const M* const message = reinterpret_cast<const M*>(bytes.data());
        if (is_valid(*message)) {
            result = View{message};
        } else {
            result = tl::unexpected{Error::bad_value};
        }
        return true;
    };
    static_cast<void>((try_one(static_cast<const Messages*>(nullptr)) || ...));
    return result;
}

}  // namespace

Result<Header> peek_header(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(Header)) {
        return tl::unexpected{Error::truncated};
    }
    Header header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.size_bytes != bytes.size()) {
        return tl::unexpected{Error::bad_length};
    }
    return header;
}

Result<Downward::View> decode_downward(std::span<const std::byte> bytes) noexcept {
    return decode(Downward{}, bytes);
}

Result<Upward::View> decode_upward(std::span<const std::byte> bytes) noexcept {
    return decode(Upward{}, bytes);
}

}  // namespace towpath::contract
