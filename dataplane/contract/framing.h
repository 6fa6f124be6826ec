// SPDX-License-Identifier: BSD-3-Clause
// Struct <-> bytes, pure. Exact, because the contract is closed: a message has the size of its type
// and nothing behind it, counts lie inside their arrays, enumerators exist, flags are 0 or 1, texts
// end. Reserved bytes are not looked at.
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/contract/messages.h"
#include "dataplane/wire/result.h"

namespace towpath::contract {

// The bytes to send. M::header says the rest.
template <class M>
[[nodiscard]] std::span<const std::byte> bytes_of(const M& message) noexcept {
    static_assert(kIsMessage<M>);
    return std::as_bytes(std::span{&message, 1});
}

// Errors: truncated (less than a header), bad_version, bad_length (the header or the type says
// otherwise), bad_type (unknown, or of the other direction), bad_value (a field). `bytes` must be
// aligned to 8; the view points into it.
[[nodiscard]] Result<Downward::View> decode_downward(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] Result<Upward::View> decode_upward(std::span<const std::byte> bytes) noexcept;

// The header alone, checked against the length of `bytes` but neither for version nor type: what a
// refusal can still quote.
[[nodiscard]] Result<Header> peek_header(std::span<const std::byte> bytes) noexcept;

// A datagram of the largest size, aligned for the decoders.
struct alignas(8) MessageBuffer {
    std::array<std::byte, kMessageBytesMax> bytes{};
};

}  // namespace towpath::contract
