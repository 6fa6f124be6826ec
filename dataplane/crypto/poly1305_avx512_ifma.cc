// SPDX-License-Identifier: BSD-3-Clause
// Poly1305 (RFC 8439 section 2.5) in eight lanes, one packet each, on the 52-bit multiply-add of
// AVX-512 IFMA: numbers modulo 2^130 - 5 as three limbs of 44, 44 and 42 bits. Two 16-byte blocks
// of a packet go in one step, h = (h + m1) r^2 + m2 r, so that half of the carries are saved and
// the products with r need not wait for h. Needs AVX-512 F, BW, VL, DQ, IFMA and VBMI2.
#include <immintrin.h>

#include "dataplane/crypto/kernel.h"

namespace towpath::crypto {
namespace {

using Vector = __m512i;

constexpr unsigned kLanes = 8;
constexpr unsigned kBlock_bytes = 16;
constexpr long long kMask44 = (1LL << 44) - 1;
constexpr long long kMask42 = (1LL << 42) - 1;

[[gnu::always_inline]] inline Vector all(long long value) {
    return _mm512_set1_epi64(value);
}

struct Number {
    Vector limb[3];
};

// A multiplier with its multiples that wrap: 2^132 = 20 (mod 2^130 - 5).
struct Multiplier {
    Vector r0, r1, r2, s1, s2;
};

// Sums of products by weight; the upper halves weigh 2^52 more.
struct Products {
    Vector low[3];
    Vector high[3];
};

[[gnu::always_inline]] inline Multiplier multiplier(const Number& r) {
    const auto times_20 = [](Vector value) {
        return _mm512_add_epi64(_mm512_slli_epi64(value, 4), _mm512_slli_epi64(value, 2));
    };
    return {r.limb[0], r.limb[1], r.limb[2], times_20(r.limb[1]), times_20(r.limb[2])};
}

[[gnu::always_inline]] inline void multiply_add(Vector& low, Vector& high, Vector a, Vector b) {
    low = _mm512_madd52lo_epu64(low, a, b);
    high = _mm512_madd52hi_epu64(high, a, b);
}

[[gnu::always_inline]] inline void add_product(Products& sum, const Number& h,
                                               const Multiplier& by) {
    multiply_add(sum.low[0], sum.high[0], h.limb[0], by.r0);
    multiply_add(sum.low[1], sum.high[1], h.limb[0], by.r1);
    multiply_add(sum.low[2], sum.high[2], h.limb[0], by.r2);
    multiply_add(sum.low[0], sum.high[0], h.limb[1], by.s2);
    multiply_add(sum.low[1], sum.high[1], h.limb[1], by.r0);
    multiply_add(sum.low[2], sum.high[2], h.limb[1], by.r1);
    multiply_add(sum.low[0], sum.high[0], h.limb[2], by.s1);
    multiply_add(sum.low[1], sum.high[1], h.limb[2], by.s2);
    multiply_add(sum.low[2], sum.high[2], h.limb[2], by.r0);
}

[[gnu::always_inline]] inline Products no_products() {
    const Vector zero = _mm512_setzero_si512();
    return {{zero, zero, zero}, {zero, zero, zero}};
}

// Limbs below 2^44, 2^44 + 2^10 and 2^42 afterwards; with a block added and times 20 they still fit
// the 52 bits that the multiplier reads.
[[gnu::always_inline]] inline Number reduce(const Products& sum) {
    const auto carry = [](Vector low, Vector high, unsigned bits) {
        return _mm512_add_epi64(_mm512_srli_epi64(low, bits), _mm512_slli_epi64(high, 52 - bits));
    };
    const Vector limb0 = _mm512_and_si512(sum.low[0], all(kMask44));
    const Vector sum1 = _mm512_add_epi64(sum.low[1], carry(sum.low[0], sum.high[0], 44));
    const Vector limb1 = _mm512_and_si512(sum1, all(kMask44));
    const Vector sum2 = _mm512_add_epi64(sum.low[2], carry(sum1, sum.high[1], 44));
    const Vector limb2 = _mm512_and_si512(sum2, all(kMask42));
    const Vector over = carry(sum2, sum.high[2], 42);
    const Vector folded =
        _mm512_add_epi64(limb0, _mm512_add_epi64(over, _mm512_slli_epi64(over, 2)));
    return {{_mm512_and_si512(folded, all(kMask44)),
             _mm512_add_epi64(limb1, _mm512_srli_epi64(folded, 44)), limb2}};
}

// 16 bytes of each lane, as two halves, into limbs. `top` is 2^128's place in the last one.
[[gnu::always_inline]] inline Number split(Vector low, Vector high, Vector top) {
    const Vector limb1 = _mm512_shrdi_epi64(low, high, 44);
    return {{_mm512_and_si512(low, all(kMask44)), _mm512_and_si512(limb1, all(kMask44)),
             _mm512_or_si512(_mm512_srli_epi64(high, 24), top)}};
}

[[gnu::always_inline]] inline Number add(const Number& left, const Number& right) {
    return {{_mm512_add_epi64(left.limb[0], right.limb[0]),
             _mm512_add_epi64(left.limb[1], right.limb[1]),
             _mm512_add_epi64(left.limb[2], right.limb[2])}};
}

struct Halves {
    Vector low, high;
};

// 16 bytes at `offset_bytes` of each of eight places; lanes 0 to 7 in order.
[[gnu::always_inline]] inline Halves load_block(const std::uint8_t* const* from,
                                                std::size_t offset_bytes) {
    const auto piece = [&](unsigned lane) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[lane] + offset_bytes));
    };
    Vector even = _mm512_castsi128_si512(piece(0));
    even = _mm512_inserti64x2(even, piece(2), 1);
    even = _mm512_inserti64x2(even, piece(4), 2);
    even = _mm512_inserti64x2(even, piece(6), 3);
    Vector odd = _mm512_castsi128_si512(piece(1));
    odd = _mm512_inserti64x2(odd, piece(3), 1);
    odd = _mm512_inserti64x2(odd, piece(5), 2);
    odd = _mm512_inserti64x2(odd, piece(7), 3);
    return {_mm512_unpacklo_epi64(even, odd), _mm512_unpackhi_epi64(even, odd)};
}

// 64 bytes at `offset_bytes` of each of eight places: four blocks, with fewer shuffles.
[[gnu::always_inline]] inline void load_blocks(const std::uint8_t* const* from,
                                               std::size_t offset_bytes, Halves (&blocks)[4]) {
    Vector low[4];
    Vector high[4];
    for (unsigned pair = 0; pair < 4; ++pair) {
        const Vector even = _mm512_loadu_si512(from[2 * pair] + offset_bytes);
        const Vector odd = _mm512_loadu_si512(from[2 * pair + 1] + offset_bytes);
        low[pair] = _mm512_unpacklo_epi64(even, odd);
        high[pair] = _mm512_unpackhi_epi64(even, odd);
    }
    // Quarter q of low[p] holds block q of lanes 2p and 2p + 1.
    const auto gather = [](const Vector(&of)[4], Vector(&out)[4]) {
        const Vector first = _mm512_shuffle_i64x2(of[0], of[1], 0x44);
        const Vector second = _mm512_shuffle_i64x2(of[2], of[3], 0x44);
        const Vector third = _mm512_shuffle_i64x2(of[0], of[1], 0xEE);
        const Vector fourth = _mm512_shuffle_i64x2(of[2], of[3], 0xEE);
        out[0] = _mm512_shuffle_i64x2(first, second, 0x88);
        out[1] = _mm512_shuffle_i64x2(first, second, 0xDD);
        out[2] = _mm512_shuffle_i64x2(third, fourth, 0x88);
        out[3] = _mm512_shuffle_i64x2(third, fourth, 0xDD);
    };
    Vector lows[4];
    Vector highs[4];
    gather(low, lows);
    gather(high, highs);
    for (unsigned block = 0; block < 4; ++block) {
        blocks[block] = {lows[block], highs[block]};
    }
}

alignas(64) constexpr std::uint8_t kZeros[64] = {};

// Where the lanes read: whole blocks from the packets; what follows them, the padded rest and the
// lengths (RFC 8439 section 2.8), from here. Unused lanes repeat the first packet with a zero key.
struct Group {
    alignas(16) std::uint8_t rest_storage[kLanes][kBlock_bytes];
    alignas(64) std::uint64_t lengths_bytes[kLanes];
    const std::uint8_t* keys[kLanes];
    const std::uint8_t* data[kLanes];
    const std::uint8_t* rests[kLanes];
    std::uint32_t whole_blocks[kLanes];
    std::uint32_t shortest = ~0U;
    std::uint32_t longest = 0;
    unsigned with_rest = 0;
};

[[gnu::always_inline]] inline void gather(Group& group, const KernelPacket* packets, unsigned count,
                                          const OneTimeKey* keys) {
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        const bool is_used = lane < count;
        const KernelPacket& packet = packets[is_used ? lane : 0];
        group.keys[lane] = is_used ? keys[lane].bytes : kZeros;
        group.data[lane] = packet.data;
        group.rests[lane] = group.rest_storage[lane];
        group.lengths_bytes[lane] = packet.length_bytes;
        const std::uint32_t blocks = packet.length_bytes / kBlock_bytes;
        const std::uint32_t rest_bytes = packet.length_bytes % kBlock_bytes;
        if (rest_bytes != 0) {
            const auto mask = static_cast<__mmask16>((1U << rest_bytes) - 1U);
            const __m128i rest =
                _mm_maskz_loadu_epi8(mask, packet.data + packet.length_bytes - rest_bytes);
            _mm_store_si128(reinterpret_cast<__m128i*>(group.rest_storage[lane]), rest);
            group.with_rest |= 1U << lane;
        }
        group.whole_blocks[lane] = blocks;
        group.shortest = blocks < group.shortest ? blocks : group.shortest;
        group.longest = blocks > group.longest ? blocks : group.longest;
    }
}

[[gnu::always_inline]] inline void two_blocks(Number& h, const Halves& first, const Halves& second,
                                              const Multiplier& by_r, const Multiplier& by_r2) {
    const Vector top = all(1LL << 40);
    Products sum = no_products();
    add_product(sum, split(second.low, second.high, top), by_r);
    add_product(sum, add(h, split(first.low, first.high, top)), by_r2);
    h = reduce(sum);
}

// Lanes whose bit is clear keep their value.
[[gnu::always_inline]] inline void one_block(Number& h, const Halves& block, const Multiplier& by_r,
                                             unsigned lanes) {
    Products sum = no_products();
    add_product(sum, add(h, split(block.low, block.high, all(1LL << 40))), by_r);
    const Number next = reduce(sum);
    const auto mask = static_cast<__mmask8>(lanes);
    for (unsigned limb = 0; limb < 3; ++limb) {
        h.limb[limb] = _mm512_mask_mov_epi64(h.limb[limb], mask, next.limb[limb]);
    }
}

[[gnu::always_inline]] inline Number absorb(const Group& group, const Multiplier& by_r,
                                            const Multiplier& by_r2) {
    const Vector zero = _mm512_setzero_si512();
    Number h{{zero, zero, zero}};
    std::uint32_t block = 0;
    for (; block + 4 <= group.shortest; block += 4) {
        Halves blocks[4];
        load_blocks(group.data, std::size_t{block} * kBlock_bytes, blocks);
        two_blocks(h, blocks[0], blocks[1], by_r, by_r2);
        two_blocks(h, blocks[2], blocks[3], by_r, by_r2);
    }
    for (; block + 2 <= group.shortest; block += 2) {
        two_blocks(h, load_block(group.data, std::size_t{block} * kBlock_bytes),
                   load_block(group.data, std::size_t{block + 1} * kBlock_bytes), by_r, by_r2);
    }
    for (; block < group.longest; ++block) {
        const std::uint8_t* from[kLanes];
        unsigned lanes = 0;
        for (unsigned lane = 0; lane < kLanes; ++lane) {
            const bool has_block = block < group.whole_blocks[lane];
            from[lane] = has_block ? group.data[lane] + std::size_t{block} * kBlock_bytes : kZeros;
            lanes |= has_block ? 1U << lane : 0U;
        }
        one_block(h, load_block(from, 0), by_r, lanes);
    }
    if (group.with_rest != 0) {
        one_block(h, load_block(group.rests, 0), by_r, group.with_rest);
    }
    one_block(h, {zero, _mm512_load_si512(group.lengths_bytes)}, by_r, 0xFF);
    return h;
}

[[gnu::always_inline]] inline Vector carry_to(Vector next, Vector& limb) {
    next = _mm512_add_epi64(next, _mm512_srli_epi64(limb, 44));
    limb = _mm512_and_si512(limb, all(kMask44));
    return next;
}

// Reduces fully: carries twice, then subtracts 2^130 - 5 where that does not borrow.
[[gnu::always_inline]] inline void reduce_fully(Number& h) {
    for (unsigned pass = 0; pass < 2; ++pass) {
        h.limb[1] = carry_to(h.limb[1], h.limb[0]);
        h.limb[2] = carry_to(h.limb[2], h.limb[1]);
        const Vector over = _mm512_srli_epi64(h.limb[2], 42);
        h.limb[2] = _mm512_and_si512(h.limb[2], all(kMask42));
        h.limb[0] = _mm512_add_epi64(h.limb[0], _mm512_add_epi64(over, _mm512_slli_epi64(over, 2)));
    }
    Number minus = h;
    minus.limb[0] = _mm512_add_epi64(minus.limb[0], all(5));
    minus.limb[1] = carry_to(minus.limb[1], minus.limb[0]);
    minus.limb[2] = carry_to(minus.limb[2], minus.limb[1]);
    const __mmask8 is_above = _mm512_test_epi64_mask(minus.limb[2], all(1LL << 42));
    for (unsigned limb = 0; limb < 3; ++limb) {
        h.limb[limb] = _mm512_mask_mov_epi64(h.limb[limb], is_above, minus.limb[limb]);
    }
    h.limb[2] = _mm512_and_si512(h.limb[2], all(kMask42));
}

// h + s modulo 2^128, one tag per lane.
[[gnu::always_inline]] inline void store(const Number& h, const Halves& s, unsigned count,
                                         std::uint8_t* const* tags) {
    const Vector low = _mm512_or_si512(h.limb[0], _mm512_slli_epi64(h.limb[1], 44));
    const Vector high =
        _mm512_or_si512(_mm512_srli_epi64(h.limb[1], 20), _mm512_slli_epi64(h.limb[2], 24));
    const Vector tag_low = _mm512_add_epi64(low, s.low);
    const __mmask8 has_carry = _mm512_cmplt_epu64_mask(tag_low, low);
    Vector tag_high = _mm512_add_epi64(high, s.high);
    tag_high = _mm512_mask_add_epi64(tag_high, has_carry, tag_high, all(1));
    // Each quarter is one tag: of lanes 0, 2, 4, 6 and of lanes 1, 3, 5, 7.
    alignas(64) std::uint8_t stored[kLanes][kTag_bytes];
    _mm512_store_si512(stored[0], _mm512_unpacklo_epi64(tag_low, tag_high));
    _mm512_store_si512(stored[4], _mm512_unpackhi_epi64(tag_low, tag_high));
    for (unsigned lane = 0; lane < count; ++lane) {
        __builtin_memcpy(tags[lane], stored[lane / 2 + lane % 2 * 4], kTag_bytes);
    }
}

}  // namespace

void poly1305_avx512_ifma(const KernelPacket* packets, unsigned count, const OneTimeKey* keys,
                          std::uint8_t* const* tags) {
    Group group;
    gather(group, packets, count, keys);
    const Halves key = load_block(group.keys, 0);
    const Halves s = load_block(group.keys, 16);
    const Number r =
        split(_mm512_and_si512(key.low, all(0x0FFFFFFC0FFFFFFFLL)),
              _mm512_and_si512(key.high, all(0x0FFFFFFC0FFFFFFCLL)), _mm512_setzero_si512());
    const Multiplier by_r = multiplier(r);
    Products squared = no_products();
    add_product(squared, r, by_r);
    const Multiplier by_r2 = multiplier(reduce(squared));
    Number h = absorb(group, by_r, by_r2);
    reduce_fully(h);
    store(h, s, count, tags);
}

}  // namespace towpath::crypto
