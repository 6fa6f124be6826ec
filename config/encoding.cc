// SPDX-License-Identifier: BSD-3-Clause
#include "config/encoding.h"

#include <cstdint>

namespace towpath::config {
namespace {

constexpr std::size_t kQuotedBytesMax = 60;

// Length of the UTF-8 sequence at the front, 0 if there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t index) -> std::uint32_t {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    const auto continues = [&](std::size_t index) { return (byte(index) & 0xC0U) == 0x80U; };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return continues(1) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool is_overlong = lead == 0xE0 && byte(1) < 0xA0;
        const bool is_surrogate = lead == 0xED && byte(1) > 0x9F;
        return continues(1) && continues(2) && !is_overlong && !is_surrogate ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const bool is_overlong = lead == 0xF0 && byte(1) < 0x90;
        const bool is_too_large = lead == 0xF4 && byte(1) > 0x8F;
        return continues(1) && continues(2) && continues(3) && !is_overlong && !is_too_large ? 4
                                                                                             : 0;
    }
    return 0;
}

bool is_refused_control(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
}

}  // namespace

std::optional<Diagnostic> check_encoding(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        return Diagnostic{Severity::error,
                          {},
                          "larger than " + std::to_string(bytes_max >> 20U) +
                              " MiB: a configuration is at most " + std::to_string(bytes_max) +
                              " bytes"};
    }
    Position position{1, 1};
    for (std::size_t index = 0; index < text.size();) {
        const std::size_t length = sequence_length(text.substr(index));
        if (length == 0) {
            return Diagnostic{Severity::error, position, "not UTF-8: save the file as UTF-8 text"};
        }
        if (is_refused_control(text[index])) {
            return Diagnostic{Severity::error, position,
                              "control character " +
                                  std::to_string(static_cast<unsigned char>(text[index])) +
                                  ": a configuration is plain text"};
        }
        if (text[index] == '\n') {
            position = {position.line + 1, 1};
        } else {
            ++position.column;
        }
        index += length;
    }
    return std::nullopt;
}

std::string printable(std::string_view text) {
    std::string quoted;
    for (std::size_t index = 0; index < text.size();) {
        const std::size_t length = sequence_length(text.substr(index));
        if (quoted.size() + length > kQuotedBytesMax) {
            return quoted + "...";
        }
        // A YAML escape can make what the file itself may not contain.
        const bool is_shown = length > 0 && !is_refused_control(text[index]) &&
                              text[index] != '\n' && text[index] != '\r' && text[index] != '\t';
        quoted += is_shown ? text.substr(index, length) : std::string_view{"?"};
        index += length == 0 ? 1 : length;
    }
    return quoted;
}

}  // namespace towpath::config
