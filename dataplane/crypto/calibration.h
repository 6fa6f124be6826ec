// SPDX-License-Identifier: BSD-3-Clause
// From how many packets on our kernels beat IPsec-MB on this very CPU: measured at the first start
// and kept for later ones (decisions.md W19). Where the text is kept is the caller's business, and
// so is the clock. For start-up, not for the packet path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "dataplane/crypto/aead.h"
#include "dataplane/wire/result.h"

namespace towpath::crypto {

// Sizes of batches that are tried.
inline constexpr std::array<std::uint8_t, 6> kCalibrationCounts{1, 2, 3, 4, 6, 8};
// After this time no further class of length is begun; those not measured keep the defaults.
inline constexpr std::uint64_t kCalibrationLimit_ns = 40'000'000;

// Nanoseconds to seal and open one packet of a class of length, by size of the batch.
struct AeadTimings {
    using ByCount = std::array<double, kCalibrationCounts.size()>;
    ByCount kernel_ns{};
    ByCount ipsec_mb_ns{};
};
// The smallest batch from which on the kernel is never slower; 0 if the largest is.
[[nodiscard]] std::uint8_t packets_min_of(const AeadTimings& timings) noexcept;

// Monotonic nanoseconds.
using ReadClock_ns = std::function<std::uint64_t()>;
// For best_aead_path(); takes about 20 ms. All zero on a CPU for which there is no kernel of ours.
// Fails where Aead::create fails.
[[nodiscard]] Outcome<AeadThresholds> calibrate_aead(const ReadClock_ns& read_clock_ns);

// What was measured, and for which CPU and program it holds.
struct AeadCalibration {
    std::string cpu_model;  // one line, as cpu_model() says it
    std::string build_id;   // one line, of the caller's choice
    AeadPath path = AeadPath::ipsec_mb;
    AeadThresholds thresholds;
    friend bool operator==(const AeadCalibration&, const AeadCalibration&) = default;
};
// The name that the processor gives itself; empty if it has none.
[[nodiscard]] std::string cpu_model();
// Whether it may be used by the program `build_id` on this CPU.
[[nodiscard]] bool is_for_this_cpu(const AeadCalibration& calibration, std::string_view build_id);
// Five lines of text and back. Anything that to_text() would not write is refused: bad_magic for
// another kind or version of file, bad_value for the rest.
[[nodiscard]] std::string to_text(const AeadCalibration& calibration);
[[nodiscard]] Result<AeadCalibration> parse_aead_calibration(std::string_view text);

}  // namespace towpath::crypto
