// SPDX-License-Identifier: BSD-3-Clause
// BLAKE2s, HMAC, X25519 and the small boxes against published vectors.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "dataplane/crypto/box.h"
#include "dataplane/crypto/curve.h"
#include "dataplane/crypto/hash.h"
#include "tests/builders/hex.h"

namespace towpath::crypto {
namespace {

using builders::array_from_hex;
using builders::from_hex;

Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

// RFC 7693 appendix B.
TEST(Hash, OfAbc) {
    const Hash expected =
        array_from_hex<32>("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
    EXPECT_EQ(hash({bytes_of("abc")}), expected);
    EXPECT_EQ(hash({bytes_of("a"), bytes_of(""), bytes_of("bc")}), expected);
}

// wireguard.md 18.1.
TEST(Hash, OfTheConstruction) {
    const Hash construction = hash({bytes_of("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")});
    EXPECT_EQ(
        construction,
        array_from_hex<32>("60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36"));
    EXPECT_EQ(
        hash({construction, bytes_of("WireGuard v1 zx2c4 Jason@zx2c4.com")}),
        array_from_hex<32>("2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3"));
}

// RFC 2104's construction, written out with the hash alone.
TEST(Hmac, IsTheConstructionOfRfc2104) {
    const auto key = from_hex("000102030405060708090a0b0c0d0e0f");
    std::array<std::byte, 64> inner{};
    std::copy(key.begin(), key.end(), inner.begin());
    std::array<std::byte, 64> outer = inner;
    for (std::byte& byte : inner) {
        byte ^= std::byte{0x36};
    }
    for (std::byte& byte : outer) {
        byte ^= std::byte{0x5C};
    }
    const Hash expected = hash({outer, hash({inner, bytes_of("text")})});
    EXPECT_EQ(hmac(key, {bytes_of("te"), bytes_of("xt")}), expected);
}

// wireguard.md section 3: the first outputs do not depend on how many are asked for.
TEST(Derive, GivesTheSameBeginnings) {
    const auto key = from_hex("0f0e0d0c0b0a09080706050403020100");
    const Bytes input = bytes_of("input");
    const auto one = derive_1(key, input);
    const auto two = derive_2(key, input);
    const auto three = derive_3(key, input);
    EXPECT_TRUE(is_equal(one[0].bytes(), two[0].bytes()));
    EXPECT_TRUE(is_equal(one[0].bytes(), three[0].bytes()));
    EXPECT_TRUE(is_equal(two[1].bytes(), three[1].bytes()));
    EXPECT_FALSE(is_equal(three[1].bytes(), three[2].bytes()));
    const Hash root = hmac(key, {input});
    const std::byte first{1};
    EXPECT_TRUE(is_equal(one[0].bytes(), hmac(root, {Bytes{&first, 1}})));
}

PrivateKey private_key(std::string_view text) {
    const auto bytes = array_from_hex<32>(text);
    return PrivateKey{std::span{bytes}};
}

// RFC 7748 section 6.1: Bob's side.
TEST(Curve, ExchangesTheKeysOfRfc7748) {
    const PrivateKey bob =
        private_key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    EXPECT_EQ(
        public_key_of(bob),
        array_from_hex<32>("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    const PublicKey alice =
        array_from_hex<32>("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    const auto shared = shared_secret(bob, alice);
    ASSERT_TRUE(shared.has_value());
    EXPECT_TRUE(
        is_equal(shared->bytes(),
                 from_hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")));
}

// wireguard.md 18.1 and 18.4.
TEST(Curve, ClampsAndRefusesKeysOfLowOrder) {
    PrivateKey key =
        private_key("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff");
    clamp(key);
    EXPECT_EQ(key.bytes()[0], std::byte{0xF8});
    EXPECT_EQ(key.bytes()[31], std::byte{0x7F});
    for (const char* low_order :
         {"0000000000000000000000000000000000000000000000000000000000000000",
          "0100000000000000000000000000000000000000000000000000000000000000",
          "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
          "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
        EXPECT_FALSE(shared_secret(key, array_from_hex<32>(low_order)).has_value()) << low_order;
    }
}

TEST(Box, OpensWhatItSealedAndNothingElse) {
    const Key key = private_key("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const auto text = from_hex("00112233445566778899");
    std::vector<std::byte> sealed(text.size() + kBoxTag_bytes);
    std::vector<std::byte> opened(text.size());
    seal(key, bytes_of("about"), text, sealed);
    EXPECT_TRUE(open(key, bytes_of("about"), sealed, opened));
    EXPECT_EQ(opened, text);
    EXPECT_FALSE(open(key, bytes_of("About"), sealed, opened));
    sealed.back() ^= std::byte{1};
    EXPECT_FALSE(open(key, bytes_of("about"), sealed, opened));
}

TEST(IsEqual, ComparesLengthsToo) {
    const auto bytes = from_hex("0011");
    EXPECT_TRUE(is_equal(bytes, bytes));
    EXPECT_FALSE(is_equal(bytes, Bytes{bytes}.first(1)));
}

}  // namespace
}  // namespace towpath::crypto
