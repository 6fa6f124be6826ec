// SPDX-License-Identifier: BSD-3-Clause
// Which number each configured peer has in the data plane, and what the data plane should know of
// it. A number belongs to a public key in a tunnel for as long as the data plane lives.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "control/reconcile/diff.h"
#include "dataplane/contract/tunnel.h"

namespace towpath::control {

struct BookedPeer {
    std::shared_ptr<const config::Peer> settings;  // in the configuration; never null
    const std::string* tunnel = nullptr;           // its name, in the same configuration
    std::uint8_t tunnel_id = 0;                    // of the interface
    IpEndpoint endpoint;                           // configured or resolved; none: not known
    std::uint32_t endpoint_generation = 0;
    IpEndpoint learned;                                          // where it was last heard of
    contract::EndpointWay way = contract::EndpointWay::unknown;  // thither, when last asked
};

class PeerBook {
public:
    // `capacity` of the data plane. Forgets everything.
    void begin(std::uint32_t capacity);

    // A peer that the data plane has already. Ignored if the number is beyond its capacity.
    void adopt(const std::string& tunnel, const contract::PeerRow& row);
    // The number of a peer, a new one if it has none. Nothing if all are taken.
    [[nodiscard]] std::optional<std::uint32_t> number_of(const std::string& tunnel,
                                                         const config::PublicKeyBytes& key);
    void book(std::uint32_t number, BookedPeer peer) { booked_[number] = std::move(peer); }
    // Of a booked peer: the same settings in a newer configuration.
    void refer(std::uint32_t number, std::shared_ptr<const config::Peer> settings,
               const std::string& tunnel) {
        BookedPeer& peer = booked_.at(number);
        peer.settings = std::move(settings);
        peer.tunnel = &tunnel;
    }
    // Of a booked peer; its number goes to the end of the queue.
    void release(std::uint32_t number);
    void set_endpoint(std::uint32_t number, const IpEndpoint& endpoint, std::uint32_t generation);

    // The peer is there. Where it was before, if that is known and another place.
    std::optional<IpEndpoint> learn(std::uint32_t number, const IpEndpoint& endpoint);
    void set_way(std::uint32_t number, contract::EndpointWay way);
    // For a data plane that knows nothing: who has no configured endpoint is where it was last
    // heard of.
    void use_learned_endpoints();
    [[nodiscard]] const std::map<std::uint32_t, BookedPeer>& booked() const noexcept {
        return booked_;
    }
    [[nodiscard]] const BookedPeer* find(std::uint32_t number) const;
    // Numbers of a tunnel that `keep` does not hold.
    [[nodiscard]] std::vector<std::uint32_t> others_of(
        const std::string& tunnel, const std::vector<std::uint32_t>& keep) const;

    // A transaction that states these peers; `is_whole`: and that there are no others.
    [[nodiscard]] std::vector<Datagram> transaction(const std::vector<std::uint32_t>& stated,
                                                    const std::vector<std::uint32_t>& removed,
                                                    bool is_whole, std::uint64_t commit) const;

private:
    std::uint32_t capacity_ = 0;
    std::uint32_t next_fresh_ = 0;
    std::deque<std::uint32_t> released_;
    std::map<std::string, std::map<config::PublicKeyBytes, std::uint32_t>> numbers_;  // by tunnel
    std::map<std::uint32_t, BookedPeer> booked_;
};

}  // namespace towpath::control
