// SPDX-License-Identifier: BSD-3-Clause
// A group of packets through a kernel: which block and which tag goes into which lane.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/crypto/aead.h"
#include "dataplane/crypto/kernel.h"

namespace towpath::crypto {

// The kernel of a path, or null for one that has none.
[[nodiscard]] const Kernel* kernel_of(AeadPath path) noexcept;

// At most kGroupMax packets; lengths as near to each other as can be had, because a Poly1305 lane
// waits for the longest of its group.
void seal_group(const Kernel& kernel, std::span<const KernelPacket> packets) noexcept;
// A mask with bit n set if the tag behind packet n is right. Packets whose tag is wrong stay as
// they came: nothing is decrypted before its tag is known to be right.
[[nodiscard]] std::uint32_t open_group(const Kernel& kernel,
                                       std::span<const KernelPacket> packets) noexcept;

// Of kTag_bytes each. Constant time.
[[nodiscard]] bool tags_are_equal(const std::uint8_t* left, const std::uint8_t* right) noexcept;

}  // namespace towpath::crypto
