// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/replies.h"

#include <boost/json/serialize.hpp>
#include <charconv>

namespace towpath::control::api {

namespace json = boost::json;

Response reply(const json::object& object, unsigned status) {
    return {status, "application/json", json::serialize(object) + "\n"};
}

Response refusal(unsigned status, const std::string& sentence) {
    json::object object = document();
    object["error"] = sentence;
    return reply(object, status);
}

Response refusal(const Failure& failure) {
    return refusal(failure.exit_code == ExitCode::unreachable ? 503 : 500, failure.sentence);
}

json::object merged(const json::object& object) {
    json::object whole = document();
    for (const auto& [key, value] : object) {
        whole[key] = value;
    }
    return whole;
}

std::optional<std::uint64_t> number(const Request& request, const std::string& name,
                                    std::uint64_t missing) {
    const auto found = request.query.find(name);
    if (found == request.query.end()) {
        return missing;
    }
    std::uint64_t value = 0;
    const std::string& text = found->second;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc{} && rest == text.data() + text.size() ? std::optional{value}
                                                                       : std::nullopt;
}

}  // namespace towpath::control::api
