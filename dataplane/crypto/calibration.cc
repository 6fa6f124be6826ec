// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/calibration.h"

#include <cpuid.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace towpath::crypto {
namespace {

constexpr std::size_t kCountMax = kCalibrationCounts.back();
constexpr unsigned kWindows = 5;
// Bytes sealed and opened in a window: long enough for a clock, short enough to be left alone.
constexpr std::uint32_t kWindow_bytes = 16 * 1024;
constexpr std::size_t kPacketsPerWindow_min = 8;
constexpr std::size_t kPacketsPerWindow_max = 48;

// Packets of one length, sealed and opened again and again.
class Sample {
public:
    explicit Sample(std::uint32_t length_bytes)
        : length_bytes_{length_bytes},
          stride_bytes_{(length_bytes + kTag_bytes + 127U) / 64U * 64U},
          storage_(stride_bytes_ * kCountMax) {
        key_.bytes()[0] = std::byte{1};
    }
    [[nodiscard]] std::size_t batches(std::size_t count) const noexcept {
        const std::size_t packets = std::clamp<std::size_t>(
            kWindow_bytes / length_bytes_, kPacketsPerWindow_min, kPacketsPerWindow_max);
        return (packets + count - 1) / count;
    }
    void run(Aead& aead, std::size_t count) noexcept {
        std::array<AeadPacket, kCountMax> packets;
        std::array<bool, kCountMax> is_authentic{};
        for (std::size_t index = 0; index < count; ++index) {
            packets[index] = {storage_.data() + index * stride_bytes_, &key_, counter_++,
                              length_bytes_};
        }
        aead.seal_batch({packets.data(), count});
        aead.open_batch({packets.data(), count}, {is_authentic.data(), count});
    }

private:
    std::uint32_t length_bytes_;
    std::size_t stride_bytes_;
    std::vector<std::byte> storage_;
    Key key_;
    std::uint64_t counter_ = 0;
};

// Per packet; the fastest window, because whatever disturbs one makes it slower.
double time_ns(Sample& sample, Aead& aead, std::size_t count, const ReadClock_ns& read_clock_ns) {
    const std::size_t batches = sample.batches(count);
    double fastest_ns = std::numeric_limits<double>::max();
    sample.run(aead, count);
    for (unsigned window = 0; window < kWindows; ++window) {
        const std::uint64_t start_ns = read_clock_ns();
        for (std::size_t batch = 0; batch < batches; ++batch) {
            sample.run(aead, count);
        }
        fastest_ns = std::min(fastest_ns, static_cast<double>(read_clock_ns() - start_ns));
    }
    return fastest_ns / static_cast<double>(batches * count);
}

constexpr std::string_view kHeader = "towpath AEAD thresholds 1\n";

// Takes "NAME: VALUE\n" off the front of `text`; nothing if it begins with something else.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || !text.starts_with(name) ||
        text.substr(name.size(), 2) != ": ") {
        return std::nullopt;
    }
    const std::size_t begin = name.size() + 2;
    const std::string_view value = text.substr(begin, end - begin);
    text.remove_prefix(end + 1);
    return value;
}

std::optional<AeadThresholds> parse_thresholds(std::string_view text) {
    AeadThresholds thresholds;
    for (std::uint8_t& packets_min : thresholds.packets_min) {
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), packets_min);
        if (error != std::errc{} || packets_min > kAeadBatchMax) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (&packets_min != &thresholds.packets_min.back()) {
            if (!text.starts_with(' ')) {
                return std::nullopt;
            }
            text.remove_prefix(1);
        }
    }
    return text.empty() ? std::optional{thresholds} : std::nullopt;
}

}  // namespace

std::uint8_t packets_min_of(const AeadTimings& timings) noexcept {
    std::uint8_t packets_min = 0;
    for (std::size_t tried = kCalibrationCounts.size(); tried-- > 0;) {
        if (timings.kernel_ns[tried] >= timings.ipsec_mb_ns[tried]) {
            break;
        }
        packets_min = kCalibrationCounts[tried];
    }
    return packets_min;
}

Outcome<AeadThresholds> calibrate_aead(const ReadClock_ns& read_clock_ns) {
    const AeadPath path = best_aead_path();
    if (path == AeadPath::ipsec_mb) {
        return AeadThresholds{};
    }
    Outcome<Aead> kernel = Aead::create(path);
    Outcome<Aead> ipsec_mb = Aead::create(AeadPath::ipsec_mb);
    if (!kernel || !ipsec_mb) {
        return tl::unexpected{kernel ? ipsec_mb.error() : kernel.error()};
    }
    AeadThresholds thresholds = default_thresholds(path);
    const std::uint64_t start_ns = read_clock_ns();
    for (std::size_t length = 0; length < thresholds.packets_min.size(); ++length) {
        if (read_clock_ns() - start_ns >= kCalibrationLimit_ns) {
            break;
        }
        Sample sample{AeadThresholds::kLengths_bytes[length]};
        AeadTimings timings;
        for (std::size_t tried = 0; tried < kCalibrationCounts.size(); ++tried) {
            const std::size_t count = kCalibrationCounts[tried];
            timings.kernel_ns[tried] = time_ns(sample, *kernel, count, read_clock_ns);
            timings.ipsec_mb_ns[tried] = time_ns(sample, *ipsec_mb, count, read_clock_ns);
        }
        thresholds.packets_min[length] = packets_min_of(timings);
    }
    return thresholds;
}

std::string cpu_model() {
    constexpr unsigned kFirst = 0x80000002;
    constexpr unsigned kLast = 0x80000004;
    std::array<unsigned, 12> registers{};
    if (static_cast<unsigned>(__get_cpuid_max(0x80000000, nullptr)) < kLast) {
        return {};
    }
    for (unsigned leaf = kFirst; leaf <= kLast; ++leaf) {
        unsigned* const part = registers.data() + 4 * std::size_t{leaf - kFirst};
        __get_cpuid(leaf, part, part + 1, part + 2, part + 3);
    }
    std::array<char, sizeof registers + 1> text{};
    std::memcpy(text.data(), registers.data(), sizeof registers);
    std::string model{text.data()};
    model.erase(0, model.find_first_not_of(' '));
    model.erase(model.find_last_not_of(' ') + 1);
    return model;
}

bool is_for_this_cpu(const AeadCalibration& calibration, std::string_view build_id) {
    return calibration.build_id == build_id && calibration.path == best_aead_path() &&
           calibration.cpu_model == cpu_model();
}

std::string to_text(const AeadCalibration& calibration) {
    return std::string{kHeader} + "cpu: " + calibration.cpu_model +
           "\nbuild: " + calibration.build_id + "\npath: " + to_string(calibration.path) +
           "\npackets: " + to_string(calibration.thresholds) + "\n";
}

Result<AeadCalibration> parse_aead_calibration(std::string_view text) {
    if (!text.starts_with(kHeader)) {
        return tl::unexpected{Error::bad_magic};
    }
    text.remove_prefix(kHeader.size());
    const auto cpu = take_line(text, "cpu");
    const auto build = take_line(text, "build");
    const auto path = take_line(text, "path");
    const auto packets = take_line(text, "packets");
    if (!cpu || !build || !path || !packets || !text.empty()) {
        return tl::unexpected{Error::bad_value};
    }
    const auto parsed_path = parse_aead_path(*path);
    const auto thresholds = parse_thresholds(*packets);
    if (!parsed_path || !thresholds) {
        return tl::unexpected{Error::bad_value};
    }
    return AeadCalibration{std::string{*cpu}, std::string{*build}, *parsed_path, *thresholds};
}

}  // namespace towpath::crypto
