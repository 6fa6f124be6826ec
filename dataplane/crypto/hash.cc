// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/hash.h"

#include <blake2.h>
#include <sodium.h>

#include <algorithm>
#include <cstdint>

#include "dataplane/wire/assertion.h"

namespace towpath::crypto {
namespace {

constexpr std::size_t kHmacBlock_bytes = 64;

// A hash in progress; its state holds what went in, so it is wiped.
class Blake2s {
public:
    explicit Blake2s(std::size_t length_bytes) noexcept {
        TOWPATH_ASSERT(blake2s_init(&state_, length_bytes) == 0);
    }
    Blake2s(std::size_t length_bytes, Bytes key) noexcept {
        TOWPATH_ASSERT(blake2s_init_key(&state_, length_bytes, key.data(), key.size()) == 0);
    }
    Blake2s(const Blake2s&) = delete;
    Blake2s& operator=(const Blake2s&) = delete;
    ~Blake2s() { wipe(std::as_writable_bytes(std::span{&state_, 1})); }

    void add(Bytes bytes) noexcept {
        blake2s_update(&state_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    void add(std::initializer_list<Bytes> parts) noexcept {
        for (const Bytes part : parts) {
            add(part);
        }
    }
    template <std::size_t length_bytes>
    void finish(std::array<std::byte, length_bytes>& out) noexcept {
        blake2s_final(&state_, reinterpret_cast<std::uint8_t*>(out.data()), length_bytes);
    }

private:
    blake2s_state state_;
};

template <std::size_t n>
Derived<n> derive(Bytes chaining_key, Bytes input) noexcept {
    Derived<n> derived;
    Hash root = hmac(chaining_key, {input});
    Hash last{};
    for (std::size_t index = 0; index < n; ++index) {
        const std::byte number{static_cast<unsigned char>(index + 1)};
        const Bytes before{last.data(), index == 0 ? 0 : last.size()};
        last = hmac(root, {before, Bytes{&number, 1}});
        std::copy(last.begin(), last.end(), derived[index].bytes().begin());
    }
    wipe(root);
    wipe(last);
    return derived;
}

}  // namespace

Hash hash(std::initializer_list<Bytes> parts) noexcept {
    Hash result;
    Blake2s state{result.size()};
    state.add(parts);
    state.finish(result);
    return result;
}

Mac keyed_mac(Bytes key, std::initializer_list<Bytes> parts) noexcept {
    Mac result;
    Blake2s state{result.size(), key};
    state.add(parts);
    state.finish(result);
    return result;
}

Hash hmac(Bytes key, std::initializer_list<Bytes> parts) noexcept {
    TOWPATH_ASSERT(key.size() <= kHmacBlock_bytes);
    std::array<std::byte, kHmacBlock_bytes> inner_pad;
    std::array<std::byte, kHmacBlock_bytes> outer_pad;
    inner_pad.fill(std::byte{0x36});
    outer_pad.fill(std::byte{0x5C});
    for (std::size_t index = 0; index < key.size(); ++index) {
        inner_pad[index] ^= key[index];
        outer_pad[index] ^= key[index];
    }
    Hash inner;
    Blake2s first{inner.size()};
    first.add(inner_pad);
    first.add(parts);
    first.finish(inner);
    const Hash result = hash({outer_pad, inner});
    wipe(inner_pad);
    wipe(outer_pad);
    wipe(inner);
    return result;
}

Derived<1> derive_1(Bytes chaining_key, Bytes input) noexcept {
    return derive<1>(chaining_key, input);
}
Derived<2> derive_2(Bytes chaining_key, Bytes input) noexcept {
    return derive<2>(chaining_key, input);
}
Derived<3> derive_3(Bytes chaining_key, Bytes input) noexcept {
    return derive<3>(chaining_key, input);
}

bool is_equal(Bytes left, Bytes right) noexcept {
    return left.size() == right.size() &&
           sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace towpath::crypto
