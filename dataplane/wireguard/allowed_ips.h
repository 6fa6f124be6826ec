// SPDX-License-Identifier: BSD-3-Clause
// Cryptokey routing of one tunnel (wireguard.md section 13; decisions.md W12): which peer an
// address belongs to, by longest prefix, of either family. Asked for the destination of what is
// sent and the source of what is received. Not a routing table: it knows peers, not next hops.
//
// One writer, the server thread; any thread that reports to the Quiescence reads. All memory is
// reserved at construction; a change is visible to look-ups that begin after it, and a look-up
// during a move sees the old owner or the new one, never none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "dataplane/packet/quiescence.h"
#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wireguard/peer_id.h"
#include "dataplane/wireguard/prefix_trie.h"

namespace towpath::wireguard {

class AllowedIps {
public:
    // For `prefixes` of both families together, whatever they are, and for peers below `peers`.
    // `quiescence` outlives the table.
    AllowedIps(std::uint32_t prefixes, std::uint32_t peers, Quiescence& quiescence) noexcept
        : ipv4_(prefixes, peers, quiescence),
          ipv6_(prefixes, peers, quiescence),
          prefixes_max_{prefixes} {}

    // To fetch what find() reads, in two steps with other work between them.
    void prefetch(Ipv4Address address) const noexcept { ipv4_.prefetch(address.bits()); }
    void prefetch_below_root(Ipv4Address address) const noexcept {
        ipv4_.prefetch_below_root(address.bits());
    }
    void prefetch(const Ipv6Address& address) const noexcept { ipv6_.prefetch(bits_of(address)); }
    void prefetch_below_root(const Ipv6Address& address) const noexcept {
        ipv6_.prefetch_below_root(bits_of(address));
    }
    // kNoPeer if no prefix contains the address.
    [[nodiscard]] PeerId find(Ipv4Address address) const noexcept {
        return ipv4_.find(address.bits());
    }
    [[nodiscard]] PeerId find(const Ipv6Address& address) const noexcept {
        return ipv6_.find(bits_of(address));
    }
    // An address of no family belongs to nobody.
    [[nodiscard]] PeerId find(const IpAddress& address) const noexcept {
        return address.is_ipv4()   ? find(address.ipv4())
               : address.is_ipv6() ? find(address.ipv6())
                                   : kNoPeer;
    }

    // The writer alone, from here on.
    // Gives the prefix to the peer: a new one, or one that moves from the peer that had it, for all
    // of its addresses at once. The previous owner (kNoPeer if there was none, `peer` if nothing
    // changed); nothing if there is no room. What was removed is room again once every worker has
    // passed, twice at most; a quarter of the capacity may wait for that beside a full table.
    [[nodiscard]] std::optional<PeerId> insert(const IpPrefix& prefix, PeerId peer) noexcept;
    // False if the peer does not own exactly this prefix.
    bool remove(const IpPrefix& prefix, PeerId peer) noexcept;
    void remove_all(PeerId peer) noexcept;
    // The owner of exactly this prefix, or kNoPeer.
    [[nodiscard]] PeerId owner_of(const IpPrefix& prefix) const noexcept;
    // visit(const IpPrefix&) for every prefix of the peer. The visitor must not change the table.
    template <class Visitor>
    void for_each(PeerId peer, Visitor visit) const {
        ipv4_.for_each(peer, [&](const Ipv4Trie::Prefix& prefix) {
            visit(IpPrefix{Ipv4Prefix{Ipv4Address{prefix.address}, prefix.length}});
        });
        ipv6_.for_each(peer, [&](const Ipv6Trie::Prefix& prefix) {
            visit(IpPrefix{address_of(prefix.address), prefix.length});
        });
    }

    // Prefixes in the table.
    [[nodiscard]] std::uint32_t size() const noexcept { return ipv4_.size() + ipv6_.size(); }
    [[nodiscard]] std::uint32_t node_count() const noexcept {
        return ipv4_.node_count() + ipv6_.node_count();
    }
    // Address space; physical memory is taken as prefixes come: about touched_bytes().
    [[nodiscard]] std::size_t reserved_bytes() const noexcept {
        return ipv4_.reserved_bytes() + ipv6_.reserved_bytes();
    }
    [[nodiscard]] std::size_t touched_bytes() const noexcept {
        return ipv4_.touched_bytes() + ipv6_.touched_bytes();
    }

private:
    using Ipv4Trie = PrefixTrie<Ipv4TrieShape>;
    using Ipv6Trie = PrefixTrie<Ipv6TrieShape>;

    [[nodiscard]] static Ipv6Trie::Bits bits_of(const Ipv6Address& address) noexcept {
        std::uint64_t halves[2];
        std::memcpy(halves, address.bytes().data(), sizeof halves);
        return Ipv6Trie::Bits{swap_bytes(halves[0])} << 64U | swap_bytes(halves[1]);
    }
    [[nodiscard]] static Ipv6Address address_of(Ipv6Trie::Bits bits) noexcept {
        const std::uint64_t halves[2] = {swap_bytes(static_cast<std::uint64_t>(bits >> 64U)),
                                         swap_bytes(static_cast<std::uint64_t>(bits))};
        std::array<std::uint8_t, 16> bytes;
        std::memcpy(bytes.data(), halves, sizeof halves);
        return Ipv6Address{bytes};
    }
    [[nodiscard]] static Ipv4Trie::Prefix ipv4_of(const IpPrefix& prefix) noexcept {
        return {prefix.address().ipv4().bits(), prefix.length()};
    }
    [[nodiscard]] static Ipv6Trie::Prefix ipv6_of(const IpPrefix& prefix) noexcept {
        return {bits_of(prefix.address().ipv6()), prefix.length()};
    }

    Ipv4Trie ipv4_;
    Ipv6Trie ipv6_;
    std::uint32_t prefixes_max_;
};

}  // namespace towpath::wireguard
