// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/withdrawal.h"

#include <algorithm>

namespace towpath::engine {

std::vector<std::string> withdrawals(std::span<const Ipv4Address> applied,
                                     std::span<const Ipv4Address> next,
                                     const CountMappings& count) {
    std::vector<std::string> sentences;
    for (const Ipv4Address address : applied) {
        if (std::find(next.begin(), next.end(), address) != next.end()) {
            continue;
        }
        if (const std::size_t mappings = count(address); mappings != 0) {
            sentences.push_back(
                to_string(address) + " leaves the pool: " + std::to_string(mappings) +
                (mappings == 1 ? " mapping ends" : " mappings end") +
                ", and the connections that use " + (mappings == 1 ? "it" : "them"));
        }
    }
    return sentences;
}

}  // namespace towpath::engine
