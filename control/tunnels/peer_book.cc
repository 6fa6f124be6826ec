// SPDX-License-Identifier: BSD-3-Clause
#include "control/tunnels/peer_book.h"

#include <algorithm>

#include "control/wireguard/action.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {
namespace {

using namespace contract;

template <class M>
Datagram datagram_of(const M& message) {
    const auto bytes = bytes_of(message);
    return {bytes.begin(), bytes.end()};
}

void state_peer(std::uint32_t number, const BookedPeer& peer, std::vector<Datagram>& out) {
    PeerSet set;
    set.peer = number;
    set.tunnel = peer.tunnel_id;
    set.persistent_keepalive_s =
        static_cast<std::uint16_t>(peer.settings->persistent_keepalive.count());
    set.public_key = peer.settings->public_key;
    set.endpoint = IpEndpointField::of(peer.endpoint);
    set.endpoint_generation = peer.endpoint_generation;
    const std::vector<IpPrefix>& prefixes = peer.settings->allowed_ips;
    if (prefixes.size() <= set.allowed_ips.size()) {
        std::transform(prefixes.begin(), prefixes.end(), set.allowed_ips.begin(),
                       IpPrefixField::of);
        set.allowed_ip_count = static_cast<std::uint32_t>(prefixes.size());
        out.push_back(datagram_of(set));
        return;
    }
    out.push_back(datagram_of(set));
    for (std::size_t offset = 0; offset < prefixes.size();) {
        PeerPrefixChunk chunk;
        const std::size_t count = std::min(chunk.entries.size(), prefixes.size() - offset);
        chunk.peer = number;
        chunk.part = {static_cast<std::uint32_t>(prefixes.size()),
                      static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(count), 0};
        const auto first = prefixes.begin() + static_cast<std::ptrdiff_t>(offset);
        std::transform(first, first + static_cast<std::ptrdiff_t>(count), chunk.entries.begin(),
                       IpPrefixField::of);
        out.push_back(datagram_of(chunk));
        offset += count;
    }
}

}  // namespace

void PeerBook::begin(std::uint32_t capacity) {
    *this = PeerBook{};
    capacity_ = capacity;
}

void PeerBook::adopt(const std::string& tunnel, const PeerRow& row) {
    if (row.peer >= capacity_) {
        return;
    }
    numbers_[tunnel][row.public_key] = row.peer;
    while (next_fresh_ <= row.peer) {
        if (next_fresh_ != row.peer) {
            released_.push_back(next_fresh_);
        }
        ++next_fresh_;
    }
    std::erase(released_, row.peer);
}

std::optional<std::uint32_t> PeerBook::number_of(const std::string& tunnel,
                                                 const config::PublicKeyBytes& key) {
    auto& numbers = numbers_[tunnel];
    if (const auto found = numbers.find(key); found != numbers.end()) {
        return found->second;
    }
    std::uint32_t number = 0;
    if (next_fresh_ < capacity_) {
        number = next_fresh_++;
    } else if (!released_.empty()) {
        number = released_.front();
        released_.pop_front();
    } else {
        return std::nullopt;
    }
    numbers[key] = number;
    return number;
}

void PeerBook::release(std::uint32_t number) {
    const auto found = booked_.find(number);
    if (found == booked_.end()) {
        return;
    }
    numbers_[*found->second.tunnel].erase(found->second.settings->public_key);
    booked_.erase(found);
    released_.push_back(number);
}

void PeerBook::set_endpoint(std::uint32_t number, const IpEndpoint& endpoint,
                            std::uint32_t generation) {
    if (const auto found = booked_.find(number); found != booked_.end()) {
        if (found->second.endpoint_generation != generation) {
            found->second.learned = endpoint;  // as the data plane does
        }
        found->second.endpoint = endpoint;
        found->second.endpoint_generation = generation;
    }
}

std::optional<IpEndpoint> PeerBook::learn(std::uint32_t number, const IpEndpoint& endpoint) {
    const auto found = booked_.find(number);
    if (found == booked_.end() || endpoint.is_none()) {
        return std::nullopt;
    }
    const IpEndpoint before = std::exchange(found->second.learned, endpoint);
    return before.is_none() || before == endpoint ? std::nullopt : std::optional{before};
}

void PeerBook::set_way(std::uint32_t number, EndpointWay way) {
    if (const auto found = booked_.find(number); found != booked_.end()) {
        found->second.way = way;
    }
}

void PeerBook::use_learned_endpoints() {
    for (auto& [number, peer] : booked_) {
        if (!peer.settings->endpoint && !peer.learned.is_none()) {
            peer.endpoint = peer.learned;
            peer.endpoint_generation = wireguard::endpoint_generation(peer.learned);
        } else if (peer.settings->endpoint) {
            peer.learned = peer.endpoint;  // it begins there again
        }
    }
}

const BookedPeer* PeerBook::find(std::uint32_t number) const {
    const auto found = booked_.find(number);
    return found == booked_.end() ? nullptr : &found->second;
}

std::vector<std::uint32_t> PeerBook::others_of(const std::string& tunnel,
                                               const std::vector<std::uint32_t>& keep) const {
    std::vector<std::uint32_t> others;
    for (const auto& [number, peer] : booked_) {
        if (*peer.tunnel == tunnel && !std::binary_search(keep.begin(), keep.end(), number)) {
            others.push_back(number);
        }
    }
    return others;
}

std::vector<Datagram> PeerBook::transaction(const std::vector<std::uint32_t>& stated,
                                            const std::vector<std::uint32_t>& removed,
                                            bool is_whole, std::uint64_t commit) const {
    std::vector<Datagram> out;
    PeersBegin begin;
    begin.is_whole = is_whole ? 1 : 0;
    out.push_back(datagram_of(begin));
    for (const std::uint32_t number : removed) {
        if (const BookedPeer* const peer = find(number); peer != nullptr) {
            PeerSet set;
            set.peer = number;
            set.tunnel = peer->tunnel_id;
            set.is_removed = 1;
            out.push_back(datagram_of(set));
        }
    }
    for (const std::uint32_t number : stated) {
        if (const BookedPeer* const peer = find(number); peer != nullptr) {
            state_peer(number, *peer, out);
        }
    }
    PeersCommit end;
    end.number = commit;
    out.push_back(datagram_of(end));
    return out;
}

}  // namespace towpath::control
