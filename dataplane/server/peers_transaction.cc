// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/server/peers_transaction.h"

#include <string>

namespace towpath::server {

Outcome<void> add(OpenTransaction& transaction, const contract::StartSettings& start,
                  const contract::PeerSet& message) {
    if (message.peer >= start.peers) {
        return fail(ExitCode::refused, "peer " + std::to_string(message.peer) + " is beyond the " +
                                           std::to_string(start.peers) +
                                           " that the data plane was started for: restart needed");
    }
    if (message.tunnel < start.port_count ||
        message.tunnel >= start.port_count + start.tunnel_count) {
        return fail(ExitCode::failed,
                    "interface " + std::to_string(message.tunnel) + " is no tunnel");
    }
    if (!transaction.progress.is_complete()) {
        return fail(ExitCode::failed, "the allowed IPs of a peer were not stated to their end");
    }
    transaction.changes.push_back({message, {}});
    transaction.changes.back().set.header = contract::header_of<contract::PeerSet>();
    for (std::size_t entry = 0; entry < message.allowed_ip_count; ++entry) {
        transaction.changes.back().allowed_ips.push_back(message.allowed_ips[entry].prefix());
    }
    transaction.progress = {};
    return {};
}

Outcome<void> add(OpenTransaction& transaction, const contract::StartSettings&,
                  const contract::PeerPrefixChunk& message) {
    const std::string named = "allowed IPs of peer " + std::to_string(message.peer);
    if (transaction.changes.empty() || transaction.changes.back().set.peer != message.peer) {
        return fail(ExitCode::failed, named + " do not follow that peer");
    }
    if (transaction.changes.back().set.allowed_ip_count != 0) {
        return fail(ExitCode::failed, named + " were stated already");
    }
    const contract::ListPart& part = message.part;
    if (part.offset != transaction.progress.next ||
        (part.offset != 0 && part.total != transaction.progress.total)) {
        return fail(ExitCode::failed, "a part of the " + named + " is missing");
    }
    auto& allowed_ips = transaction.changes.back().allowed_ips;
    allowed_ips.reserve(part.total);
    for (std::size_t entry = 0; entry < part.count; ++entry) {
        allowed_ips.push_back(message.entries[entry].prefix());
    }
    transaction.progress = {part.total, part.offset + part.count};
    return {};
}

}  // namespace towpath::server
