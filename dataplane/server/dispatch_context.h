// SPDX-License-Identifier: BSD-3-Clause
// One message on its way through the dispatcher: whose it is and how it is answered.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch.h"

namespace towpath::server {

struct Dispatcher::Context {
    Client& client;
    const Send& send;
    contract::Header request;

    template <class M>
    void reply(M& message) const {
        message.header = contract::header_of<M>(request.request);
        send(contract::bytes_of(message));
    }
    void refuse(contract::MessageType what, std::string_view sentence, bool needs_restart = false,
                bool closes = false) const {
        contract::Refused message;
        message.what = what;
        message.needs_restart = needs_restart ? 1 : 0;
        message.closes = closes ? 1 : 0;
        message.sentence.set(sentence);
        reply(message);
        client.is_refused = client.is_refused || closes;
    }
    // All rows, in as many messages as they need; at least one.
    template <class Reply, class Row>
    void reply_in_parts(const std::vector<Row>& rows) const {
        std::size_t offset = 0;
        do {
            Reply message;
            const std::size_t count = std::min(message.rows.size(), rows.size() - offset);
            message.part.total = static_cast<std::uint32_t>(rows.size());
            message.part.offset = static_cast<std::uint32_t>(offset);
            message.part.count = static_cast<std::uint32_t>(count);
            std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(offset), count,
                        message.rows.begin());
            reply(message);
            offset += count;
        } while (offset < rows.size());
    }
};

}  // namespace towpath::server
