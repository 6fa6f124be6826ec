// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/aead.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "dataplane/crypto/aead_kernels.h"
#include "dataplane/crypto/ipsec_mb.h"
#include "dataplane/crypto/residue.h"
#include "dataplane/wire/assertion.h"

namespace towpath::crypto {
namespace {

KernelPacket for_kernel(const AeadPacket& packet) noexcept {
    return {reinterpret_cast<std::uint8_t*>(packet.data),
            reinterpret_cast<const std::uint8_t*>(packet.key->bytes().data()), packet.counter,
            packet.length_bytes};
}

// Positions of a batch, by ascending length. Batches are short and often of one length already.
class Order {
public:
    explicit Order(std::span<const AeadPacket> packets) noexcept : count_{packets.size()} {
        TOWPATH_ASSERT(packets.size() <= kAeadBatchMax);
        for (std::size_t next = 0; next < count_; ++next) {
            const std::uint32_t length_bytes = packets[next].length_bytes;
            std::size_t place = next;
            for (; place > 0 && packets[positions_[place - 1]].length_bytes > length_bytes;
                 --place) {
                positions_[place] = positions_[place - 1];
            }
            positions_[place] = static_cast<std::uint8_t>(next);
        }
    }
    [[nodiscard]] std::span<const std::uint8_t> positions() const noexcept {
        return {positions_.data(), count_};
    }

private:
    std::array<std::uint8_t, kAeadBatchMax> positions_;
    std::size_t count_;
};

// Cuts the front of `order` into the next group: packets of one class of length, at most kGroupMax.
std::span<const std::uint8_t> next_group(std::span<const AeadPacket> packets,
                                         std::span<const std::uint8_t> order) noexcept {
    const std::uint32_t longest_bytes = AeadThresholds::kLengths_bytes[AeadThresholds::class_of(
        packets[order.front()].length_bytes)];
    std::size_t count = 1;
    while (count < order.size() && count < kGroupMax &&
           packets[order[count]].length_bytes <= longest_bytes) {
        ++count;
    }
    return order.first(count);
}

}  // namespace

const char* to_string(AeadPath path) noexcept {
    switch (path) {
        case AeadPath::automatic:
            return "automatic";
        case AeadPath::ipsec_mb:
            return "ipsec-mb";
        case AeadPath::avx2:
            return "avx2";
        case AeadPath::avx512:
            return "avx512";
        case AeadPath::avx512_ifma:
            return "avx512-ifma";
    }
    return "?";
}

std::optional<AeadPath> parse_aead_path(std::string_view text) noexcept {
    for (const AeadPath path : {AeadPath::automatic, AeadPath::ipsec_mb, AeadPath::avx2,
                                AeadPath::avx512, AeadPath::avx512_ifma}) {
        if (text == to_string(path)) {
            return path;
        }
    }
    return std::nullopt;
}

AeadPath best_aead_path() noexcept {
    for (const AeadPath best : {AeadPath::avx512_ifma, AeadPath::avx512, AeadPath::avx2}) {
        if (is_supported(best)) {
            return best;
        }
    }
    return AeadPath::ipsec_mb;
}

bool is_supported(AeadPath path) noexcept {
    const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    const bool has_avx512 =
        __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
        __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
        __builtin_cpu_supports("bmi2") != 0;
    switch (path) {
        case AeadPath::avx2:
            return has_avx2;
        case AeadPath::avx512:
            return has_avx512;
        case AeadPath::avx512_ifma:
            return has_avx512 && __builtin_cpu_supports("avx512ifma") != 0 &&
                   __builtin_cpu_supports("avx512vbmi2") != 0;
        case AeadPath::automatic:
        case AeadPath::ipsec_mb:
            break;
    }
    return true;
}

std::size_t AeadThresholds::class_of(std::uint32_t length_bytes) noexcept {
    std::size_t found = 0;
    while (found + 1 < kLengths_bytes.size() && kLengths_bytes[found] < length_bytes) {
        ++found;
    }
    return found;
}

std::string to_string(const AeadThresholds& thresholds) {
    std::string text;
    for (const std::uint8_t packets_min : thresholds.packets_min) {
        text += (text.empty() ? "" : " ") + std::to_string(packets_min);
    }
    return text;
}

AeadThresholds default_thresholds(AeadPath path) noexcept {
    switch (path) {
        case AeadPath::avx512_ifma:
            return {{3, 3, 3, 4, 6, 8, 8, 0}};
        case AeadPath::avx512:
            return {{3, 3, 4, 4, 8, 8, 0, 0}};
        case AeadPath::avx2:
            return {{3, 4, 5, 6, 8, 0, 0, 0}};
        case AeadPath::automatic:
        case AeadPath::ipsec_mb:
            break;
    }
    return {};
}

Aead::Aead(std::unique_ptr<IpsecMb> ipsec_mb) noexcept : ipsec_mb_{std::move(ipsec_mb)} {}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

Outcome<Aead> Aead::create(AeadPath path) {
    if (!is_supported(path)) {
        return fail(ExitCode::failed, std::string{"this CPU has no "} + to_string(path));
    }
    auto ipsec_mb = IpsecMb::create();
    if (ipsec_mb == nullptr) {
        return fail(ExitCode::no_memory, "no memory for IPsec-MB's manager");
    }
    Aead aead{std::move(ipsec_mb)};
    aead.path_ = path;
    if (path == AeadPath::automatic) {
        aead.path_ = best_aead_path();
        aead.thresholds_ = default_thresholds(aead.path_);
    } else {
        aead.thresholds_.packets_min.fill(1);
    }
    aead.kernel_ = kernel_of(aead.path_);
    return aead;
}

Outcome<Aead> Aead::create(const AeadThresholds& thresholds) {
    Outcome<Aead> aead = create(AeadPath::automatic);
    if (aead) {
        aead->thresholds_ = thresholds;
    }
    return aead;
}

void Aead::seal_batch(std::span<const AeadPacket> packets) noexcept {
    const Order order{packets};
    for (auto left = order.positions(); !left.empty();) {
        const auto group = next_group(packets, left);
        left = left.subspan(group.size());
        const std::size_t length_class =
            AeadThresholds::class_of(packets[group.front()].length_bytes);
        const std::uint8_t packets_min = thresholds_.packets_min[length_class];
        if (kernel_ == nullptr || packets_min == 0 || group.size() < packets_min) {
            ipsec_mb_->seal(packets, group);
            continue;
        }
        std::array<KernelPacket, kGroupMax> gathered;
        std::transform(group.begin(), group.end(), gathered.begin(),
                       [&](std::uint8_t position) { return for_kernel(packets[position]); });
        seal_group(*kernel_, {gathered.data(), group.size()});
        uncleared_packets_ += static_cast<unsigned>(group.size());
    }
    clear_at_times();
}

void Aead::open_batch(std::span<const AeadPacket> packets, std::span<bool> is_authentic) noexcept {
    TOWPATH_ASSERT(is_authentic.size() == packets.size());
    const Order order{packets};
    for (auto left = order.positions(); !left.empty();) {
        const auto group = next_group(packets, left);
        left = left.subspan(group.size());
        const std::size_t length_class =
            AeadThresholds::class_of(packets[group.front()].length_bytes);
        const std::uint8_t packets_min = thresholds_.packets_min[length_class];
        if (kernel_ == nullptr || packets_min == 0 || group.size() < packets_min) {
            ipsec_mb_->open(packets, group, is_authentic);
            continue;
        }
        std::array<KernelPacket, kGroupMax> gathered;
        std::transform(group.begin(), group.end(), gathered.begin(),
                       [&](std::uint8_t position) { return for_kernel(packets[position]); });
        const std::uint32_t authentic = open_group(*kernel_, {gathered.data(), group.size()});
        for (std::size_t place = 0; place < group.size(); ++place) {
            is_authentic[group[place]] = (authentic >> place & 1U) != 0;
        }
        uncleared_packets_ += static_cast<unsigned>(group.size());
    }
    clear_at_times();
}

void Aead::clear_at_times() noexcept {
    if (uncleared_packets_ >= kAeadPacketsUncleared) {
        forget();
    }
}

void Aead::forget() noexcept {
    if (uncleared_packets_ != 0) {
        clear_residue(path_ == AeadPath::avx2 ? VectorRegisters::avx2 : VectorRegisters::avx512);
        uncleared_packets_ = 0;
    }
}

}  // namespace towpath::crypto
