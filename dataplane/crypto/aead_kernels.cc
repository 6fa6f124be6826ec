// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/aead_kernels.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/wire/assertion.h"

namespace towpath::crypto {
namespace {

constexpr std::uint32_t kBlock_bytes = 64;

constexpr Kernel kAvx2{"avx2", chacha20_avx2, 8, poly1305_avx2, 4};
constexpr Kernel kAvx512{"avx512", chacha20_avx512, 16, poly1305_avx512, 8};
constexpr Kernel kAvx512Ifma{"avx512-ifma", chacha20_avx512, 16, poly1305_avx512_ifma, 8};

// One-time keys of a group. Wiped afterwards: they forge tags.
class OneTimeKeys {
public:
    explicit OneTimeKeys(std::size_t count) noexcept : count_{count} {}
    OneTimeKeys(const OneTimeKeys&) = delete;
    OneTimeKeys& operator=(const OneTimeKeys&) = delete;
    ~OneTimeKeys() { ::explicit_bzero(keys_.data(), count_ * sizeof(OneTimeKey)); }

    [[nodiscard]] OneTimeKey* data() noexcept { return keys_.data(); }

private:
    // Not initialised: every key in use is written before it is read.
    std::array<OneTimeKey, kGroupMax> keys_;
    std::size_t count_;
};

// Collects runs of blocks and calls the kernel whenever all lanes are full.
class Lanes {
public:
    Lanes(const Kernel& kernel, std::span<const KernelPacket> packets, OneTimeKeys& keys) noexcept
        : kernel_{kernel}, packets_{packets}, keys_{keys} {}

    // Blocks [first, end) of a packet.
    void add(std::uint32_t packet, std::uint32_t first, std::uint32_t end) noexcept {
        while (first < end) {
            const std::uint32_t count = std::min(end - first, kernel_.chacha20_lanes - lanes_);
            runs_[runs_count_++] = {packet, first, count};
            lanes_ += count;
            first += count;
            if (lanes_ == kernel_.chacha20_lanes) {
                flush();
            }
        }
    }
    [[nodiscard]] static std::uint32_t end_of(const KernelPacket& packet) noexcept {
        return 1 + (packet.length_bytes + kBlock_bytes - 1) / kBlock_bytes;
    }
    void flush() noexcept {
        if (runs_count_ != 0) {
            kernel_.chacha20(packets_.data(), runs_.data(), runs_count_, keys_.data());
            runs_count_ = lanes_ = 0;
        }
    }

private:
    const Kernel& kernel_;
    std::span<const KernelPacket> packets_;
    OneTimeKeys& keys_;
    std::array<KernelRun, kChachaLanesMax> runs_;
    unsigned runs_count_ = 0;
    unsigned lanes_ = 0;
};

// The tag of packet n goes to tags[n].
void compute_tags(const Kernel& kernel, std::span<const KernelPacket> packets, OneTimeKeys& keys,
                  std::uint8_t* const* tags) noexcept {
    for (std::size_t first = 0; first < packets.size(); first += kernel.poly1305_lanes) {
        const std::size_t count =
            std::min<std::size_t>(kernel.poly1305_lanes, packets.size() - first);
        kernel.poly1305(packets.data() + first, static_cast<unsigned>(count), keys.data() + first,
                        tags + first);
    }
}

}  // namespace

const Kernel* kernel_of(AeadPath path) noexcept {
    switch (path) {
        case AeadPath::avx2:
            return &kAvx2;
        case AeadPath::avx512:
            return &kAvx512;
        case AeadPath::avx512_ifma:
            return &kAvx512Ifma;
        case AeadPath::automatic:
        case AeadPath::ipsec_mb:
            break;
    }
    return nullptr;
}

bool tags_are_equal(const std::uint8_t* left, const std::uint8_t* right) noexcept {
    std::array<std::uint64_t, 2> a{};
    std::array<std::uint64_t, 2> b{};
    std::memcpy(a.data(), left, sizeof a);
    std::memcpy(b.data(), right, sizeof b);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
}

void seal_group(const Kernel& kernel, std::span<const KernelPacket> packets) noexcept {
    TOWPATH_ASSERT(packets.size() <= kGroupMax);
    OneTimeKeys keys{packets.size()};
    Lanes lanes{kernel, packets, keys};
    std::array<std::uint8_t*, kGroupMax> tags;
    for (std::uint32_t packet = 0; packet < packets.size(); ++packet) {
        lanes.add(packet, 0, Lanes::end_of(packets[packet]));
        tags[packet] = packets[packet].data + packets[packet].length_bytes;
    }
    lanes.flush();
    compute_tags(kernel, packets, keys, tags.data());
}

std::uint32_t open_group(const Kernel& kernel, std::span<const KernelPacket> packets) noexcept {
    TOWPATH_ASSERT(packets.size() <= kGroupMax);
    OneTimeKeys keys{packets.size()};
    Lanes lanes{kernel, packets, keys};
    std::array<std::array<std::uint8_t, kTag_bytes>, kGroupMax> computed;
    std::array<std::uint8_t*, kGroupMax> tags;
    for (std::uint32_t packet = 0; packet < packets.size(); ++packet) {
        lanes.add(packet, 0, 1);
        tags[packet] = computed[packet].data();
    }
    lanes.flush();
    compute_tags(kernel, packets, keys, tags.data());
    std::uint32_t authentic = 0;
    for (std::uint32_t packet = 0; packet < packets.size(); ++packet) {
        if (tags_are_equal(packets[packet].data + packets[packet].length_bytes, tags[packet])) {
            authentic |= 1U << packet;
            lanes.add(packet, 1, Lanes::end_of(packets[packet]));
        }
    }
    lanes.flush();
    return authentic;
}

}  // namespace towpath::crypto
