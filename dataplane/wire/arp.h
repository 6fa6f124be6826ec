// SPDX-License-Identifier: BSD-3-Clause
// ARP for Ethernet and IPv4 (RFC 826).
#pragma once

#include "dataplane/wire/address.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

inline constexpr std::uint16_t kArpHardwareEthernet = 1;
inline constexpr std::uint16_t kArpRequest = 1;
inline constexpr std::uint16_t kArpReply = 2;

struct ArpHeader {
    be16 hardware_type;
    be16 protocol_type;
    std::uint8_t hardware_length_bytes;
    std::uint8_t protocol_length_bytes;
    be16 operation;
    MacAddress sender_mac;
    be32 sender_address;
    MacAddress target_mac;
    be32 target_address;
};
static_assert(sizeof(ArpHeader) == 28 && WireHeader<ArpHeader>);

}  // namespace towpath
