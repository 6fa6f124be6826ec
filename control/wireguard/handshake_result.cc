// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/handshake_result.h"

namespace towpath::control::wireguard {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(HandshakeResult::count)> kResults{
    "sent",         "completed",       "gave_up",         "malformed",     "no_identity",
    "bad_mac1",     "cookie_sent",     "source_limited",  "not_for_us",    "unknown_key",
    "unusable_key", "stale_timestamp", "too_soon",        "unknown_index", "bad_response",
    "bad_cookie",   "cookie_received", "no_session_slot", "refused",
};
constexpr std::array<std::string_view, static_cast<std::size_t>(PeerStatus::count)> kStatuses{
    "up",
    "idle",
    "waiting",
    "no_answer",
    "bad_response",
    "bad_mac1",
    "not_confirmed",
    "remote_loaded",
    "stale_timestamp",
    "no_endpoint",
    "name_not_resolved",
    "unusable_key",
    "no_identity",
    "no_session_slot",
};
static_assert(!kResults.back().empty() && !kStatuses.back().empty());

}  // namespace

std::string_view to_string(HandshakeRole role) noexcept {
    return role == HandshakeRole::initiator ? "initiator" : "responder";
}

std::string_view to_string(HandshakeResult result) noexcept {
    const auto index = static_cast<std::size_t>(result);
    return index < kResults.size() ? kResults[index] : "unknown";
}

std::string_view to_string(PeerStatus status) noexcept {
    const auto index = static_cast<std::size_t>(status);
    return index < kStatuses.size() ? kStatuses[index] : "unknown";
}

}  // namespace towpath::control::wireguard
