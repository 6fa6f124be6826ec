// SPDX-License-Identifier: BSD-3-Clause
// Any frames, in any order, through parse and the fragment stage: every packet ends in exactly one
// lane, every buffer comes back, and what goes on satisfies what parse promises.
//
// Input: frames, each as a mode byte, a length (two bytes, network order) and that many bytes. The
// mode repairs what a mutation would never get right.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include "dataplane/parse/fragment_stage.h"
#include "dataplane/parse/parse_stage.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace {

using namespace towpath;

constexpr std::uint8_t kRepairsFrame = 1;  // for us, from a peer, IPv4
constexpr std::uint8_t kRepairsIpv4 = 2;   // header checksum
constexpr std::uint8_t kRepairsIcmp = 4;   // message checksum
constexpr std::uint8_t kFromOutside = 8;
constexpr std::uint8_t kFromHost = 16;
constexpr std::uint8_t kTimePasses = 32;
constexpr std::size_t kHeadRoom = 128;
constexpr std::size_t kCapacity = 2304;
constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 1}};

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

InterfaceTable make_interfaces() {
    InterfaceTable table;
    table.count = 2;
    for (std::size_t index = 0; index < 2; ++index) {
        Interface& interface = table.storage[index];
        interface.id = static_cast<InterfaceId>(index);
        interface.mac = kOurMac;
        interface.role = index == 0 ? InterfaceRole::inside : InterfaceRole::outside;
        interface.address_count = 1;
        const Ipv4Address address{index == 0 ? 0x0A4D0101U : 0xC000020AU};
        interface.address_storage[0] = {address, Ipv4Prefix{address, 24}};
    }
    return table;
}

void repair(Packet& packet, std::uint8_t mode) {
    const std::span<std::byte> bytes = packet.bytes();
    auto* ethernet = header_at<EthernetHeader>(bytes, 0);
    if (ethernet != nullptr && (mode & kRepairsFrame) != 0) {
        *ethernet = {kOurMac, MacAddress{{2, 0, 0, 0, 0, 9}}, be16{kEtherTypeIpv4}};
    }
    auto* ip = header_at<Ipv4Header>(bytes, sizeof(EthernetHeader));
    if (ip == nullptr) {
        return;
    }
    const std::size_t end = sizeof(EthernetHeader) + ip->total_length_bytes.host();
    const std::size_t l4 = sizeof(EthernetHeader) + ip->header_length_bytes();
    if (l4 > bytes.size()) {
        return;
    }
    auto* icmp = header_at<IcmpHeader>(bytes, l4);
    if ((mode & kRepairsIcmp) != 0 && icmp != nullptr && end <= bytes.size() && end >= l4) {
        icmp->checksum = be16{};
        icmp->checksum = full_checksum(bytes.subspan(l4, end - l4));
    }
    if ((mode & kRepairsIpv4) != 0) {
        ip->checksum = be16{};
        ip->checksum =
            full_checksum(bytes.subspan(sizeof(EthernetHeader), l4 - sizeof(EthernetHeader)));
    }
}

// What dataplane/packet/packet.h says is always true after parse.
void check_parsed(const Packet& packet) {
    require(packet.length <= kCapacity - packet.head);
    require(packet.l4 >= packet.l3 + sizeof(Ipv4Header) && packet.l4 <= packet.length);
    const auto* ip = header_at<Ipv4Header>(packet.bytes(), packet.l3);
    require(ip != nullptr && ip->version() == 4);
    require(packet.l3 + ip->total_length_bytes.host() == packet.length);
    require(packet.l3 + ip->header_length_bytes() == packet.l4);
    require(packet.ip_protocol == ip->protocol);
    const std::size_t payload_bytes = packet.length - std::size_t{packet.l4};
    if (packet.from_host || packet.fragment == FragmentKind::later) {
        return;
    }
    require(packet.transport != TransportKind::tcp || payload_bytes >= 20);
    require(packet.transport != TransportKind::udp || payload_bytes >= 8);
    require(packet.transport != TransportKind::icmp_query || payload_bytes >= 8);
    require(packet.transport != TransportKind::icmp_error || payload_bytes >= 36);
}

void check(const Batch& batch) {
    std::size_t packets = 0;
    for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
        packets += batch.lane(static_cast<Lane>(lane)).size();
    }
    require(packets == batch.size());
    for (const PacketIndex index : batch.lane(Lane::classify)) {
        check_parsed(batch[index]);
    }
    for (const PacketIndex index : batch.lane(Lane::drop)) {
        require(batch[index].verdict != DropReason::none &&
                batch[index].verdict < DropReason::count);
    }
    require(batch.lane(Lane::parse).empty() && batch.lane(Lane::fragment).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    static const InterfaceTable interfaces = make_interfaces();
    parse::State parser{&interfaces};
    IdentificationSource identification{0, 1, 7};
    Counter released;
    parse::FragmentState fragments{
        .table = parse::FragmentTable{{.contexts = 8, .contexts_per_source = 4, .held = 12}, 5},
        .identification = &identification,
        .interfaces = &interfaces,
        .released = &released};
    std::deque<std::vector<std::byte>> buffers;
    std::size_t held = 0;
    Now now{std::chrono::seconds{100}};

    for (std::size_t at = 0; size_bytes - at >= 3 && buffers.size() < 64;) {
        const std::uint8_t mode = data[at];
        const std::size_t claimed = std::size_t{data[at + 1]} << 8U | data[at + 2];
        at += 3;
        const std::size_t length = std::min({claimed, size_bytes - at, kCapacity - kHeadRoom});
        buffers.emplace_back(kCapacity);
        Packet packet;
        packet.buffer = buffers.back().data();
        packet.capacity = kCapacity;
        packet.head = kHeadRoom;
        packet.length = static_cast<std::uint16_t>(length);
        packet.ingress = static_cast<InterfaceId>((mode & kFromOutside) != 0 ? 1 : 0);
        packet.from_host = (mode & kFromHost) != 0;
        std::memcpy(packet.data(), data + at, length);
        at += length;
        repair(packet, mode);
        now += std::chrono::seconds{(mode & kTimePasses) != 0 ? 3 : 0};

        Batch batch;
        parse::fragment_slice(fragments, batch, now, 4);
        require(batch.admit(packet, Lane::parse));
        parse::parse_stage(parser, batch, now);
        parse::fragment_stage(fragments, batch, now);
        check(batch);
        held += batch.lane(Lane::hold).size();
        require(held == released.value() + fragments.table.held_count());
    }
    bool is_left = true;
    while (is_left) {
        Batch batch;
        is_left = parse::fragment_discard(fragments, batch);
        check(batch);
    }
    require(held == released.value() && fragments.table.context_count() == 0);
    return 0;
}
