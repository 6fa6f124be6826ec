// SPDX-License-Identifier: BSD-3-Clause
// header_at never hands out bytes that are not there, and an incremental checksum update (RFC 1624)
// equals a full recomputation (RFC 1071) for every header and every new address.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv4.h"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    if (size_bytes < 6) {
        return 0;
    }
    // An offset, a new source address, and the packet.
    const std::size_t offset = data[0];
    std::uint32_t new_source = 0;
    std::memcpy(&new_source, data + 1, sizeof new_source);
    std::vector<std::byte> packet(size_bytes - 5);
    std::memcpy(packet.data(), data + 5, packet.size());

    auto* header = towpath::header_at<towpath::Ipv4Header>(std::span<std::byte>{packet}, offset);
    require((header != nullptr) ==
            (offset <= packet.size() && packet.size() - offset >= sizeof(towpath::Ipv4Header)));
    if (header == nullptr) {
        return 0;
    }
    const std::span<const std::byte> bytes{packet.data() + offset, sizeof *header};
    header->checksum = towpath::be16{0};
    header->checksum = towpath::full_checksum(bytes);
    require(towpath::checksum_is_valid(bytes) || towpath::sum_words(bytes) == 0);

    const towpath::be32 before = header->source;
    const towpath::be32 after{new_source};
    const auto delta = towpath::ChecksumDelta{}.replace(before, after);
    const bool was_valid = towpath::checksum_is_valid(bytes);
    header->source = after;
    header->checksum = towpath::update_checksum(header->checksum, delta);
    require(!was_valid || towpath::checksum_is_valid(bytes) || towpath::sum_words(bytes) == 0);

    // The inverse leads back.
    header->source = before;
    header->checksum = towpath::update_checksum(header->checksum, delta.inverse());
    require(!was_valid || towpath::checksum_is_valid(bytes) || towpath::sum_words(bytes) == 0);
    return 0;
}
