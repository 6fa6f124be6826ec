// SPDX-License-Identifier: BSD-3-Clause
// What the files for one instruction set share with the rest: plain structures and function types,
// no inline code. A function that the compiler emitted in such a file would win over its twin built
// for every CPU and crash an older one, so they include this header and intrinsics only.
//
// ChaCha20-Poly1305 (RFC 8439) across packets: every ChaCha20 lane computes one 64-byte block of
// any packet of a group, every Poly1305 lane the tag of one packet. Additional data is empty and
// the nonce is 0^4 | LE64(counter), as WireGuard has them (wireguard.md 2.4).
#pragma once

#include <cstddef>
#include <cstdint>

namespace towpath::crypto {

// One packet of a group: `length_bytes` at `data`, sealed or opened in place.
struct KernelPacket {
    std::uint8_t* data;
    const std::uint8_t* key;  // 32 bytes
    std::uint64_t counter;
    std::uint32_t length_bytes;
};

// ChaCha20 blocks [first, first + count) of packet `packet` of the group, in lanes next to each
// other. Block 0 gives the packet's one-time Poly1305 key, block n (n >= 1) covers bytes [64 (n -
// 1), 64 n) of its data.
struct KernelRun {
    std::uint32_t packet;
    std::uint32_t first;
    std::uint32_t count;
};

inline constexpr unsigned kGroupMax = 16;        // packets
inline constexpr unsigned kChachaLanesMax = 16;  // blocks
inline constexpr unsigned kTag_bytes = 16;

// r and s of Poly1305 (RFC 8439 section 2.6): the first half of a packet's block 0.
struct alignas(32) OneTimeKey {
    std::uint8_t bytes[32];
};

// Computes runs[0..count), together at most as many blocks as the kernel has lanes and at least
// one: block 0 goes to keys[packet], any other is combined with the data in place. Reads and writes
// only inside each packet's data.
using ChachaBlocks = void (*)(const KernelPacket* packets, const KernelRun* runs, unsigned count,
                              OneTimeKey* keys);
// Tags of packets[0..count) over what `data` holds now, each to the kTag_bytes at tags[n]; count <=
// the kernel's lanes.
using PolyTags = void (*)(const KernelPacket* packets, unsigned count, const OneTimeKey* keys,
                          std::uint8_t* const* tags);

// A pair of functions for one instruction set.
struct Kernel {
    const char* name;
    ChachaBlocks chacha20;
    unsigned chacha20_lanes;
    PolyTags poly1305;
    unsigned poly1305_lanes;
};

void chacha20_avx2(const KernelPacket*, const KernelRun*, unsigned, OneTimeKey*);
void poly1305_avx2(const KernelPacket*, unsigned, const OneTimeKey*, std::uint8_t* const*);
void chacha20_avx512(const KernelPacket*, const KernelRun*, unsigned, OneTimeKey*);
void poly1305_avx512(const KernelPacket*, unsigned, const OneTimeKey*, std::uint8_t* const*);
void poly1305_avx512_ifma(const KernelPacket*, unsigned, const OneTimeKey*, std::uint8_t* const*);

}  // namespace towpath::crypto
