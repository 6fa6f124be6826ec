// SPDX-License-Identifier: BSD-3-Clause
// The frames that the generator sends: UDP over IPv4 over Ethernet with a sequence number and a
// time of sending in the first 16 bytes of the payload, the rest zero. Correct checksums, so a
// gateway has no reason to refuse one. RFC 2544 section 9 names the sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byte_order.h"

namespace towpath::testbed {

inline constexpr std::size_t kFrameMinimumBytes = 60;  // 64 on a wire, with the check sequence
inline constexpr std::size_t kFrameMaximumBytes = 1514;

// `counted` frames are part of the measurement; `warm_up` frames only make mappings.
enum class ProbeKind : std::uint32_t { warm_up = 0x74705741, counted = 0x74705743 };

struct Probe {
    be32 kind;
    be32 sequence;
    be64 sent_ns;  // since the epoch, the clock that the kernel stamps received frames with
};
static_assert(sizeof(Probe) == 16 && alignof(Probe) == 1);

// Flow number n has source port first_source_port + n.
struct FlowPlan {
    MacAddress source_mac;
    MacAddress gateway_mac;
    Ipv4Address source;
    Ipv4Address destination;
    std::uint16_t first_source_port = 20000;
    std::uint16_t destination_port = 9000;
    std::uint32_t flow_count = 1;
};

// Writes one whole frame; `frame` has kFrameMinimumBytes to kFrameMaximumBytes and is zero behind
// the headers and the probe.
void write_frame(std::span<std::byte> frame, const FlowPlan& plan, const Probe& probe) noexcept;

// The probe of a received frame of `plan`, whatever its source has been translated to.
[[nodiscard]] std::optional<Probe> read_probe(std::span<const std::byte> frame,
                                              const FlowPlan& plan) noexcept;

// Simple IMIX by frames: 7 x 64, 4 x 594, 1 x 1518 bytes on the wire, mixed over a cycle of twelve.
[[nodiscard]] std::size_t imix_size_bytes(std::uint64_t sequence) noexcept;

}  // namespace towpath::testbed
