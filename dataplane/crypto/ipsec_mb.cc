// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/ipsec_mb.h"

#include <intel-ipsec-mb.h>

#include <array>
#include <cstring>

#include "dataplane/crypto/aead_kernels.h"
#include "dataplane/wire/assertion.h"

namespace towpath::crypto {
namespace {

constexpr std::size_t kNonce_bytes = 12;
using Nonce = std::array<std::uint8_t, kNonce_bytes>;

// 0^4 | LE64(counter); this program runs on little-endian machines only.
Nonce nonce_of(std::uint64_t counter) noexcept {
    Nonce nonce{};
    std::memcpy(nonce.data() + 4, &counter, sizeof counter);
    return nonce;
}

std::uint8_t* text_of(const AeadPacket& packet) noexcept {
    return reinterpret_cast<std::uint8_t*>(packet.data);
}

}  // namespace

std::unique_ptr<IpsecMb> IpsecMb::create() {
    IMB_MGR* const manager = alloc_mb_mgr(0);
    if (manager == nullptr) {
        return nullptr;
    }
    init_mb_mgr_auto(manager, nullptr);
    return std::unique_ptr<IpsecMb>{new IpsecMb{manager}};
}

IpsecMb::~IpsecMb() {
    free_mb_mgr(manager_);
}

void IpsecMb::submit(const Job& job, std::span<const std::uint8_t, 12> nonce,
                     Direction direction) noexcept {
    const AeadPacket& packet = *job.packet;
    const void* const key = packet.key->bytes().data();
    IMB_JOB* const next = IMB_GET_NEXT_JOB(manager_);
    next->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    next->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    next->cipher_direction = direction == Direction::seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    next->chain_order =
        direction == Direction::seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    next->enc_keys = key;
    next->dec_keys = key;
    next->key_len_in_bytes = 32;
    next->iv = nonce.data();
    next->iv_len_in_bytes = kNonce_bytes;
    next->src = text_of(packet);
    next->dst = text_of(packet);
    next->cipher_start_src_offset_in_bytes = 0;
    next->msg_len_to_cipher_in_bytes = packet.length_bytes;
    next->hash_start_src_offset_in_bytes = 0;
    next->msg_len_to_hash_in_bytes = packet.length_bytes;
    next->u.CHACHA20_POLY1305.aad = nullptr;
    next->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
    next->auth_tag_output = job.tag;
    next->auth_tag_output_len_in_bytes = kTag_bytes;
    const IMB_JOB* const done = IMB_SUBMIT_JOB_NOCHECK(manager_);
    TOWPATH_ASSERT(done == nullptr || done->status == IMB_STATUS_COMPLETED);
}

void IpsecMb::finish() noexcept {
    while (IMB_FLUSH_JOB(manager_) != nullptr) {
    }
}

void IpsecMb::seal(std::span<const AeadPacket> packets,
                   std::span<const std::uint8_t> positions) noexcept {
    std::array<Nonce, kAeadBatchMax> nonces;
    for (std::size_t place = 0; place < positions.size(); ++place) {
        const AeadPacket& packet = packets[positions[place]];
        nonces[place] = nonce_of(packet.counter);
        submit({&packet, text_of(packet) + packet.length_bytes}, nonces[place], Direction::seal);
    }
    finish();
}

void IpsecMb::open(std::span<const AeadPacket> packets, std::span<const std::uint8_t> positions,
                   std::span<bool> is_authentic) noexcept {
    std::array<Nonce, kAeadBatchMax> nonces;
    std::array<std::array<std::uint8_t, kTag_bytes>, kAeadBatchMax> tags;
    for (std::size_t place = 0; place < positions.size(); ++place) {
        const AeadPacket& packet = packets[positions[place]];
        nonces[place] = nonce_of(packet.counter);
        submit({&packet, tags[place].data()}, nonces[place], Direction::open);
    }
    finish();
    for (std::size_t place = 0; place < positions.size(); ++place) {
        const AeadPacket& packet = packets[positions[place]];
        is_authentic[positions[place]] =
            tags_are_equal(tags[place].data(), text_of(packet) + packet.length_bytes);
    }
}

}  // namespace towpath::crypto
