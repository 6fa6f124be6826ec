// SPDX-License-Identifier: BSD-3-Clause
// The data plane's end of the contract, fed with datagrams of anybody's choice: no crash, every
// answer is a valid message, and the world changes by a commit alone. An input is a sequence of
// datagrams, each behind its length as two bytes, least significant first; what a datagram lacks at
// the end is zero, so that small inputs reach the large messages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch.h"
#include "tests/builders/fake_engine.h"

namespace {

using namespace towpath;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// As an answer of the data plane must be: control's decoder takes it.
void check_answer(std::span<const std::byte> bytes) {
    const auto buffer = std::make_unique<contract::MessageBuffer>();
    require(bytes.size() <= buffer->bytes.size());
    std::memcpy(buffer->bytes.data(), bytes.data(), bytes.size());
    require(contract::decode_upward(std::span{buffer->bytes}.first(bytes.size())).has_value());
}

// The size that the header claims, if it can be read and is one.
std::size_t claimed_size(std::span<const std::byte> bytes) {
    std::uint32_t size = 0;
    if (bytes.size() < sizeof(size)) {
        return bytes.size();
    }
    std::memcpy(&size, bytes.data(), sizeof(size));
    return std::clamp<std::size_t>(size, bytes.size(), contract::kMessageBytesMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    server::FakeEngine engine;
    server::Dispatcher dispatcher{{"fuzz", 1}, engine};
    server::Client client;
    const auto buffer = std::make_unique<contract::MessageBuffer>();
    auto rest = std::as_bytes(std::span{data, size_bytes});
    while (rest.size() >= 2 && !client.is_refused) {
        const std::size_t length =
            std::min<std::size_t>(rest.size() - 2, static_cast<std::size_t>(rest[0]) |
                                                       static_cast<std::size_t>(rest[1]) << 8U);
        const auto datagram = rest.subspan(2, std::min(length, contract::kMessageBytesMax));
        rest = rest.subspan(2 + length);
        buffer->bytes = {};
        std::memcpy(buffer->bytes.data(), datagram.data(), datagram.size());
        const auto message = std::span{buffer->bytes}.first(claimed_size(datagram));
        static_cast<void>(contract::decode_upward(message));

        const std::uint64_t generation = dispatcher.generation();
        dispatcher.handle(client, message, check_answer);
        dispatcher.push(client, check_answer);
        const auto header = contract::peek_header(message);
        require(dispatcher.generation() == generation ||
                (header && header->type == contract::MessageType::commit));
        require(engine.starts <= 1);
        require(engine.published.empty() || engine.published.back().second == dispatcher.world());
    }
    return 0;
}
