// SPDX-License-Identifier: BSD-3-Clause
// Text forms of addresses: whatever is accepted is written back as it was read, so no two texts
// mean one address.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/wire/address.h"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

std::string lower(std::string_view text) {
    std::string copy{text};
    for (char& character : copy) {
        if (character >= 'A' && character <= 'F') {
            character = static_cast<char>(character - 'A' + 'a');
        }
    }
    return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    const std::string_view text{reinterpret_cast<const char*>(data), size_bytes};
    if (const auto address = towpath::parse_ipv4_address(text)) {
        require(towpath::to_string(*address) == text);
    }
    if (const auto prefix = towpath::parse_ipv4_prefix(text)) {
        const auto again = towpath::parse_ipv4_prefix(towpath::to_string(*prefix));
        require(again.has_value() && *again == *prefix);
        require(prefix->contains(prefix->address()) && prefix->contains(prefix->broadcast()));
    }
    if (const auto mac = towpath::parse_mac_address(text)) {
        require(towpath::to_string(*mac) == lower(text));
    }
    return 0;
}
