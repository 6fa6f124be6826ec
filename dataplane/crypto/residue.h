// SPDX-License-Identifier: BSD-3-Clause
// What a kernel leaves behind: keys, key streams and tags in vector registers and in its dead stack
// frames.
#pragma once

namespace towpath::crypto {

enum class VectorRegisters : bool { avx2, avx512 };

// Clears the stack below the caller as deep as kernels reach from there, and all vector registers;
// about 50 ns. The CPU has what `registers` names.
void clear_residue(VectorRegisters registers) noexcept;

}  // namespace towpath::crypto
