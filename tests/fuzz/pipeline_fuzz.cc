// SPDX-License-Identifier: BSD-3-Clause
// The whole pipeline under a hostile link. An input is a sequence of records: one byte of flags
// (bit 0 interface, bit 1 from the host, bits 2 to 7 seconds to let pass), two bytes of length, the
// frame. Oracles: conservation (asserted by the pipeline in every burst); no byte outside the
// window and its head and tail room changes; what is transmitted has a valid IPv4 header, or an
// IPv6 header whose length is that of the frame.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "tests/builders/ipv6_gateway.h"

namespace {

using namespace towpath;
using namespace towpath::builders;

constexpr std::size_t kFramesMax = 24;
constexpr std::size_t kGuardBytes = 64;
constexpr std::byte kGuard{0xA5};

struct GuardedFrame {
    explicit GuardedFrame(std::span<const std::uint8_t> bytes)
        : frame{bytes.size(), kHeadRoom + bytes.size() + kTailRoom + kGuardBytes} {
        std::memcpy(frame.bytes().data(), bytes.data(), bytes.size());
        // The stages may use what lies before the guard.
        frame.packet.capacity = static_cast<std::uint16_t>(kHeadRoom + bytes.size() + kTailRoom);
        std::fill_n(frame.packet.buffer + frame.packet.capacity, kGuardBytes, kGuard);
    }
    [[nodiscard]] bool is_intact() const {
        return std::all_of(frame.packet.buffer + frame.packet.capacity,
                           frame.packet.buffer + frame.packet.capacity + kGuardBytes,
                           [](std::byte byte) { return byte == kGuard; });
    }
    Frame frame;
};

GatewayOptions small_gateway() {
    GatewayOptions options;
    options.capacity.mappings = 64;
    options.capacity.sessions = 64;
    options.capacity.pool_addresses = 1;
    options.has_host = true;
    options.reject_syns = true;
    return options;
}

void check_transmitted(const Packet& packet) {
    const auto* const ethernet = header_at<EthernetHeader>(packet.bytes(), 0);
    if (ethernet == nullptr || packet.from_host) {
        return;
    }
    if (ethernet->ether_type == be16{kEtherTypeIpv6}) {
        const auto* const ip = header_at<Ipv6Header>(packet.bytes(), sizeof(EthernetHeader));
        if (ip == nullptr || ip->version() != 6 || ip->hop_limit == 0 ||
            ip->payload_length_bytes.host() + 54U != packet.length) {
            std::abort();
        }
    }
    if (ethernet->ether_type != be16{kEtherTypeIpv4}) {
        return;
    }
    const auto* const ip = header_at<Ipv4Header>(packet.bytes(), sizeof(EthernetHeader));
    if (ip == nullptr || ip->header_length_bytes() + 14U > packet.length ||
        !checksum_is_valid(packet.bytes().subspan(14, ip->header_length_bytes()))) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // What only is read is made once; all that an input can change is its own.
    static const GatewayOptions options = small_gateway();
    static const std::shared_ptr<const pipeline::Generation> generation =
        make_ipv6_generation(options);
    Gateway gateway{options.capacity, generation};
    std::deque<GuardedFrame> frames;
    Now now{std::chrono::seconds{100}};
    while (size >= 3 && frames.size() < kFramesMax) {
        const std::uint8_t flags = data[0];
        const std::size_t length =
            std::min<std::size_t>({size - 3, std::size_t{data[1]} << 8U | data[2], 2000});
        GuardedFrame& guarded = frames.emplace_back(std::span{data + 3, length});
        guarded.frame.packet.ingress = (flags & 1U) != 0 ? kOutside : kInside;
        guarded.frame.packet.from_host = (flags & 2U) != 0;
        data += 3 + length;
        size -= 3 + length;
        now += std::chrono::seconds{flags >> 2U};
        gateway.run(guarded.frame, now);
        for (const PacketIndex index : gateway.batch().lane(Lane::transmit)) {
            check_transmitted(gateway.batch()[index]);
        }
        (void)gateway.housekeeping(now);
    }
    for (const GuardedFrame& guarded : frames) {
        if (!guarded.is_intact()) {
            std::abort();
        }
    }
    return 0;
}
