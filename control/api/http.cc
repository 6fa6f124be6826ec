// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/http.h"

#include <charconv>
#include <optional>

namespace towpath::control::api {
namespace {

std::optional<std::string> decode(std::string_view text) {
    std::string decoded;
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (text[index] != '%') {
            decoded += text[index];
            continue;
        }
        unsigned value = 0;
        const std::string_view digits = text.substr(index + 1, 2);
        const char* end = digits.data() + digits.size();
        const auto [rest, failure] = std::from_chars(digits.data(), end, value, 16);
        if (digits.size() != 2 || failure != std::errc{} || rest != end) {
            return std::nullopt;
        }
        decoded += static_cast<char>(value);
        index += 2;
    }
    return decoded;
}

}  // namespace

bool parse_target(std::string_view target, Request& request) {
    const std::size_t mark = target.find('?');
    auto path = decode(target.substr(0, mark));
    if (!path) {
        return false;
    }
    request.path = std::move(*path);
    std::string_view query =
        mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
    while (!query.empty()) {
        const std::size_t next = query.find('&');
        const std::string_view field = query.substr(0, next);
        query.remove_prefix(next == std::string_view::npos ? query.size() : next + 1);
        const std::size_t equals = field.find('=');
        auto name = decode(field.substr(0, equals));
        auto value = decode(equals == std::string_view::npos ? std::string_view{}
                                                             : field.substr(equals + 1));
        if (!name || !value) {
            return false;
        }
        request.query.insert_or_assign(std::move(*name), std::move(*value));
    }
    return true;
}

}  // namespace towpath::control::api
