// SPDX-License-Identifier: BSD-3-Clause
// TCP header (RFC 9293 section 3.1).
#pragma once

#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;
inline constexpr std::uint8_t kTcpUrg = 0x20;
inline constexpr std::uint8_t kTcpOptionEnd = 0;
inline constexpr std::uint8_t kTcpOptionNop = 1;
inline constexpr std::uint8_t kTcpOptionMss = 2;  // length 4

struct TcpHeader {
    be16 source_port;
    be16 destination_port;
    be32 sequence;
    be32 acknowledgement;
    std::uint8_t data_offset_and_reserved;
    std::uint8_t flags;
    be16 window;
    be16 checksum;
    be16 urgent_pointer;

    [[nodiscard]] std::size_t header_length_bytes() const noexcept {
        return static_cast<std::size_t>(data_offset_and_reserved >> 4U) * 4U;
    }
};
static_assert(sizeof(TcpHeader) == 20 && WireHeader<TcpHeader>);

}  // namespace towpath
