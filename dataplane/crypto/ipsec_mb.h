// SPDX-License-Identifier: BSD-3-Clause
// ChaCha20-Poly1305 through IPsec-MB's job interface without checks, the fastest of its calls that
// every release since 1.3 has (wireguard.md 21.9). One manager per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/crypto/aead.h"

struct IMB_MGR;

namespace towpath::crypto {

class IpsecMb {
public:
    // Null if memory for the manager cannot be had.
    [[nodiscard]] static std::unique_ptr<IpsecMb> create();
    IpsecMb(const IpsecMb&) = delete;
    IpsecMb& operator=(const IpsecMb&) = delete;
    ~IpsecMb();

    // `positions` names the packets of the batch to work on.
    void seal(std::span<const AeadPacket> packets,
              std::span<const std::uint8_t> positions) noexcept;
    void open(std::span<const AeadPacket> packets, std::span<const std::uint8_t> positions,
              std::span<bool> is_authentic) noexcept;

private:
    enum class Direction : std::uint8_t { seal, open };
    struct Job {
        const AeadPacket* packet;
        std::uint8_t* tag;
    };
    explicit IpsecMb(IMB_MGR* manager) noexcept : manager_{manager} {}
    void submit(const Job& job, std::span<const std::uint8_t, 12> nonce,
                Direction direction) noexcept;
    void finish() noexcept;

    IMB_MGR* manager_;
};

}  // namespace towpath::crypto
