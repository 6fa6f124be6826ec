// SPDX-License-Identifier: BSD-3-Clause
// Poly1305 in eight lanes for CPUs with AVX-512 F, BW, VL and DQ, but without IFMA.
#include <immintrin.h>

#include "dataplane/crypto/poly1305_limbs.h"

namespace towpath::crypto {
namespace {

struct Lanes {
    using Vector = __m512i;
    struct Halves {
        Vector low, high;
    };
    static constexpr unsigned kCount = 8;

    static Vector all(long long value) { return _mm512_set1_epi64(value); }
    static Vector add(Vector a, Vector b) { return _mm512_add_epi64(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm512_sub_epi64(a, b); }
    static Vector multiply(Vector a, Vector b) { return _mm512_mul_epu32(a, b); }
    static Vector bit_and(Vector a, Vector b) { return _mm512_and_si512(a, b); }
    static Vector bit_and_not(Vector mask, Vector a) { return _mm512_andnot_si512(mask, a); }
    static Vector bit_or(Vector a, Vector b) { return _mm512_or_si512(a, b); }
    template <unsigned bits>
    static Vector shift_left(Vector a) {
        return _mm512_slli_epi64(a, bits);
    }
    template <unsigned bits>
    static Vector shift_right(Vector a) {
        return _mm512_srli_epi64(a, bits);
    }
    static Vector choose(unsigned lanes, Vector yes, Vector no) {
        return _mm512_mask_mov_epi64(no, static_cast<__mmask8>(lanes), yes);
    }
    static Vector from_array(const std::uint64_t* from) { return _mm512_load_si512(from); }
    static void store(std::uint64_t* to, Vector a) { _mm512_store_si512(to, a); }

    static Halves load(const std::uint8_t* const* from, std::size_t offset_bytes) {
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
};

}  // namespace

void poly1305_avx512(const KernelPacket* packets, unsigned count, const OneTimeKey* keys,
                     std::uint8_t* const* tags) {
    PolyLanes<Lanes>::tags(packets, count, keys, tags);
}

}  // namespace towpath::crypto
