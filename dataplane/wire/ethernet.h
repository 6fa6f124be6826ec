// SPDX-License-Identifier: BSD-3-Clause
// Ethernet II header and 802.1Q tag (IEEE 802.3 clause 3, IEEE 802.1Q clause 9).
#pragma once

#include "dataplane/wire/address.h"
#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeArp = 0x0806;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;
inline constexpr std::uint16_t kEtherTypeIpv6 = 0x86DD;
// Values below are the length form of IEEE 802.3.
inline constexpr std::uint16_t kEtherTypeMinimum = 0x0600;
inline constexpr std::size_t kEthernetFrameMinimum_bytes = 60;  // without the frame check sequence

struct EthernetHeader {
    MacAddress destination;
    MacAddress source;
    be16 ether_type;
};
static_assert(sizeof(EthernetHeader) == 14 && WireHeader<EthernetHeader>);

}  // namespace towpath
