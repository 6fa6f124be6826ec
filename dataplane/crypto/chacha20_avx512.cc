// SPDX-License-Identifier: BSD-3-Clause
// ChaCha20 (RFC 8439 section 2.3) in sixteen lanes, one block each. Row `n` of the state is one
// vector: word n of all sixteen blocks. Needs AVX-512 F, BW and BMI2.
#include <immintrin.h>

#include <utility>

#include "dataplane/crypto/chacha20_rounds.h"
#include "dataplane/crypto/kernel.h"

namespace towpath::crypto {
namespace {

using Vector = __m512i;

constexpr unsigned kLanes = 16;
constexpr unsigned kBlock_bytes = 64;

struct Lanes {
    using Vector = __m512i;
    static Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
    template <int bits>
    static Vector rotate_left(Vector a) {
        return _mm512_rol_epi32(a, bits);
    }
};
using Rows = ChachaRows<Lanes>;

// Four vectors whose 128-bit quarters are rows of 4 x 4 matrices of words: transposes each matrix.
[[gnu::always_inline]] inline void transpose_quarters(Vector& a, Vector& b, Vector& c, Vector& d) {
    const Vector ab_low = _mm512_unpacklo_epi32(a, b);
    const Vector ab_high = _mm512_unpackhi_epi32(a, b);
    const Vector cd_low = _mm512_unpacklo_epi32(c, d);
    const Vector cd_high = _mm512_unpackhi_epi32(c, d);
    a = _mm512_unpacklo_epi64(ab_low, cd_low);
    b = _mm512_unpackhi_epi64(ab_low, cd_low);
    c = _mm512_unpacklo_epi64(ab_high, cd_high);
    d = _mm512_unpackhi_epi64(ab_high, cd_high);
}

// Words of sixteen blocks become sixteen blocks.
[[gnu::always_inline]] inline void transpose(Rows& x) {
    Vector* const row = x.row;
    for (unsigned quarter = 0; quarter < 4; ++quarter) {
        transpose_quarters(row[4 * quarter], row[4 * quarter + 1], row[4 * quarter + 2],
                           row[4 * quarter + 3]);
    }
    // row[4 q + j] now holds words 4q to 4q + 3 of blocks j, j + 4, j + 8, j + 12.
    Rows blocks;
    for (unsigned block = 0; block < 4; ++block) {
        const Vector low01 = _mm512_shuffle_i32x4(row[block], row[4 + block], 0x44);
        const Vector low23 = _mm512_shuffle_i32x4(row[8 + block], row[12 + block], 0x44);
        const Vector high01 = _mm512_shuffle_i32x4(row[block], row[4 + block], 0xEE);
        const Vector high23 = _mm512_shuffle_i32x4(row[8 + block], row[12 + block], 0xEE);
        blocks.row[block] = _mm512_shuffle_i32x4(low01, low23, 0x88);
        blocks.row[block + 4] = _mm512_shuffle_i32x4(low01, low23, 0xDD);
        blocks.row[block + 8] = _mm512_shuffle_i32x4(high01, high23, 0x88);
        blocks.row[block + 12] = _mm512_shuffle_i32x4(high01, high23, 0xDD);
    }
    x = blocks;
}

[[gnu::always_inline]] inline Vector two_keys(const std::uint8_t* low, const std::uint8_t* high) {
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(low));
    const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(high));
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

// The key words of sixteen lanes into rows 4 to 11. Lanes without a block repeat the first key;
// what they compute is not stored.
[[gnu::always_inline]] inline void load_keys(Rows& x, const KernelPacket* packets,
                                             const KernelRun* runs, unsigned count) {
    const std::uint8_t* keys[kLanes];
    unsigned lane = 0;
    for (unsigned index = 0; index < count; ++index) {
        for (unsigned end = lane + runs[index].count; lane < end; ++lane) {
            keys[lane] = packets[runs[index].packet].key;
        }
    }
    for (; lane < kLanes; ++lane) {
        keys[lane] = keys[0];
    }
    Vector pairs[8];
    for (unsigned pair = 0; pair < 4; ++pair) {
        pairs[pair] = two_keys(keys[pair], keys[pair + 4]);
        pairs[pair + 4] = two_keys(keys[pair + 8], keys[pair + 12]);
    }
    transpose_quarters(pairs[0], pairs[1], pairs[2], pairs[3]);
    transpose_quarters(pairs[4], pairs[5], pairs[6], pairs[7]);
    for (unsigned word = 0; word < 4; ++word) {
        x.row[4 + word] = _mm512_shuffle_i32x4(pairs[word], pairs[word + 4], 0x88);
        x.row[8 + word] = _mm512_shuffle_i32x4(pairs[word], pairs[word + 4], 0xDD);
    }
}

// One key for all lanes, the usual case: a burst of one tunnel.
[[gnu::always_inline]] inline void broadcast_key(Rows& x, const std::uint8_t* key) {
    for (unsigned word = 0; word < 8; ++word) {
        int value = 0;
        __builtin_memcpy(&value, key + 4 * word, sizeof value);
        x.row[4 + word] = _mm512_set1_epi32(value);
    }
}

// What each lane's key stream is combined with, in place; a one-time key is the key stream itself.
struct Places {
    std::uint8_t* data[kLanes];
    std::uint32_t left_bytes[kLanes];
    std::uint32_t key_lanes = 0;  // a bit for each lane that gives a one-time key
};

[[gnu::always_inline]] inline void combine(const Places& places, unsigned lane, Vector stream) {
    if (places.left_bytes[lane] >= kBlock_bytes) {
        const Vector text = _mm512_loadu_si512(places.data[lane]);
        _mm512_storeu_si512(places.data[lane], _mm512_xor_si512(text, stream));
    } else if ((places.key_lanes >> lane & 1U) != 0) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(places.data[lane]),
                           _mm512_castsi512_si256(stream));
    } else {
        const __mmask64 mask = _bzhi_u64(~0ULL, places.left_bytes[lane]);
        const Vector text = _mm512_maskz_loadu_epi8(mask, places.data[lane]);
        _mm512_mask_storeu_epi8(places.data[lane], mask, _mm512_xor_si512(text, stream));
    }
}

// Written out lane by lane, so that the blocks stay in registers.
template <unsigned... lanes>
[[gnu::always_inline]] inline void combine_all(const Places& places, const Rows& blocks,
                                               unsigned count,
                                               std::integer_sequence<unsigned, lanes...>) {
    ((lanes < count ? combine(places, lanes, blocks.row[lanes]) : void()), ...);
}

}  // namespace

void chacha20_avx512(const KernelPacket* packets, const KernelRun* runs, unsigned count,
                     OneTimeKey* keys) {
    const Vector numbers = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const std::uint8_t* const first_key = packets[runs[0].packet].key;
    Vector counters = _mm512_setzero_si512();
    Vector nonces_low = counters;
    Vector nonces_high = counters;
    Places places;
    bool has_one_key = true;
    unsigned lane = 0;
    for (unsigned index = 0; index < count; ++index) {
        const KernelRun& run = runs[index];
        const KernelPacket& packet = packets[run.packet];
        const auto mask = static_cast<__mmask16>(((1U << run.count) - 1U) << lane);
        counters = _mm512_mask_add_epi32(counters, mask, numbers,
                                         _mm512_set1_epi32(static_cast<int>(run.first - lane)));
        nonces_low = _mm512_mask_set1_epi32(nonces_low, mask, static_cast<int>(packet.counter));
        nonces_high =
            _mm512_mask_set1_epi32(nonces_high, mask, static_cast<int>(packet.counter >> 32U));
        has_one_key = has_one_key && packet.key == first_key;
        const unsigned end = lane + run.count;
        std::uint32_t block = run.first;
        if (block == 0) {
            places.key_lanes |= 1U << lane;
            places.data[lane] = keys[run.packet].bytes;
            places.left_bytes[lane] = sizeof(OneTimeKey);
            ++lane;
            ++block;
        }
        for (std::uint32_t offset_bytes = (block - 1) * kBlock_bytes; lane < end;
             ++lane, offset_bytes += kBlock_bytes) {
            places.data[lane] = packet.data + offset_bytes;
            places.left_bytes[lane] = packet.length_bytes - offset_bytes;
        }
    }

    Rows start;
    if (has_one_key) {
        broadcast_key(start, first_key);
    } else {
        load_keys(start, packets, runs, count);
    }
    for (unsigned word = 0; word < 4; ++word) {
        start.row[word] = _mm512_set1_epi32(kChachaConstants[word]);
    }
    start.row[12] = counters;
    start.row[13] = _mm512_setzero_si512();
    start.row[14] = nonces_low;
    start.row[15] = nonces_high;

    Rows x = start;
    twenty_rounds(x);
    for (unsigned word = 0; word < 16; ++word) {
        x.row[word] = _mm512_add_epi32(x.row[word], start.row[word]);
    }
    transpose(x);
    combine_all(places, x, lane, std::make_integer_sequence<unsigned, kLanes>{});
}

}  // namespace towpath::crypto
