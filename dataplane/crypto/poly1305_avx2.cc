// SPDX-License-Identifier: BSD-3-Clause
// Poly1305 in four lanes for CPUs with AVX2.
#include <immintrin.h>

#include "dataplane/crypto/poly1305_limbs.h"

namespace towpath::crypto {
namespace {

struct Lanes {
    using Vector = __m256i;
    struct Halves {
        Vector low, high;
    };
    static constexpr unsigned kCount = 4;

    static Vector all(long long value) { return _mm256_set1_epi64x(value); }
    static Vector add(Vector a, Vector b) { return _mm256_add_epi64(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm256_sub_epi64(a, b); }
    static Vector multiply(Vector a, Vector b) { return _mm256_mul_epu32(a, b); }
    static Vector bit_and(Vector a, Vector b) { return _mm256_and_si256(a, b); }
    static Vector bit_and_not(Vector mask, Vector a) { return _mm256_andnot_si256(mask, a); }
    static Vector bit_or(Vector a, Vector b) { return _mm256_or_si256(a, b); }
    template <unsigned bits>
    static Vector shift_left(Vector a) {
        return _mm256_slli_epi64(a, bits);
    }
    template <unsigned bits>
    static Vector shift_right(Vector a) {
        return _mm256_srli_epi64(a, bits);
    }
    static Vector choose(unsigned lanes, Vector yes, Vector no) {
        const auto chosen = [lanes](unsigned lane) {
            return (lanes >> lane & 1U) != 0 ? -1LL : 0LL;
        };
        const Vector mask = _mm256_set_epi64x(chosen(3), chosen(2), chosen(1), chosen(0));
        return _mm256_blendv_epi8(no, yes, mask);
    }
    static Vector from_array(const std::uint64_t* from) {
        return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store(std::uint64_t* to, Vector a) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), a);
    }

    static Halves load(const std::uint8_t* const* from, std::size_t offset_bytes) {
        const auto piece = [&](unsigned lane) {
            return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from[lane] + offset_bytes));
        };
        const Vector even = _mm256_inserti128_si256(_mm256_castsi128_si256(piece(0)), piece(2), 1);
        const Vector odd = _mm256_inserti128_si256(_mm256_castsi128_si256(piece(1)), piece(3), 1);
        return {_mm256_unpacklo_epi64(even, odd), _mm256_unpackhi_epi64(even, odd)};
    }
};

}  // namespace

void poly1305_avx2(const KernelPacket* packets, unsigned count, const OneTimeKey* keys,
                   std::uint8_t* const* tags) {
    PolyLanes<Lanes>::tags(packets, count, keys, tags);
}

}  // namespace towpath::crypto
