// SPDX-License-Identifier: BSD-3-Clause
// What the data plane knows of peers and would take with it when it ends.
#include <chrono>

#include "control/tunnels/tunnels.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {

using namespace contract;

namespace {

// A page of 128 peers: where a peer has roamed to is known here within two seconds with a hundred
// of them, within a quarter of an hour with a hundred thousand.
constexpr Duration kSurveyPeriod = std::chrono::seconds{1};

}  // namespace

void Tunnels::survey(Now now) {
    if (now < survey_.next) {
        return;
    }
    survey_.next = now + kSurveyPeriod;
    PeersQuery query;
    query.cursor = survey_.cursor;
    const auto bytes = bytes_of(query);
    io_.send({bytes.begin(), bytes.end()});
}

void Tunnels::on_surveyed(const PeersReply& page) {
    if (!installing_.empty()) {
        return;  // of before the session that is on its way: the same page once more
    }
    survey_.cursor = page.next_cursor;
    for (std::size_t position = 0; position < page.count; ++position) {
        const PeerRow& row = page.rows[position];
        const BookedPeer* const booked = book_.find(row.peer);
        if (booked != nullptr && booked->settings->public_key == row.public_key) {
            book_.set_way(row.peer, row.way);
            learn_endpoint(row.peer, row.endpoint.endpoint());
        }
    }
}

}  // namespace towpath::control
