// SPDX-License-Identifier: BSD-3-Clause
// ChaCha20-Poly1305 on every path of this CPU: published vectors, lengths around every boundary,
// batches, and what must not pass.
#include "dataplane/crypto/aead.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace towpath::crypto {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view text) {
    Bytes bytes(text.size() / 2);
    std::size_t length_bytes = 0;
    EXPECT_EQ(sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                             text.data(), text.size(), nullptr, &length_bytes, nullptr),
              0);
    return bytes;
}

Key key_from(const Bytes& bytes) {
    return Key{std::span<const std::byte, 32>{bytes.data(), 32}};
}

Bytes counting(std::size_t length_bytes, std::size_t room_bytes = kTag_bytes) {
    Bytes bytes(length_bytes + room_bytes);
    for (std::size_t index = 0; index < length_bytes; ++index) {
        bytes[index] = static_cast<std::byte>(index);
    }
    return bytes;
}

AeadPacket packet_of(Bytes& bytes, const Key& key, std::uint64_t counter) {
    return {bytes.data(), &key, counter,
            static_cast<std::uint32_t>(bytes.size() - std::size_t{kTag_bytes})};
}

class AeadPaths : public testing::TestWithParam<AeadPath> {
protected:
    void SetUp() override {
        if (!is_supported(GetParam())) {
            GTEST_SKIP() << "this CPU has no " << to_string(GetParam());
        }
        aead_.emplace_back(*Aead::create(GetParam()));
    }
    void seal(std::span<const AeadPacket> packets) { aead_[0].seal_batch(packets); }
    std::vector<bool> open(std::span<const AeadPacket> packets) {
        std::array<bool, kAeadBatchMax> is_authentic{};
        aead_[0].open_batch(packets, std::span{is_authentic}.first(packets.size()));
        std::vector<bool> found;
        for (std::size_t index = 0; index < packets.size(); ++index) {
            found.push_back(is_authentic[index]);
        }
        return found;
    }
    std::vector<Aead> aead_;
};

// wireguard.md 18.1: a keepalive with counter 0 and 32 bytes with counter 1.
TEST_P(AeadPaths, SealsAndOpensTheTransportVectors) {
    const Key key =
        key_from(from_hex("f26d13be8f8fe7fe36805b47503285e73bcb2fc6fe3ef37834e5f6128ad8cf50"));
    const Bytes sealed_keepalive = from_hex("c05b5687dc9e973b4033587e96b81434");
    const Bytes sealed_data = from_hex(
        "bf31815ac5bb90e8bb1805a637d2b55b2857074eb1bdc72d5c1f2c1de50b51ed"
        "ded2d4f24da0a2ea0129258a98c19773");
    Bytes keepalive = counting(0);
    Bytes data = counting(32);
    const std::array packets{packet_of(keepalive, key, 0), packet_of(data, key, 1)};
    seal(packets);
    EXPECT_EQ(keepalive, sealed_keepalive);
    EXPECT_EQ(data, sealed_data);
    EXPECT_EQ(open(packets), (std::vector<bool>{true, true}));
    data.resize(32);
    EXPECT_EQ(data, counting(32, 0));
}

// Alone and in a full batch, at every boundary of blocks, words and classes of length.
TEST_P(AeadPaths, AgreesWithLibsodiumAroundEveryBoundary) {
    const Key key = key_from(counting(32, 0));
    for (const unsigned length_bytes :
         {0U,    1U,    15U,   16U,   17U,   31U,   32U,   47U,   48U,   49U,   63U,   64U,   65U,
          79U,   80U,   127U,  128U,  129U,  255U,  256U,  257U,  511U,  512U,  513U,  1023U, 1024U,
          1025U, 1420U, 1424U, 1535U, 1536U, 1537U, 2047U, 2048U, 2049U, 9000U, 9215U, 9216U}) {
        for (const std::size_t count : {1U, 3U, 17U, 33U, 64U}) {
            std::vector<Bytes> texts(count, counting(length_bytes));
            std::vector<AeadPacket> packets;
            for (std::size_t index = 0; index < count; ++index) {
                packets.push_back(packet_of(texts[index], key, 0x0102030405060708U + index));
            }
            seal(packets);
            for (std::size_t index = 0; index < count; ++index) {
                std::array<std::uint8_t, 12> nonce{};
                const std::uint64_t counter = 0x0102030405060708U + index;
                std::memcpy(nonce.data() + 4, &counter, sizeof counter);
                const Bytes clear = counting(length_bytes);
                Bytes expected(length_bytes + kTag_bytes);
                crypto_aead_chacha20poly1305_ietf_encrypt(
                    reinterpret_cast<unsigned char*>(expected.data()), nullptr,
                    reinterpret_cast<const unsigned char*>(clear.data()), length_bytes, nullptr, 0,
                    nullptr, nonce.data(),
                    reinterpret_cast<const unsigned char*>(key.bytes().data()));
                ASSERT_EQ(texts[index], expected) << length_bytes << " of " << count;
            }
            const std::vector<bool> opened = open(packets);
            EXPECT_EQ(std::count(opened.begin(), opened.end(), true),
                      static_cast<std::ptrdiff_t>(count));
            for (Bytes& text : texts) {
                text.resize(length_bytes);
                ASSERT_EQ(text, counting(length_bytes, 0)) << length_bytes;
            }
        }
    }
}

// A wrong bit anywhere refuses that packet and no other.
TEST_P(AeadPaths, RefusesOnePacketOfABatch) {
    const Key key = key_from(counting(32, 0));
    for (std::size_t bad = 0; bad < 16; ++bad) {
        std::vector<Bytes> texts(16, counting(100));
        std::vector<AeadPacket> packets;
        for (std::size_t index = 0; index < texts.size(); ++index) {
            packets.push_back(packet_of(texts[index], key, index));
        }
        seal(packets);
        texts[bad][bad * 7] ^= std::byte{0x10};
        std::vector<bool> expected(16, true);
        expected[bad] = false;
        EXPECT_EQ(open(packets), expected);
    }
}

TEST_P(AeadPaths, RefusesAWrongCounterAndAWrongKey) {
    const Key key = key_from(counting(32, 0));
    const Key other = key_from(Bytes(32, std::byte{7}));
    Bytes first = counting(48);
    Bytes second = counting(48);
    const std::array sealed{packet_of(first, key, 5), packet_of(second, key, 6)};
    seal(sealed);
    const std::array wrong{packet_of(first, key, 6), packet_of(second, other, 6)};
    EXPECT_EQ(open(wrong), (std::vector<bool>{false, false}));
}

TEST_P(AeadPaths, TouchesNothingOutsideThePacket) {
    const Key key = key_from(counting(32, 0));
    for (std::size_t length_bytes = 0; length_bytes < 140; ++length_bytes) {
        Bytes storage(64 + length_bytes + kTag_bytes + 64, std::byte{0xEE});
        const AeadPacket packet{storage.data() + 64, &key, 9,
                                static_cast<std::uint32_t>(length_bytes)};
        seal({&packet, 1});
        EXPECT_EQ(open({&packet, 1}), std::vector<bool>{true});
        const auto is_untouched = [](std::byte value) { return value == std::byte{0xEE}; };
        EXPECT_TRUE(std::all_of(storage.begin(), storage.begin() + 64, is_untouched));
        EXPECT_TRUE(std::all_of(storage.end() - 64, storage.end(), is_untouched));
    }
}

INSTANTIATE_TEST_SUITE_P(Each, AeadPaths,
                         testing::Values(AeadPath::automatic, AeadPath::ipsec_mb, AeadPath::avx2,
                                         AeadPath::avx512, AeadPath::avx512_ifma),
                         [](const testing::TestParamInfo<AeadPath>& path) {
                             std::string name = to_string(path.param);
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(Aead, KernelsLeaveARefusedPacketAsItCame) {
    for (const AeadPath path : {AeadPath::avx2, AeadPath::avx512, AeadPath::avx512_ifma}) {
        if (!is_supported(path)) {
            continue;
        }
        Aead aead = *Aead::create(path);
        const Key key = key_from(counting(32, 0));
        Bytes text = counting(200);
        const AeadPacket packet = packet_of(text, key, 1);
        aead.seal_batch({&packet, 1});
        text.back() ^= std::byte{1};
        const Bytes as_received = text;
        bool is_authentic = true;
        aead.open_batch({&packet, 1}, {&is_authentic, 1});
        EXPECT_FALSE(is_authentic) << to_string(path);
        EXPECT_EQ(text, as_received) << to_string(path);
    }
}

TEST(Aead, RefusesAPathThatTheCpuLacks) {
    for (const AeadPath path : {AeadPath::avx2, AeadPath::avx512, AeadPath::avx512_ifma}) {
        EXPECT_EQ(Aead::create(path).has_value(), is_supported(path)) << to_string(path);
    }
}

TEST(AeadThresholds, ClassesEndAtTheirLength) {
    EXPECT_EQ(AeadThresholds::class_of(0), 0U);
    EXPECT_EQ(AeadThresholds::class_of(64), 0U);
    EXPECT_EQ(AeadThresholds::class_of(65), 1U);
    EXPECT_EQ(AeadThresholds::class_of(2048), 6U);
    EXPECT_EQ(AeadThresholds::class_of(kAeadLength_max), 7U);
}

TEST(Secret, IsEmptyAfterItMoved) {
    Key from = key_from(counting(32, 0));
    const Key to = std::move(from);
    EXPECT_EQ(to.bytes()[31], std::byte{31});
    // NOLINTNEXTLINE(bugprone-use-after-move): what is left is the point
    EXPECT_TRUE(std::all_of(from.bytes().begin(), from.bytes().end(),
                            [](std::byte value) { return value == std::byte{}; }));
}

}  // namespace
}  // namespace towpath::crypto
