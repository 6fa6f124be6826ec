// SPDX-License-Identifier: BSD-3-Clause
// Turns what the kernel says about links into what has changed. Pure: the watcher feeds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "dataplane/port/link_message.h"

namespace towpath::port {

inline constexpr std::size_t kLinksMax = 4096;  // further links are not watched

struct LinkEvent {
    // appeared: new, or back (N12). up and down: carrier and administrative state. changed: MAC or
    // MTU. A renamed link is removed and appeared.
    enum class Kind : std::uint8_t { appeared, removed, up, down, changed };
    Kind kind = Kind::appeared;
    LinkState link;  // as it is now; for removed, as it was

    friend bool operator==(const LinkEvent&, const LinkEvent&) = default;
};

class LinkTable {
public:
    // The next messages up to dump_end are a full list.
    void begin_dump();
    // What has changed by this message, in order; mostly nothing or one.
    [[nodiscard]] std::vector<LinkEvent> apply(const LinkMessage& message);
    [[nodiscard]] std::size_t size() const noexcept { return links_.size(); }

private:
    struct Entry {
        LinkState link;
        bool was_seen = true;  // in the current dump
    };
    void note_present(const LinkState& link, std::vector<LinkEvent>& events);
    void end_dump(std::vector<LinkEvent>& events);

    std::map<std::uint32_t, Entry> links_;
};

}  // namespace towpath::port
