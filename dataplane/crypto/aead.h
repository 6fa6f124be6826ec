// SPDX-License-Identifier: BSD-3-Clause
// ChaCha20-Poly1305 (RFC 8439) over batches of packets, as WireGuard's transport data needs it: in
// place, no additional data, nonce 0^4 | LE64(counter) (wireguard.md 2.4). The one boundary behind
// which the fastest way on this CPU is chosen per group of packets: our kernels across packets, or
// IPsec-MB within one packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/crypto/kernel.h"
#include "dataplane/crypto/secret.h"
#include "dataplane/wire/result.h"

namespace towpath::crypto {

// One packet: `length_bytes` of text at `data`, followed by room for the tag (kTag_bytes).
struct AeadPacket {
    std::byte* data = nullptr;
    const Key* key = nullptr;
    std::uint64_t counter = 0;
    std::uint32_t length_bytes = 0;  // without the tag; 0 is a keepalive; at most kAeadLength_max
};

inline constexpr std::uint32_t kAeadLength_max = 9216;
inline constexpr std::size_t kAeadBatchMax = 64;

// Ways to do it; every one gives the same bytes.
enum class AeadPath : std::uint8_t { automatic, ipsec_mb, avx2, avx512, avx512_ifma };
inline constexpr std::size_t kAeadPathCount = 5;

[[nodiscard]] const char* to_string(AeadPath path) noexcept;
// The reverse of to_string(); nothing if no path has this name.
[[nodiscard]] std::optional<AeadPath> parse_aead_path(std::string_view text) noexcept;
// Whether this CPU has what the path needs.
[[nodiscard]] bool is_supported(AeadPath path) noexcept;
// The fastest kernel that this CPU can run, or ipsec_mb if there is none.
[[nodiscard]] AeadPath best_aead_path() noexcept;

// For each class of length, how many packets make our kernel faster than IPsec-MB; 0: never.
struct AeadThresholds {
    static constexpr std::array<std::uint32_t, 8> kLengths_bytes{64,   128,  256,  512,
                                                                 1024, 1536, 2048, kAeadLength_max};
    std::array<std::uint8_t, kLengths_bytes.size()> packets_min{};

    // The class of a packet: the first whose length is not below the packet's.
    [[nodiscard]] static std::size_t class_of(std::uint32_t length_bytes) noexcept;
    friend bool operator==(const AeadThresholds&, const AeadThresholds&) noexcept = default;
};
// packets_min, one number per class, with spaces between.
[[nodiscard]] std::string to_string(const AeadThresholds& thresholds);
// Measured on CPUs of each kind; tests/bench/aead_bench prints what they come from.
[[nodiscard]] AeadThresholds default_thresholds(AeadPath path) noexcept;

inline constexpr unsigned kAeadPacketsUncleared = 128;

class IpsecMb;

// Belongs to one thread. Holds no key between calls. What kernels leave in vector registers and in
// dead stack frames is cleared after every kAeadPacketsUncleared packets: after every batch,
// clearing would cost up to a sixth of a short one.
class Aead {
public:
    // `path` other than automatic uses nothing else, whatever the batch. Fails with a sentence if
    // the CPU lacks the path or memory for IPsec-MB's manager cannot be had.
    [[nodiscard]] static Outcome<Aead> create(AeadPath path = AeadPath::automatic);
    // As automatic, with thresholds that were measured on this CPU (calibration.h).
    [[nodiscard]] static Outcome<Aead> create(const AeadThresholds& thresholds);
    Aead(Aead&&) noexcept;
    Aead& operator=(Aead&&) noexcept;
    ~Aead();

    // Encrypts every packet in place and writes its tag behind it. At most kAeadBatchMax packets.
    void seal_batch(std::span<const AeadPacket> packets) noexcept;
    // Checks the tag behind every packet and decrypts in place. is_authentic[n] says whether packet
    // n may be used; the data of one that is not is unspecified and must be dropped. Tags are
    // compared in constant time. `is_authentic` is as long as `packets`, at most kAeadBatchMax.
    void open_batch(std::span<const AeadPacket> packets, std::span<bool> is_authentic) noexcept;

    // Clears what the kernels have left until now, if there is anything: for a worker that has
    // nothing to do. From about the depth of the stack from which the batches were handled.
    void forget() noexcept;

    // Which kernel this CPU uses beside IPsec-MB, or the forced path.
    [[nodiscard]] AeadPath path() const noexcept { return path_; }
    [[nodiscard]] const AeadThresholds& thresholds() const noexcept { return thresholds_; }

private:
    explicit Aead(std::unique_ptr<IpsecMb> ipsec_mb) noexcept;
    void clear_at_times() noexcept;

    std::unique_ptr<IpsecMb> ipsec_mb_;
    const Kernel* kernel_ = nullptr;  // null: IPsec-MB for everything
    AeadThresholds thresholds_;
    AeadPath path_ = AeadPath::ipsec_mb;
    unsigned uncleared_packets_ = 0;  // through kernels of ours
};

}  // namespace towpath::crypto
