// SPDX-License-Identifier: BSD-3-Clause
// Published vectors as they are printed: hexadecimal text into bytes.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "dataplane/wire/assertion.h"

namespace towpath::builders {

inline std::vector<std::byte> from_hex(std::string_view text) {
    const auto digit = [](char letter) {
        const std::string_view digits = "0123456789abcdef";
        const std::size_t value = digits.find(letter);
        TOWPATH_ASSERT(value != std::string_view::npos);
        return value;
    };
    TOWPATH_ASSERT(text.size() % 2 == 0);
    std::vector<std::byte> bytes;
    for (std::size_t index = 0; index < text.size(); index += 2) {
        bytes.push_back(static_cast<std::byte>(digit(text[index]) * 16 + digit(text[index + 1])));
    }
    return bytes;
}

template <std::size_t length_bytes>
std::array<std::byte, length_bytes> array_from_hex(std::string_view text) {
    const std::vector<std::byte> bytes = from_hex(text);
    TOWPATH_ASSERT(bytes.size() == length_bytes);
    std::array<std::byte, length_bytes> array;
    for (std::size_t index = 0; index < length_bytes; ++index) {
        array[index] = bytes[index];
    }
    return array;
}

}  // namespace towpath::builders
