// SPDX-License-Identifier: BSD-3-Clause
// A transport checksum that the sender left to hardware that does not exist on a virtual link: the
// field holds only the pseudo-header's sum (decisions.md N7). Completing it at receive is the one
// exception to CK-10.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/checksum.h"

namespace towpath::port {

struct PartialChecksum {
    std::size_t start = 0;  // of the transport header, from the frame's first byte
    std::size_t field = 0;  // of the checksum, from `start`
};

// Sums from `start` to the end of the frame into the field. False, and nothing written, when the
// field does not lie in the frame. A sum of zero is written as 0xFFFF: UDP's zero means "none"
// (RFC 768), and for TCP both mean the same.
[[nodiscard]] inline bool complete_checksum(std::span<std::byte> frame,
                                            PartialChecksum partial) noexcept {
    if (partial.start > frame.size() || partial.field > frame.size() - partial.start ||
        frame.size() - partial.start - partial.field < sizeof(be16)) {
        return false;
    }
    be16 checksum = full_checksum(frame.subspan(partial.start));
    if (checksum.raw() == 0) {
        checksum = be16{0xFFFF};
    }
    std::memcpy(frame.data() + partial.start + partial.field, &checksum, sizeof checksum);
    return true;
}

}  // namespace towpath::port
