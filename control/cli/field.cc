// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/field.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;

const json::value* at(const json::value& value, std::string_view path) {
    boost::system::error_code error;
    return value.find_pointer({path.data(), path.size()}, error);
}

}  // namespace

std::string text_at(const json::value& value, std::string_view path) {
    const json::value* found = at(value, path);
    const json::string* text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr ? std::string{} : std::string{text->data(), text->size()};
}

std::uint64_t count_at(const json::value& value, std::string_view path) {
    const json::value* found = at(value, path);
    if (found == nullptr) {
        return 0;
    }
    if (const std::uint64_t* large = found->if_uint64()) {
        return *large;
    }
    const std::int64_t* number = found->if_int64();
    return number == nullptr || *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
}

double real_at(const json::value& value, std::string_view path) {
    const json::value* found = at(value, path);
    const double* number = found == nullptr ? nullptr : found->if_double();
    return number == nullptr ? static_cast<double>(count_at(value, path)) : *number;
}

bool flag_at(const json::value& value, std::string_view path) {
    const json::value* found = at(value, path);
    const bool* flag = found == nullptr ? nullptr : found->if_bool();
    return flag != nullptr && *flag;
}

const json::array& list_at(const json::value& value, std::string_view path) {
    static const json::array kEmpty;
    const json::value* found = at(value, path);
    const json::array* array = found == nullptr ? nullptr : found->if_array();
    return array == nullptr ? kEmpty : *array;
}

std::string words_at(const json::value& value, std::string_view path, std::string_view separator) {
    std::string joined;
    for (const json::value& word : list_at(value, path)) {
        joined += (joined.empty() ? std::string_view{} : separator);
        joined += text_at(word, "");
    }
    return joined;
}

}  // namespace towpath::control::cli
