// SPDX-License-Identifier: BSD-3-Clause
#include "control/observe/next_hop_watch.h"

#include <map>
#include <set>
#include <utility>

namespace towpath::control {
namespace {

enum class Answers { no, yes, unknown };

using Key = std::pair<std::string, std::string>;  // interface, address

Key key_of(const std::string& interface, const IpAddress& address) {
    return {interface, to_string(address)};
}

std::string sentence(const NextHopModel& hop, const char* what) {
    return "next hop " + to_string(hop.address) + " of " + hop.routes + " by " + hop.interface +
           what;
}

}  // namespace

std::vector<std::string> NextHopWatch::look(const std::vector<NextHopModel>& hops,
                                            const std::vector<NeighborModel>& neighbors) {
    std::map<Key, Answers> known;
    for (const NeighborModel& neighbor : neighbors) {
        known[key_of(neighbor.interface, neighbor.address)] = neighbor.is_resolved() ? Answers::yes
                                                              : neighbor.state == "failed"
                                                                  ? Answers::no
                                                                  : Answers::unknown;
    }
    std::set<Key> before;
    for (const NextHopModel& hop : dead_) {
        before.insert(key_of(hop.interface, hop.address));
    }
    std::vector<std::string> news;
    std::vector<NextHopModel> dead;
    for (const NextHopModel& hop : hops) {
        const Key key = key_of(hop.interface, hop.address);
        const bool was_dead = before.contains(key);
        const auto found = known.find(key);
        const Answers answers = found == known.end() ? Answers::unknown : found->second;
        if (answers == Answers::no || (was_dead && answers == Answers::unknown)) {
            dead.push_back(hop);
            if (!was_dead) {
                news.push_back(sentence(hop, " does not answer: nothing leaves that way"));
            }
        } else if (was_dead) {
            news.push_back(sentence(hop, " answers again"));
        }
    }
    dead_ = std::move(dead);
    return news;
}

}  // namespace towpath::control
