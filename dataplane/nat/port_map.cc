// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/port_map.h"

#include <bit>

namespace towpath::nat {

namespace {

constexpr std::uint32_t kFirstHigh = 1024;
constexpr std::uint64_t kEvenPorts = 0x5555555555555555U;
constexpr int kRandomTries = 8;

struct PortRange {
    std::uint32_t begin;
    std::uint32_t end;  // one past
};
constexpr PortRange kLow{0, kFirstHigh};
constexpr PortRange kHigh{kFirstHigh, 65536};
constexpr PortRange kAll{0, 65536};

// A set bit of `word`, each as likely as another.
[[nodiscard]] unsigned random_bit(std::uint64_t word, Random& random) noexcept {
    auto skip = random.below(static_cast<std::uint32_t>(std::popcount(word)));
    while (skip-- != 0) {
        word &= word - 1;
    }
    return static_cast<unsigned>(std::countr_zero(word));
}

// `mask` of 64 consecutive ports says which parity is acceptable.
[[nodiscard]] std::optional<Port> search(PortMap& map, const PortPermissions& permissions,
                                         PortRange range, std::uint64_t mask,
                                         Random& random) noexcept {
    for (int attempt = 0; attempt < kRandomTries; ++attempt) {
        std::uint32_t number = range.begin + random.below(range.end - range.begin);
        if (mask != ~std::uint64_t{0}) {
            number = (number & ~1U) | (mask == kEvenPorts ? 0U : 1U);
        }
        const Port port{static_cast<std::uint16_t>(number)};
        if (permissions.permits(port) && map.claim(port)) {
            return port;
        }
    }
    const std::uint32_t first = range.begin / 64;
    const std::uint32_t count = (range.end - range.begin) / 64;
    const std::uint32_t start = random.below(count);
    for (std::uint32_t step = 0; step < count; ++step) {
        const std::uint32_t word = first + (start + step) % count;
        // Another owner may take a bit between the look and the claim: then look again. Each turn
        // takes at least one bit off `available`.
        std::uint64_t available = permissions.word(word) & mask & ~map.taken_in_word(word);
        while (available != 0) {
            const unsigned bit = random_bit(available, random);
            const Port port{static_cast<std::uint16_t>(word * 64 + bit)};
            if (map.claim(port)) {
                return port;
            }
            available &= ~(std::uint64_t{1} << bit);
        }
    }
    return std::nullopt;
}

[[nodiscard]] std::optional<Port> search_class(PortMap& map, const PortPermissions& permissions,
                                               PortRange range, Port wanted,
                                               Random& random) noexcept {
    const std::uint64_t parity = wanted.number() % 2U == 0 ? kEvenPorts : ~kEvenPorts;
    if (const auto port = search(map, permissions, range, parity, random)) {
        return port;
    }
    return search(map, permissions, range, ~std::uint64_t{0}, random);
}

}  // namespace

std::uint32_t PortMap::taken() const noexcept {
    std::uint32_t count = 0;
    for (std::size_t word = 0; word < kPortWords; ++word) {
        count += static_cast<std::uint32_t>(std::popcount(taken_in_word(word)));
    }
    return count;
}

PortPermissions::PortPermissions(const Policy& policy) noexcept {
    // A bitset is an array of words and nothing else; the test of this file holds it to that.
    static_assert(sizeof(policy.reserved_ports) == sizeof(words_));
    const auto reserved =
        std::bit_cast<std::array<std::uint64_t, kPortWords>>(policy.reserved_ports);
    permits_low_ = false;
    permits_high_ = false;
    for (std::uint32_t word = 0; word < kPortWords; ++word) {
        const std::uint32_t begin = word * 64;
        std::uint64_t inside = ~std::uint64_t{0};
        if (policy.port_first > begin) {
            const std::uint32_t below = policy.port_first - begin;
            inside = below >= 64 ? 0 : inside << below;
        }
        if (policy.port_last < begin + 63) {
            inside = policy.port_last < begin
                         ? 0
                         : inside & ~std::uint64_t{0} >> (63 - (policy.port_last - begin));
        }
        words_[word] = inside & ~reserved[word];
        bool& permits_class = begin < kFirstHigh ? permits_low_ : permits_high_;
        permits_class = permits_class || words_[word] != 0;
    }
    words_[0] &= ~std::uint64_t{1};  // port 0 is no port (BAD-UDP-04)
}

PortPermissions PortPermissions::of_identifiers(const Policy& policy) noexcept {
    PortPermissions permissions;
    const auto reserved =
        std::bit_cast<std::array<std::uint64_t, kPortWords>>(policy.reserved_ports);
    for (std::size_t word = 0; word < kPortWords; ++word) {
        permissions.words_[word] = ~reserved[word];
    }
    return permissions;
}

std::optional<Port> claim_port(PortMap& map, const PortPermissions& permissions, Port wanted,
                               Random& random) noexcept {
    if (permissions.permits(wanted) && map.claim(wanted)) {
        return wanted;
    }
    const bool is_low = wanted.number() < kFirstHigh;
    if (is_low && permissions.permits_low()) {
        if (const auto port = search_class(map, permissions, kLow, wanted, random)) {
            return port;
        }
    }
    if (permissions.permits_high()) {
        return search_class(map, permissions, kHigh, wanted, random);
    }
    // The operator gave low ports only: the class rule has nothing to choose from.
    return is_low ? std::nullopt : search_class(map, permissions, kLow, wanted, random);
}

std::optional<Port> claim_identifier(PortMap& map, const PortPermissions& permissions, Port wanted,
                                     Random& random) noexcept {
    if (permissions.permits(wanted) && map.claim(wanted)) {
        return wanted;
    }
    return search(map, permissions, kAll, ~std::uint64_t{0}, random);
}

}  // namespace towpath::nat
