// SPDX-License-Identifier: BSD-3-Clause
// Every message of the contract: what is sent arrives equal, and whatever is not exactly a message
// is refused with the reason that fits.
#include "dataplane/contract/framing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace towpath::contract {
namespace {

// `message` at the start of an aligned buffer.
template <class M>
MessageBuffer buffer_with(const M& message) {
    MessageBuffer buffer;
    std::memcpy(buffer.bytes.data(), &message, sizeof(message));
    return buffer;
}

enum class Direction : std::uint8_t { down, up };

template <class M>
constexpr Direction kDirectionOf = static_cast<int>(M::kType) < 100 ? Direction::down
                                                                    : Direction::up;

// What a decoder made of bytes: of which message the view is, and what the view shows.
struct Decoded {
    MessageType type;
    std::span<const std::byte> bytes;
};

template <class View>
Result<Decoded> seen(const Result<View>& view) {
    if (!view) {
        return tl::unexpected{view.error()};
    }
    return std::visit(
        []<class M>(const M* message) {
            return Decoded{M::kType, bytes_of(*message)};
        },
        *view);
}

Result<Decoded> decode(Direction direction, std::span<const std::byte> bytes) {
    return direction == Direction::down ? seen(decode_downward(bytes)) : seen(decode_upward(bytes));
}

// A message as its type makes it. Not a type parameter: every test body would be compiled for each
// of the messages.
struct Sample {
    MessageType type;
    Direction direction;
    std::size_t size_bytes;
    MessageBuffer buffer;

    [[nodiscard]] std::span<const std::byte> first(std::size_t count) const {
        return std::span{buffer.bytes}.first(count);
    }
    void set(const Header& header) { std::memcpy(buffer.bytes.data(), &header, sizeof(header)); }
    [[nodiscard]] Header header() const {
        Header header;
        std::memcpy(&header, buffer.bytes.data(), sizeof(header));
        return header;
    }
};

void PrintTo(const Sample& sample, std::ostream* out) {
    *out << "message " << static_cast<int>(sample.type);
}

template <class... M>
std::vector<Sample> samples() {
    return {Sample{M::kType, kDirectionOf<M>, sizeof(M), buffer_with(M{})}...};
}

class EveryMessage : public ::testing::TestWithParam<Sample> {};

INSTANTIATE_TEST_SUITE_P(
    All, EveryMessage,
    ::testing::ValuesIn(
        samples<HelloControl, Start, InterfaceSet, RouteChunk, Ipv6RouteChunk, NatSet, SourceChunk,
                PoolChunk, AllowChunk, StatusQuery, CountersQuery, ReasonsQuery, InterfacesQuery,
                NatLookupQuery, NatListQuery, PortUsageQuery, EventsSubscribe, HelloDataplane,
                Started, StartFailed, Applied, Refused, LinkChange, StatusReply, ReasonsReply,
                InterfacesReply, NatLookupReply, NatListReply, PortUsageReply, StartReply,
                StartQuery, EventBatch, TunnelSet, AdvertiseChunk, PeersBegin, PeerSet,
                PeerPrefixChunk, PeersCommit, PeersApplied, SessionInstall, SessionInstalled,
                SessionsEnd, PeersQuery, SessionsQuery, PeersReply, SessionsReply, NeighborsQuery,
                NeighborsReply, HandshakesReceived, TunnelEvents>()),
    [](const auto& chosen) {
        return "type" + std::to_string(static_cast<int>(chosen.param.type));
    });

TEST_P(EveryMessage, ArrivesAsItWasSent) {
    Sample sample = GetParam();
    Header header = sample.header();
    header.request = 0x01020304;
    sample.set(header);
    const auto decoded = decode(sample.direction, sample.first(sample.size_bytes));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->type, sample.type);
    ASSERT_EQ(decoded->bytes.size(), sample.size_bytes);
    EXPECT_TRUE(std::ranges::equal(decoded->bytes, sample.first(sample.size_bytes)));
}

TEST_P(EveryMessage, EveryTruncationIsRefused) {
    const Sample& sample = GetParam();
    for (std::size_t size = 0; size < sample.size_bytes; ++size) {
        const auto decoded = decode(sample.direction, sample.first(size));
        ASSERT_FALSE(decoded.has_value()) << size;
        EXPECT_EQ(decoded.error(), size < sizeof(Header) ? Error::truncated : Error::bad_length);
    }
}

TEST_P(EveryMessage, OneByteMoreIsRefusedEvenIfTheHeaderAgrees) {
    Sample sample = GetParam();
    Header header = sample.header();
    header.size_bytes = static_cast<std::uint32_t>(sample.size_bytes + 1);
    sample.set(header);
    const auto decoded = decode(sample.direction, sample.first(sample.size_bytes + 1));
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error(), Error::bad_length);
}

TEST_P(EveryMessage, AnotherContractNumberIsRefused) {
    Sample sample = GetParam();
    Header header = sample.header();
    header.version = kContractVersion + 1;
    sample.set(header);
    const auto decoded = decode(sample.direction, sample.first(sample.size_bytes));
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error(), Error::bad_version);
}

TEST_P(EveryMessage, IsUnknownInTheOtherDirection) {
    const Sample& sample = GetParam();
    const auto other = sample.direction == Direction::down ? Direction::up : Direction::down;
    const auto decoded = decode(other, sample.first(sample.size_bytes));
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error(), Error::bad_type);
}

}  // namespace
}  // namespace towpath::contract
