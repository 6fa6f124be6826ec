// SPDX-License-Identifier: BSD-3-Clause
// What sequence_sender and sequence_echo say to each other. Both run on one machine: host order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/probes/endpoint.h"

namespace towpath::probes {

inline constexpr std::uint64_t kMagic = 0x746f777061746801U;
inline constexpr std::size_t kMaxPayload = 1472;

struct Numbered {
    std::uint64_t magic;
    std::uint64_t number;
};

// The datagram's number, and the endpoint that it came from.
struct Answer {
    Numbered message;
    std::uint32_t seen_address;
    std::uint32_t seen_port;
};

}  // namespace towpath::probes
