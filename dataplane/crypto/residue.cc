// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/residue.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace towpath::crypto {
namespace {

// The deepest path, open_batch(), open_group() and Poly1305 for AVX-512F, takes 5.4 KiB.
constexpr std::size_t kDepth_bytes = 6144;

// A frame of its own, which begins where those of the kernels began.
[[gnu::noinline]] void clear_stack() noexcept {
    std::array<std::byte, kDepth_bytes> below;
    ::explicit_bzero(below.data(), below.size());
}

}  // namespace

void clear_residue(VectorRegisters registers) noexcept {
    clear_stack();
    // Assembly, because this file is built for CPUs without these registers: the compiler keeps
    // nothing in 16 to 31, and 0 to 15 are named as overwritten.
    if (registers == VectorRegisters::avx512) {
        __asm__ volatile(
            "vpxord %%zmm16, %%zmm16, %%zmm16\n vpxord %%zmm17, %%zmm17, %%zmm17\n"
            "vpxord %%zmm18, %%zmm18, %%zmm18\n vpxord %%zmm19, %%zmm19, %%zmm19\n"
            "vpxord %%zmm20, %%zmm20, %%zmm20\n vpxord %%zmm21, %%zmm21, %%zmm21\n"
            "vpxord %%zmm22, %%zmm22, %%zmm22\n vpxord %%zmm23, %%zmm23, %%zmm23\n"
            "vpxord %%zmm24, %%zmm24, %%zmm24\n vpxord %%zmm25, %%zmm25, %%zmm25\n"
            "vpxord %%zmm26, %%zmm26, %%zmm26\n vpxord %%zmm27, %%zmm27, %%zmm27\n"
            "vpxord %%zmm28, %%zmm28, %%zmm28\n vpxord %%zmm29, %%zmm29, %%zmm29\n"
            "vpxord %%zmm30, %%zmm30, %%zmm30\n vpxord %%zmm31, %%zmm31, %%zmm31\n" ::
                : "memory");
    }
    __asm__ volatile("vzeroall" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
}

}  // namespace towpath::crypto
