// SPDX-License-Identifier: BSD-3-Clause
// Poly1305 (RFC 8439 section 2.5), one packet per 64-bit lane, on 32 x 32 multiplication: numbers
// modulo 2^130 - 5 as five limbs of 26 bits. Two 16-byte blocks of a packet go in one step,
// h = (h + m1) r^2 + m2 r: half of the carries, and the products with r need not wait for h.
// `Lanes` belongs to an unnamed namespace of the including file, so what is instantiated here stays
// inside that file.
#pragma once

#include "dataplane/crypto/kernel.h"

namespace towpath::crypto {

template <class Lanes>
class PolyLanes {
    using Vector = typename Lanes::Vector;

public:
    [[gnu::always_inline]] static inline void tags(const KernelPacket* packets, unsigned count,
                                                   const OneTimeKey* keys,
                                                   std::uint8_t* const* tags) {
        Group group;
        gather(group, packets, count, keys);
        const Halves key = Lanes::load(group.keys, 0);
        const Halves s = Lanes::load(group.keys, 16);
        const Number r = split({Lanes::bit_and(key.low, Lanes::all(0x0FFFFFFC0FFFFFFFLL)),
                                Lanes::bit_and(key.high, Lanes::all(0x0FFFFFFC0FFFFFFCLL))},
                               Lanes::all(0));
        const Multiplier by_r = multiplier(r);
        Number h{};
        if (group.shortest >= 2) {
            Number squared = Number{};
            add_product(squared, r, by_r);
            const Multiplier by_r2 = multiplier(reduce(squared));
            for (; group.done + 2 <= group.shortest; group.done += 2) {
                const std::size_t offset_bytes = std::size_t{group.done} * kBlock_bytes;
                Number sum{};
                add_product(sum, split(Lanes::load(group.data, offset_bytes + kBlock_bytes), top()),
                            by_r);
                add_product(sum, add(h, split(Lanes::load(group.data, offset_bytes), top())),
                            by_r2);
                h = reduce(sum);
            }
        }
        for (; group.done < group.longest; ++group.done) {
            const std::uint8_t* from[Lanes::kCount];
            unsigned lanes = 0;
            for (unsigned lane = 0; lane < Lanes::kCount; ++lane) {
                const bool has_block = group.done < group.whole_blocks[lane];
                from[lane] =
                    has_block ? group.data[lane] + std::size_t{group.done} * kBlock_bytes : kZeros;
                lanes |= has_block ? 1U << lane : 0U;
            }
            one_block(h, Lanes::load(from, 0), by_r, lanes);
        }
        if (group.with_rest != 0) {
            one_block(h, Lanes::load(group.rests, 0), by_r, group.with_rest);
        }
        one_block(h, {Lanes::all(0), Lanes::from_array(group.lengths_bytes)}, by_r, ~0U);
        store(h, s, count, tags);
    }

private:
    using Halves = typename Lanes::Halves;
    static constexpr unsigned kBlock_bytes = 16;
    static constexpr unsigned kLimbs = 5;
    static constexpr long long kMask26 = (1LL << 26) - 1;
    alignas(16) static constexpr std::uint8_t kZeros[32] = {};

    struct Number {
        Vector limb[kLimbs];
    };
    // A multiplier with its multiples that wrap: 2^130 = 5 (mod 2^130 - 5). wrapped[0] is unused.
    struct Multiplier {
        Vector limb[kLimbs];
        Vector wrapped[kLimbs];
    };
    // Where the lanes read: whole blocks from the packets; what follows them, the padded rest and
    // the lengths (RFC 8439 section 2.8), from here.
    struct Group {
        alignas(16) std::uint8_t rest_storage[Lanes::kCount][kBlock_bytes];
        alignas(64) std::uint64_t lengths_bytes[Lanes::kCount];
        const std::uint8_t* keys[Lanes::kCount];
        const std::uint8_t* data[Lanes::kCount];
        const std::uint8_t* rests[Lanes::kCount];
        std::uint32_t whole_blocks[Lanes::kCount];
        std::uint32_t shortest = ~0U;
        std::uint32_t longest = 0;
        std::uint32_t done = 0;
        unsigned with_rest = 0;
    };

    [[gnu::always_inline]] static inline void gather(Group& group, const KernelPacket* packets,
                                                     unsigned count, const OneTimeKey* keys) {
        for (unsigned lane = 0; lane < Lanes::kCount; ++lane) {
            const bool is_used = lane < count;
            const KernelPacket& packet = packets[is_used ? lane : 0];
            group.keys[lane] = is_used ? keys[lane].bytes : kZeros;
            group.data[lane] = packet.data;
            group.rests[lane] = group.rest_storage[lane];
            group.lengths_bytes[lane] = packet.length_bytes;
            group.whole_blocks[lane] = packet.length_bytes / kBlock_bytes;
            const std::uint32_t rest_bytes = packet.length_bytes % kBlock_bytes;
            if (rest_bytes != 0) {
                group.with_rest |= 1U << lane;
                copy_padded(group.rest_storage[lane],
                            packet.data + packet.length_bytes - rest_bytes, rest_bytes);
            }
            const std::uint32_t blocks = group.whole_blocks[lane];
            group.shortest = blocks < group.shortest ? blocks : group.shortest;
            group.longest = blocks > group.longest ? blocks : group.longest;
        }
    }

    [[gnu::always_inline]] static inline void copy_padded(std::uint8_t* to,
                                                          const std::uint8_t* from,
                                                          std::uint32_t length_bytes) {
        __builtin_memset(to, 0, kBlock_bytes);
        for (std::uint32_t index = 0; index < length_bytes; ++index) {
            to[index] = from[index];
        }
    }

    static Vector top() { return Lanes::all(1LL << 24); }

    [[gnu::always_inline]] static inline Multiplier multiplier(const Number& r) {
        Multiplier by;
        for (unsigned index = 0; index < kLimbs; ++index) {
            by.limb[index] = r.limb[index];
            by.wrapped[index] = times_5(r.limb[index]);
        }
        return by;
    }
    [[gnu::always_inline]] static inline Vector times_5(Vector value) {
        return Lanes::add(value, Lanes::template shift_left<2>(value));
    }

    [[gnu::always_inline]] static inline void add_product(Number& sum, const Number& h,
                                                          const Multiplier& by) {
        for (unsigned left = 0; left < kLimbs; ++left) {
            for (unsigned right = 0; right < kLimbs; ++right) {
                const bool wraps = left + right >= kLimbs;
                Vector& weight = sum.limb[wraps ? left + right - kLimbs : left + right];
                weight = Lanes::add(weight, Lanes::multiply(h.limb[left], wraps ? by.wrapped[right]
                                                                                : by.limb[right]));
            }
        }
    }

    // Every limb below 2^26 + 2^10 afterwards, so five times a limb fits the 32 bits of a factor.
    [[gnu::always_inline]] static inline Number reduce(Number sum) {
        const Vector mask = Lanes::all(kMask26);
        const auto carry = [&](unsigned from, unsigned to) {
            sum.limb[to] =
                Lanes::add(sum.limb[to], Lanes::template shift_right<26>(sum.limb[from]));
            sum.limb[from] = Lanes::bit_and(sum.limb[from], mask);
        };
        // Two chains, so that neighbours need not wait for each other.
        carry(0, 1);
        carry(3, 4);
        const Vector over = Lanes::template shift_right<26>(sum.limb[4]);
        sum.limb[4] = Lanes::bit_and(sum.limb[4], mask);
        sum.limb[0] = Lanes::add(sum.limb[0], times_5(over));
        carry(1, 2);
        carry(2, 3);
        carry(0, 1);
        carry(3, 4);
        return sum;
    }

    // 16 bytes of each lane into limbs. `above` is 2^128's place in the last one, or nothing.
    [[gnu::always_inline]] static inline Number split(Halves block, Vector above) {
        const Vector mask = Lanes::all(kMask26);
        const Vector middle = Lanes::bit_or(Lanes::template shift_right<52>(block.low),
                                            Lanes::template shift_left<12>(block.high));
        return {{Lanes::bit_and(block.low, mask),
                 Lanes::bit_and(Lanes::template shift_right<26>(block.low), mask),
                 Lanes::bit_and(middle, mask),
                 Lanes::bit_and(Lanes::template shift_right<14>(block.high), mask),
                 Lanes::bit_or(Lanes::template shift_right<40>(block.high), above)}};
    }

    [[gnu::always_inline]] static inline Number add(const Number& left, const Number& right) {
        Number sum;
        for (unsigned index = 0; index < kLimbs; ++index) {
            sum.limb[index] = Lanes::add(left.limb[index], right.limb[index]);
        }
        return sum;
    }

    [[gnu::always_inline]] static inline void one_block(Number& h, Halves block,
                                                        const Multiplier& by_r, unsigned lanes) {
        Number sum{};
        add_product(sum, add(h, split(block, top())), by_r);
        const Number next = reduce(sum);
        for (unsigned index = 0; index < kLimbs; ++index) {
            h.limb[index] = Lanes::choose(lanes, next.limb[index], h.limb[index]);
        }
    }

    // Reduces fully (subtracts 2^130 - 5 where that does not borrow) and adds s modulo 2^128.
    [[gnu::always_inline]] static inline void store(Number h, Halves s, unsigned count,
                                                    std::uint8_t* const* tags) {
        const Vector mask = Lanes::all(kMask26);
        for (unsigned pass = 0; pass < 2; ++pass) {
            for (unsigned index = 0; index + 1 < kLimbs; ++index) {
                h.limb[index + 1] =
                    Lanes::add(h.limb[index + 1], Lanes::template shift_right<26>(h.limb[index]));
                h.limb[index] = Lanes::bit_and(h.limb[index], mask);
            }
            const Vector over = Lanes::template shift_right<26>(h.limb[4]);
            h.limb[4] = Lanes::bit_and(h.limb[4], mask);
            h.limb[0] = Lanes::add(h.limb[0], times_5(over));
        }
        Number minus = h;
        minus.limb[0] = Lanes::add(minus.limb[0], Lanes::all(5));
        for (unsigned index = 0; index + 1 < kLimbs; ++index) {
            minus.limb[index + 1] = Lanes::add(minus.limb[index + 1],
                                               Lanes::template shift_right<26>(minus.limb[index]));
            minus.limb[index] = Lanes::bit_and(minus.limb[index], mask);
        }
        // All ones where h + 5 reached 2^130.
        const Vector is_above =
            Lanes::subtract(Lanes::all(0), Lanes::template shift_right<26>(minus.limb[4]));
        minus.limb[4] = Lanes::bit_and(minus.limb[4], mask);
        for (unsigned index = 0; index < kLimbs; ++index) {
            h.limb[index] = Lanes::bit_or(Lanes::bit_and(is_above, minus.limb[index]),
                                          Lanes::bit_and_not(is_above, h.limb[index]));
        }
        const Halves sum{
            Lanes::bit_or(h.limb[0], Lanes::bit_or(Lanes::template shift_left<26>(h.limb[1]),
                                                   Lanes::template shift_left<52>(h.limb[2]))),
            Lanes::bit_or(Lanes::template shift_right<12>(h.limb[2]),
                          Lanes::bit_or(Lanes::template shift_left<14>(h.limb[3]),
                                        Lanes::template shift_left<40>(h.limb[4])))};
        alignas(64) std::uint64_t low[Lanes::kCount];
        alignas(64) std::uint64_t high[Lanes::kCount];
        alignas(64) std::uint64_t s_low[Lanes::kCount];
        alignas(64) std::uint64_t s_high[Lanes::kCount];
        Lanes::store(low, sum.low);
        Lanes::store(high, sum.high);
        Lanes::store(s_low, s.low);
        Lanes::store(s_high, s.high);
        for (unsigned lane = 0; lane < count; ++lane) {
            const std::uint64_t tag_low = low[lane] + s_low[lane];
            const std::uint64_t carry = tag_low < low[lane] ? 1 : 0;
            const std::uint64_t tag_high = high[lane] + s_high[lane] + carry;
            __builtin_memcpy(tags[lane], &tag_low, sizeof tag_low);
            __builtin_memcpy(tags[lane] + 8, &tag_high, sizeof tag_high);
        }
    }
};

}  // namespace towpath::crypto
