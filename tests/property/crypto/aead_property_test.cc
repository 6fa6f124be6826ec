// SPDX-License-Identifier: BSD-3-Clause
// Random batches through every path of this CPU against libsodium, one packet at a time: random
// lengths, alignments, keys, mixes, and flipped bits. The seed is printed with a failure.
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "dataplane/crypto/aead.h"

namespace towpath::crypto {
namespace {

// Of about 32 packets each, per path.
#ifdef TOWPATH_DEBUG
constexpr std::size_t kRounds = 1200;
#else
constexpr std::size_t kRounds = 12000;
#endif
constexpr std::size_t kKeys = 5;
constexpr std::size_t kSlack_bytes = 64;

// A packet as it is sealed, as it should look, and whether a bit of it is wrong.
struct Sample {
    std::vector<std::byte> storage;
    std::vector<std::byte> clear;
    std::vector<std::byte> sealed;
    AeadPacket packet;
    bool is_spoiled = false;
};

class Source {
public:
    explicit Source(std::uint64_t seed) : random_{seed} {
        for (Key& key : keys_) {
            for (std::byte& byte : key.bytes()) {
                byte = static_cast<std::byte>(random_());
            }
        }
    }

    std::size_t below(std::size_t limit) { return random_() % limit; }

    std::size_t length_bytes() {
        switch (below(8)) {
            case 0:
                return below(17);
            case 1:
            case 2:
                return below(130);
            case 3:
            case 4:
            case 5:
                return below(1500);
            case 6:
                return 16 * below(90);
            default:
                return below(20) == 0 ? below(kAeadLength_max + 1) : below(3000);
        }
    }

    Sample sample() {
        Sample made;
        const std::size_t length = length_bytes();
        made.clear.resize(length);
        for (std::byte& byte : made.clear) {
            byte = static_cast<std::byte>(random_());
        }
        const Key& key = keys_[below(4) == 0 ? below(kKeys) : 0];
        const std::uint64_t counter = below(3) == 0 ? random_() : below(1000);
        const std::size_t offset = below(kSlack_bytes);
        made.storage.resize(offset + length + kTag_bytes);
        std::copy(made.clear.begin(), made.clear.end(),
                  made.storage.begin() + static_cast<std::ptrdiff_t>(offset));
        made.packet = {made.storage.data() + offset, &key, counter,
                       static_cast<std::uint32_t>(length)};
        std::array<unsigned char, 12> nonce{};
        std::memcpy(nonce.data() + 4, &counter, sizeof counter);
        made.sealed.resize(length + kTag_bytes);
        crypto_aead_chacha20poly1305_ietf_encrypt(
            reinterpret_cast<unsigned char*>(made.sealed.data()), nullptr,
            reinterpret_cast<const unsigned char*>(made.clear.data()), length, nullptr, 0, nullptr,
            nonce.data(), reinterpret_cast<const unsigned char*>(key.bytes().data()));
        return made;
    }

private:
    std::mt19937_64 random_;
    std::array<Key, kKeys> keys_;
};

bool has_sealed(const Sample& sample) {
    return std::equal(sample.sealed.begin(), sample.sealed.end(), sample.packet.data);
}
bool has_clear(const Sample& sample) {
    return std::equal(sample.clear.begin(), sample.clear.end(), sample.packet.data);
}

class AeadProperty : public testing::TestWithParam<AeadPath> {};

TEST_P(AeadProperty, EqualsLibsodium) {
    if (!is_supported(GetParam())) {
        GTEST_SKIP() << "this CPU has no " << to_string(GetParam());
    }
    Aead aead = *Aead::create(GetParam());
    std::size_t packets_done = 0;
    for (std::uint64_t seed = 0; seed < kRounds; ++seed) {
        SCOPED_TRACE(seed);
        Source source{seed};
        std::vector<Sample> samples;
        const std::size_t count = 1 + source.below(kAeadBatchMax);
        for (std::size_t index = 0; index < count; ++index) {
            samples.push_back(source.sample());
        }
        std::vector<AeadPacket> packets;
        for (const Sample& sample : samples) {
            packets.push_back(sample.packet);
        }
        aead.seal_batch(packets);
        for (const Sample& sample : samples) {
            ASSERT_TRUE(has_sealed(sample)) << sample.clear.size();
        }
        for (Sample& sample : samples) {
            sample.is_spoiled = source.below(4) == 0;
            if (sample.is_spoiled) {
                sample.packet.data[source.below(sample.sealed.size())] ^=
                    static_cast<std::byte>(1U << source.below(8));
            }
        }
        std::array<bool, kAeadBatchMax> is_authentic{};
        aead.open_batch(packets, std::span{is_authentic}.first(count));
        for (std::size_t index = 0; index < count; ++index) {
            ASSERT_EQ(is_authentic[index], !samples[index].is_spoiled);
            ASSERT_TRUE(samples[index].is_spoiled || has_clear(samples[index]));
        }
        packets_done += count;
    }
    EXPECT_GT(packets_done, 30 * kRounds);
}

INSTANTIATE_TEST_SUITE_P(Each, AeadProperty,
                         testing::Values(AeadPath::automatic, AeadPath::ipsec_mb, AeadPath::avx2,
                                         AeadPath::avx512, AeadPath::avx512_ifma));

}  // namespace
}  // namespace towpath::crypto
