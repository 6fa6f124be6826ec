// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/link_table.h"

namespace towpath::port {

void LinkTable::begin_dump() {
    for (auto& [index, entry] : links_) {
        entry.was_seen = false;
    }
}

std::vector<LinkEvent> LinkTable::apply(const LinkMessage& message) {
    std::vector<LinkEvent> events;
    if (message.kind == LinkMessage::Kind::present) {
        note_present(message.link, events);
    } else if (message.kind == LinkMessage::Kind::dump_end) {
        end_dump(events);
    } else if (message.kind == LinkMessage::Kind::removed) {
        if (const auto found = links_.find(message.link.index); found != links_.end()) {
            events.push_back({LinkEvent::Kind::removed, found->second.link});
            links_.erase(found);
        }
    }
    return events;
}

void LinkTable::note_present(const LinkState& link, std::vector<LinkEvent>& events) {
    auto found = links_.find(link.index);
    if (found != links_.end() && found->second.link.name != link.name) {
        events.push_back({LinkEvent::Kind::removed, found->second.link});
        links_.erase(found);
        found = links_.end();
    }
    if (found == links_.end()) {
        if (links_.size() < kLinksMax) {
            links_.emplace(link.index, Entry{link});
            events.push_back({LinkEvent::Kind::appeared, link});
        }
        return;
    }
    LinkState& known = found->second.link;
    found->second.was_seen = true;
    if (known.mac != link.mac || known.mtu_bytes != link.mtu_bytes) {
        events.push_back({LinkEvent::Kind::changed, link});
    }
    if (known.is_up != link.is_up) {
        events.push_back({link.is_up ? LinkEvent::Kind::up : LinkEvent::Kind::down, link});
    }
    known = link;
}

void LinkTable::end_dump(std::vector<LinkEvent>& events) {
    for (auto entry = links_.begin(); entry != links_.end();) {
        if (entry->second.was_seen) {
            ++entry;
            continue;
        }
        events.push_back({LinkEvent::Kind::removed, entry->second.link});
        entry = links_.erase(entry);
    }
}

}  // namespace towpath::port
