// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/mss.h"

#include <algorithm>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/tcp.h"

namespace towpath {

namespace {

constexpr std::size_t kMssOptionLength_bytes = 4;
constexpr std::uint16_t kMssFloor_bytes = 64;  // smaller ones are not ours to mend

// The option's value lies at an odd offset after an odd number of bytes: its bytes then belong to
// the other halves of the checksum's words (CK-08).
[[nodiscard]] be16 as_summed(std::uint16_t value, std::size_t offset) noexcept {
    return be16{offset % 2 == 0 ? value : swap_bytes(value)};
}

[[nodiscard]] bool lower_option(std::span<std::byte> segment, std::size_t offset,
                                std::uint16_t limit_bytes) noexcept {
    be16& field = *header_at<be16>(segment, offset);
    const std::uint16_t mss_bytes = field.host();
    if (mss_bytes < kMssFloor_bytes || mss_bytes <= limit_bytes) {
        return false;
    }
    ChecksumDelta delta;
    delta.replace(as_summed(mss_bytes, offset), as_summed(limit_bytes, offset));
    field = be16{limit_bytes};
    TcpHeader& tcp = *header_at<TcpHeader>(segment, 0);
    tcp.checksum = update_checksum(tcp.checksum, delta);
    return true;
}

}  // namespace

MssResult clamp_mss(std::span<std::byte> segment, std::uint16_t limit_bytes) noexcept {
    const TcpHeader* tcp = header_at<TcpHeader>(segment, 0);
    if (tcp == nullptr) {
        return MssResult::malformed;
    }
    const std::size_t end = std::min(tcp->header_length_bytes(), segment.size());
    MssResult result = MssResult::unchanged;
    for (std::size_t offset = sizeof(TcpHeader); offset < end;) {
        const auto kind = std::to_integer<std::uint8_t>(segment[offset]);
        if (kind == kTcpOptionEnd) {
            break;
        }
        if (kind == kTcpOptionNop) {
            ++offset;
            continue;
        }
        const std::size_t length_bytes =
            offset + 1 < end ? std::to_integer<std::size_t>(segment[offset + 1]) : 0;
        if (length_bytes < 2 || length_bytes > end - offset ||
            (kind == kTcpOptionMss && length_bytes != kMssOptionLength_bytes)) {
            return MssResult::malformed;
        }
        if (kind == kTcpOptionMss && lower_option(segment, offset + 2, limit_bytes)) {
            result = MssResult::lowered;
        }
        offset += length_bytes;
    }
    return result;
}

}  // namespace towpath
