// SPDX-License-Identifier: BSD-3-Clause
// ChaCha20 (RFC 8439 section 2.3) in eight lanes, one block each. Row `n` of the state is one
// vector: word n of all eight blocks. Needs AVX2.
#include <immintrin.h>

#include "dataplane/crypto/chacha20_rounds.h"
#include "dataplane/crypto/kernel.h"

namespace towpath::crypto {
namespace {

using Vector = __m256i;

constexpr unsigned kLanes = 8;
constexpr unsigned kBlock_bytes = 64;

struct Lanes {
    using Vector = __m256i;
    static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
    static Vector exclusive_or(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
    template <int bits>
    static Vector rotate_left(Vector a) {
        if constexpr (bits == 16) {
            return _mm256_shuffle_epi8(
                a, _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13, 12, 15,
                                   14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2));
        } else if constexpr (bits == 8) {
            return _mm256_shuffle_epi8(
                a, _mm256_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3, 14, 13, 12,
                                   15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3));
        } else {
            return _mm256_or_si256(_mm256_slli_epi32(a, bits), _mm256_srli_epi32(a, 32 - bits));
        }
    }
};
using Rows = ChachaRows<Lanes>;

// Eight rows of eight words are transposed.
[[gnu::always_inline]] inline void transpose(Vector* row) {
    Vector pairs[8];
    for (unsigned pair = 0; pair < 4; ++pair) {
        pairs[2 * pair] = _mm256_unpacklo_epi32(row[2 * pair], row[2 * pair + 1]);
        pairs[2 * pair + 1] = _mm256_unpackhi_epi32(row[2 * pair], row[2 * pair + 1]);
    }
    Vector fours[8];
    for (unsigned half = 0; half < 2; ++half) {
        const Vector* const of = pairs + 4 * half;
        fours[4 * half] = _mm256_unpacklo_epi64(of[0], of[2]);
        fours[4 * half + 1] = _mm256_unpackhi_epi64(of[0], of[2]);
        fours[4 * half + 2] = _mm256_unpacklo_epi64(of[1], of[3]);
        fours[4 * half + 3] = _mm256_unpackhi_epi64(of[1], of[3]);
    }
    for (unsigned word = 0; word < 4; ++word) {
        row[word] = _mm256_permute2x128_si256(fours[word], fours[word + 4], 0x20);
        row[word + 4] = _mm256_permute2x128_si256(fours[word], fours[word + 4], 0x31);
    }
}

[[gnu::always_inline]] inline Vector load(const void* from) {
    return _mm256_loadu_si256(static_cast<const Vector*>(from));
}
[[gnu::always_inline]] inline void store(void* to, Vector value) {
    _mm256_storeu_si256(static_cast<Vector*>(to), value);
}

// The key words of eight lanes into rows 4 to 11.
[[gnu::always_inline]] inline void load_keys(Rows& x, const std::uint8_t* const* keys,
                                             bool has_one_key) {
    for (unsigned word = 0; word < 8; ++word) {
        if (has_one_key) {
            int value = 0;
            __builtin_memcpy(&value, keys[0] + 4 * word, sizeof value);
            x.row[4 + word] = _mm256_set1_epi32(value);
        } else {
            x.row[4 + word] = load(keys[word]);
        }
    }
    if (!has_one_key) {
        transpose(x.row + 4);
    }
}

// Combines 64 bytes of key stream with what is left of the data, at most 64 bytes.
[[gnu::always_inline]] inline void combine(std::uint8_t* data, std::uint32_t left_bytes, Vector low,
                                           Vector high) {
    if (left_bytes >= kBlock_bytes) {
        store(data, _mm256_xor_si256(load(data), low));
        store(data + 32, _mm256_xor_si256(load(data + 32), high));
        return;
    }
    alignas(32) std::uint8_t stream[kBlock_bytes];
    store(stream, low);
    store(stream + 32, high);
    for (std::uint32_t index = 0; index < left_bytes; ++index) {
        data[index] = static_cast<std::uint8_t>(data[index] ^ stream[index]);
    }
}

}  // namespace

void chacha20_avx2(const KernelPacket* packets, const KernelRun* runs, unsigned count,
                   OneTimeKey* keys) {
    alignas(32) std::uint32_t counters[kLanes] = {};
    alignas(32) std::uint32_t nonces_low[kLanes] = {};
    alignas(32) std::uint32_t nonces_high[kLanes] = {};
    const std::uint8_t* lane_keys[kLanes];
    bool has_one_key = true;
    unsigned lane = 0;
    for (unsigned index = 0; index < count; ++index) {
        const KernelPacket& packet = packets[runs[index].packet];
        has_one_key = has_one_key && packet.key == packets[runs[0].packet].key;
        for (std::uint32_t block = 0; block < runs[index].count; ++block, ++lane) {
            counters[lane] = runs[index].first + block;
            nonces_low[lane] = static_cast<std::uint32_t>(packet.counter);
            nonces_high[lane] = static_cast<std::uint32_t>(packet.counter >> 32U);
            lane_keys[lane] = packet.key;
        }
    }
    // Lanes without a block repeat the first key; what they compute is not stored.
    for (; lane < kLanes; ++lane) {
        lane_keys[lane] = lane_keys[0];
    }

    Rows start;
    for (unsigned word = 0; word < 4; ++word) {
        start.row[word] = _mm256_set1_epi32(kChachaConstants[word]);
    }
    load_keys(start, lane_keys, has_one_key);
    start.row[12] = load(counters);
    start.row[13] = _mm256_setzero_si256();
    start.row[14] = load(nonces_low);
    start.row[15] = load(nonces_high);

    Rows x = start;
    twenty_rounds(x);
    for (unsigned word = 0; word < 16; ++word) {
        x.row[word] = _mm256_add_epi32(x.row[word], start.row[word]);
    }
    transpose(x.row);      // row[n]: the first half of block n
    transpose(x.row + 8);  // row[8 + n]: its second half

    lane = 0;
    for (unsigned index = 0; index < count; ++index) {
        const KernelRun& run = runs[index];
        const KernelPacket& packet = packets[run.packet];
        for (std::uint32_t block = run.first; block < run.first + run.count; ++block, ++lane) {
            if (block == 0) {
                store(keys[run.packet].bytes, x.row[lane]);
            } else {
                const std::uint32_t offset_bytes = (block - 1) * kBlock_bytes;
                combine(packet.data + offset_bytes, packet.length_bytes - offset_bytes, x.row[lane],
                        x.row[lane + 8]);
            }
        }
    }
}

}  // namespace towpath::crypto
