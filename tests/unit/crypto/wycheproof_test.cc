// SPDX-License-Identifier: BSD-3-Clause
// Wycheproof's published vectors (decisions.md W14; scripts/wycheproof fetches them), as far as
// they fit our boundaries: WireGuard has no additional data in packets and nonces that begin with
// four zeroes, so ChaCha20-Poly1305 packets come from the XChaCha20 vectors, whose inner nonce has
// that form; the tags of the ChaCha20-Poly1305 vectors go through the Poly1305 kernels alone.
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/crypto/aead.h"
#include "dataplane/crypto/aead_kernels.h"
#include "dataplane/crypto/box.h"
#include "dataplane/crypto/curve.h"
#include "tests/builders/hex.h"

namespace towpath::crypto {
namespace {

using builders::array_from_hex;
using builders::from_hex;
namespace json = boost::json;
namespace fs = std::filesystem;

using Octets = std::vector<std::byte>;

const unsigned char* raw(const Octets& octets) {
    return reinterpret_cast<const unsigned char*>(octets.data());
}

// Where cargo has put the crate that carries the vectors; empty if it has not.
fs::path folder() {
    const char* const cargo_home = std::getenv("CARGO_HOME");
    const char* const home = std::getenv("HOME");
    const fs::path sources =
        (cargo_home != nullptr ? fs::path{cargo_home}
                               : fs::path{home == nullptr ? "" : home} / ".cargo") /
        "registry/src";
    std::error_code none;
    for (const fs::directory_entry& registry : fs::directory_iterator{sources, none}) {
        for (const fs::directory_entry& crate : fs::directory_iterator{registry.path(), none}) {
            if (crate.path().filename().string().starts_with("wycheproof-")) {
                return crate.path() / "src/data";
            }
        }
    }
    return {};
}

std::string text_of(const json::object& vector, std::string_view field) {
    return std::string{vector.at(field).as_string()};
}

class Wycheproof : public testing::TestWithParam<AeadPath> {
protected:
    void SetUp() override {
        if (!folder().empty()) {
            return;
        }
        GTEST_SKIP() << "Wycheproof's vectors are not here: scripts/wycheproof install";
    }
    // Calls `check(group, vector)` for every vector of a file.
    template <class Check>
    static void for_each(const char* file, Check check) {
        std::ifstream stream{folder() / file};
        ASSERT_TRUE(stream.is_open()) << file;
        const std::string text{std::istreambuf_iterator<char>{stream}, {}};
        const json::value all = json::parse(text);
        for (const json::value& group : all.at("testGroups").as_array()) {
            for (const json::value& vector : group.at("tests").as_array()) {
                SCOPED_TRACE(file + std::string{" "} +
                             std::to_string(vector.at("tcId").as_int64()));
                check(group.as_object(), vector.as_object());
            }
        }
    }
};

struct Sealed {
    explicit Sealed(const json::object& vector)
        : key{from_hex(text_of(vector, "key"))},
          nonce{from_hex(text_of(vector, "iv"))},
          additional{from_hex(text_of(vector, "aad"))},
          text{from_hex(text_of(vector, "msg"))},
          sealed{from_hex(text_of(vector, "ct") + text_of(vector, "tag"))},
          is_valid{text_of(vector, "result") == "valid"} {}
    Octets key;
    Octets nonce;
    Octets additional;
    Octets text;
    Octets sealed;
    bool is_valid;
};

// What XChaCha20 derives: the key and the counter of a ChaCha20 nonce that begins with four zeroes.
struct Inner {
    explicit Inner(const Sealed& vector) {
        crypto_core_hchacha20(reinterpret_cast<unsigned char*>(key.bytes().data()),
                              raw(vector.nonce), raw(vector.key), nullptr);
        std::memcpy(&counter, vector.nonce.data() + 16, sizeof counter);
    }
    Key key;
    std::uint64_t counter = 0;
};

TEST_P(Wycheproof, PacketsAreSealedAndOpened) {
    if (!is_supported(GetParam())) {
        GTEST_SKIP() << "this CPU has no " << to_string(GetParam());
    }
    Aead aead = *Aead::create(GetParam());
    int count = 0;
    for_each("xchacha20_poly1305_test.json", [&](const json::object&, const json::object& each) {
        const Sealed vector{each};
        if (vector.nonce.size() != 24 || !vector.additional.empty() || !vector.is_valid) {
            return;
        }
        const Inner inner{vector};
        Octets packet = vector.text;
        packet.resize(vector.sealed.size());
        const AeadPacket described{packet.data(), &inner.key, inner.counter,
                                   static_cast<std::uint32_t>(vector.text.size())};
        aead.seal_batch({&described, 1});
        EXPECT_EQ(packet, vector.sealed);
        bool is_authentic = false;
        aead.open_batch({&described, 1}, {&is_authentic, 1});
        EXPECT_TRUE(is_authentic);
        packet.resize(vector.text.size());
        EXPECT_EQ(packet, vector.text);
        ++count;
    });
    EXPECT_GE(count, 45);
}

class WycheproofKernels : public Wycheproof {};

// The one-time key comes from libsodium, because our kernels have no other form of nonce.
TEST_P(WycheproofKernels, TagsOfPacketsWithoutAdditionalData) {
    if (!is_supported(GetParam())) {
        GTEST_SKIP() << "this CPU has no " << to_string(GetParam());
    }
    const Kernel* const kernel = kernel_of(GetParam());
    int count = 0;
    for_each("chacha20_poly1305_test.json", [&](const json::object&, const json::object& each) {
        const Sealed vector{each};
        if (vector.nonce.size() != 12 || !vector.additional.empty() || !vector.is_valid) {
            return;
        }
        std::array<unsigned char, 32> block{};
        crypto_stream_chacha20_ietf(block.data(), block.size(), raw(vector.nonce), raw(vector.key));
        OneTimeKey key{};
        std::copy(block.begin(), block.end(), key.bytes);
        Octets packet = vector.sealed;
        const KernelPacket described{reinterpret_cast<std::uint8_t*>(packet.data()),
                                     raw(vector.key), 0,
                                     static_cast<std::uint32_t>(vector.text.size())};
        std::array<std::uint8_t, kTag_bytes> tag{};
        std::uint8_t* const tags[] = {tag.data()};
        kernel->poly1305(&described, 1, &key, tags);
        EXPECT_TRUE(tags_are_equal(
            tag.data(),
            reinterpret_cast<const std::uint8_t*>(vector.sealed.data()) + vector.text.size()));
        ++count;
    });
    EXPECT_GE(count, 45);
}

std::string name_of(const testing::TestParamInfo<AeadPath>& path) {
    std::string name = to_string(path.param);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}
INSTANTIATE_TEST_SUITE_P(Each, Wycheproof,
                         testing::Values(AeadPath::ipsec_mb, AeadPath::avx2, AeadPath::avx512,
                                         AeadPath::avx512_ifma),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Each, WycheproofKernels,
                         testing::Values(AeadPath::avx2, AeadPath::avx512, AeadPath::avx512_ifma),
                         name_of);

class WycheproofHandshake : public Wycheproof {};

TEST_F(WycheproofHandshake, CookiesAreSealedAndOpened) {
    int valid = 0;
    int invalid = 0;
    for_each("xchacha20_poly1305_test.json", [&](const json::object&, const json::object& each) {
        const Sealed vector{each};
        if (vector.nonce.size() != 24) {
            return;  // our boundary takes no other length
        }
        const XNonce nonce{vector.nonce.data(), 24};
        Octets sealed(vector.sealed.size());
        seal_extended(vector.key, nonce, vector.additional, vector.text, sealed);
        EXPECT_EQ(sealed == vector.sealed, vector.is_valid);
        Octets text(vector.text.size());
        EXPECT_EQ(open_extended(vector.key, nonce, vector.additional, vector.sealed, text),
                  vector.is_valid);
        EXPECT_TRUE(!vector.is_valid || text == vector.text);
        (vector.is_valid ? valid : invalid) += 1;
    });
    EXPECT_GE(valid, 246);
    EXPECT_GE(invalid, 60);
}

TEST_F(WycheproofHandshake, SharedSecrets) {
    int agreed = 0;
    int refused = 0;
    for_each("x25519_test.json", [&](const json::object&, const json::object& each) {
        const auto expected = array_from_hex<32>(text_of(each, "shared"));
        const PrivateKey own{array_from_hex<32>(text_of(each, "private"))};
        const auto shared = shared_secret(own, array_from_hex<32>(text_of(each, "public")));
        if (expected == std::array<std::byte, 32>{}) {
            EXPECT_FALSE(shared.has_value());  // a key of low order
            ++refused;
            return;
        }
        ASSERT_TRUE(shared.has_value());
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), shared->bytes().begin()));
        ++agreed;
    });
    EXPECT_GE(agreed, 480);
    EXPECT_GE(refused, 10);
}

}  // namespace
}  // namespace towpath::crypto
