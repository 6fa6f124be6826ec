// SPDX-License-Identifier: BSD-3-Clause
// Run under valgrind by secret_taint.py: every secret is marked as undefined, so that memcheck
// reports each branch and each address that depends on one (decisions.md W14). Valgrind 3.19 knows
// no AVX-512; those kernels are looked at in tests/property/crypto/secret_trace_test.cc.
// With the argument `leak` it branches on a secret on purpose, to show that this is found.
#include <valgrind/memcheck.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "dataplane/crypto/aead_kernels.h"
#include "dataplane/crypto/box.h"
#include "dataplane/crypto/curve.h"
#include "dataplane/crypto/hash.h"

namespace towpath::crypto {
namespace {

template <class Object>
void poison(Object& object) {
    VALGRIND_MAKE_MEM_UNDEFINED(&object, sizeof object);
}
template <class Object>
void declassify(Object& object) {
    VALGRIND_MAKE_MEM_DEFINED(&object, sizeof object);
}

constexpr std::array<std::uint32_t, 5> kLengths_bytes{0, 40, 64, 191, 640};

// Sealing, then opening what is authentic: that it is, is public.
void kernels(const Kernel& kernel) {
    std::array<std::array<std::uint8_t, 32>, kLengths_bytes.size()> keys{};
    std::array<std::array<std::uint8_t, 704>, kLengths_bytes.size()> texts{};
    std::array<KernelPacket, kLengths_bytes.size()> packets;
    for (std::size_t index = 0; index < packets.size(); ++index) {
        packets[index] = {texts[index].data(), keys[index].data(), index, kLengths_bytes[index]};
    }
    poison(keys);
    poison(texts);
    seal_group(kernel, packets);
    std::uint32_t authentic = open_group(kernel, packets);
    declassify(authentic);
    if (authentic != (1U << packets.size()) - 1) {
        std::puts("not authentic");
        std::exit(2);
    }
}

void tags() {
    std::array<std::uint8_t, kTag_bytes> left{};
    std::array<std::uint8_t, kTag_bytes> right{};
    poison(left);
    poison(right);
    bool is_same = tags_are_equal(left.data(), right.data());
    declassify(is_same);
    Hash hash{};
    poison(hash);
    is_same = is_equal(hash, hash);
    declassify(is_same);
}

void hashes() {
    Secret<32> key;
    std::array<std::byte, 100> text{};
    poison(key);
    poison(text);
    (void)hash({key.bytes(), text});
    (void)keyed_mac(key.bytes(), {text});
    (void)hmac(key.bytes(), {text});
    (void)derive_1(key.bytes(), text);
    (void)derive_2(key.bytes(), text);
    (void)derive_3(key.bytes(), text);
}

void boxes() {
    Key key;
    std::array<std::byte, 24> nonce{};
    std::array<std::byte, 32> text{};
    std::array<std::byte, 48> sealed{};
    poison(key);
    poison(text);
    seal(key, nonce, text, sealed);
    (void)open(key, nonce, sealed, text);
    seal_extended(key.bytes(), nonce, nonce, text, sealed);
    (void)open_extended(key.bytes(), nonce, nonce, sealed, text);
}

void curve() {
    PrivateKey key;
    key.bytes()[3] = std::byte{7};
    poison(key);
    clamp(key);
    PublicKey other = public_key_of(key);
    declassify(other);
    (void)shared_secret(key, other);
}

void leak() {
    std::array<std::uint8_t, 2> secret{};
    poison(secret);
    if (secret[0] == secret[1]) {
        std::puts("equal");
    }
}

}  // namespace
}  // namespace towpath::crypto

int main(int argc, char** argv) {
    using namespace towpath::crypto;
    if (argc > 1 && std::string_view{argv[1]} == "leak") {
        leak();
        return 0;
    }
    if (is_supported(AeadPath::avx2)) {
        kernels(*kernel_of(AeadPath::avx2));
        std::puts("AVX2 kernels");
    }
    tags();
    hashes();
    boxes();
    curve();
    std::puts("comparisons, hashes, boxes, curve");
    return 0;
}
