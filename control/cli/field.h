// SPDX-License-Identifier: BSD-3-Clause
// Reading fields of a JSON answer that may be of another version: a missing one, or one of another
// type, is empty, zero or false.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace towpath::control::cli {

// `path` is a JSON pointer (RFC 6901): "/dataplane/state".
[[nodiscard]] std::string text_at(const boost::json::value& value, std::string_view path);
[[nodiscard]] std::uint64_t count_at(const boost::json::value& value, std::string_view path);
[[nodiscard]] double real_at(const boost::json::value& value, std::string_view path);
[[nodiscard]] bool flag_at(const boost::json::value& value, std::string_view path);
[[nodiscard]] const boost::json::array& list_at(const boost::json::value& value,
                                                std::string_view path);
// The words of a list, joined.
[[nodiscard]] std::string words_at(const boost::json::value& value, std::string_view path,
                                   std::string_view separator);

}  // namespace towpath::control::cli
