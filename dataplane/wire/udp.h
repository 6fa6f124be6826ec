// SPDX-License-Identifier: BSD-3-Clause
// UDP header (RFC 768).
#pragma once

#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

struct UdpHeader {
    be16 source_port;
    be16 destination_port;
    be16 length_bytes;
    be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8 && WireHeader<UdpHeader>);

}  // namespace towpath
