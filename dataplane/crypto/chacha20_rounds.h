// SPDX-License-Identifier: BSD-3-Clause
// The rounds of ChaCha20 (RFC 8439 sections 2.1 to 2.3) over as many blocks as a vector has lanes.
// `Lanes` belongs to an unnamed namespace of the including file, so what is instantiated here stays
// inside that file.
#pragma once

namespace towpath::crypto {

inline constexpr int kChachaConstants[4] = {0x61707865, 0x3320646E, 0x79622D32, 0x6B206574};

// Word n of the state of every block is row[n].
template <class Lanes>
struct ChachaRows {
    typename Lanes::Vector row[16];
};

template <class Lanes>
[[gnu::always_inline]] inline void quarter_round(typename Lanes::Vector& a,
                                                 typename Lanes::Vector& b,
                                                 typename Lanes::Vector& c,
                                                 typename Lanes::Vector& d) {
    a = Lanes::add(a, b);
    d = Lanes::template rotate_left<16>(Lanes::exclusive_or(d, a));
    c = Lanes::add(c, d);
    b = Lanes::template rotate_left<12>(Lanes::exclusive_or(b, c));
    a = Lanes::add(a, b);
    d = Lanes::template rotate_left<8>(Lanes::exclusive_or(d, a));
    c = Lanes::add(c, d);
    b = Lanes::template rotate_left<7>(Lanes::exclusive_or(b, c));
}

template <class Lanes>
[[gnu::always_inline]] inline void twenty_rounds(ChachaRows<Lanes>& x) {
    auto& row = x.row;
    for (unsigned double_round = 0; double_round < 10; ++double_round) {
        quarter_round<Lanes>(row[0], row[4], row[8], row[12]);
        quarter_round<Lanes>(row[1], row[5], row[9], row[13]);
        quarter_round<Lanes>(row[2], row[6], row[10], row[14]);
        quarter_round<Lanes>(row[3], row[7], row[11], row[15]);
        quarter_round<Lanes>(row[0], row[5], row[10], row[15]);
        quarter_round<Lanes>(row[1], row[6], row[11], row[12]);
        quarter_round<Lanes>(row[2], row[7], row[8], row[13]);
        quarter_round<Lanes>(row[3], row[4], row[9], row[14]);
    }
}

}  // namespace towpath::crypto
