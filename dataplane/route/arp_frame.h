// SPDX-License-Identifier: BSD-3-Clause
// Writes ARP frames (RFC 826) into packets. No policy.
#pragma once

#include "dataplane/packet/packet.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/ethernet.h"

namespace towpath::route {

struct ArpMessage {
    std::uint16_t operation = kArpRequest;
    MacAddress sender_mac;
    Ipv4Address sender;
    MacAddress target_mac;
    Ipv4Address target;
    MacAddress destination;  // of the frame
};

// Replaces the window's content by the frame, padded with zeros to the Ethernet minimum. False when
// the storage is too small.
[[nodiscard]] inline bool write_arp(Packet& packet, const ArpMessage& message) noexcept {
    if (packet.capacity - packet.head < static_cast<int>(kEthernetFrameMinimum_bytes)) {
        return false;
    }
    packet.length = kEthernetFrameMinimum_bytes;
    packet.l3 = sizeof(EthernetHeader);
    for (std::byte& byte : packet.bytes()) {
        byte = std::byte{0};
    }
    packet.header<EthernetHeader>(0) = {message.destination, message.sender_mac,
                                        be16{kEtherTypeArp}};
    packet.header<ArpHeader>(packet.l3) = {be16{kArpHardwareEthernet},
                                           be16{kEtherTypeIpv4},
                                           6,
                                           4,
                                           be16{message.operation},
                                           message.sender_mac,
                                           message.sender.wire(),
                                           message.target_mac,
                                           message.target.wire()};
    return true;
}

}  // namespace towpath::route
