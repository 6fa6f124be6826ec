// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/aead_choice.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>

#include "dataplane/contract/version.h"
#include "dataplane/crypto/calibration.h"
#include "dataplane/worker/tsc_clock.h"

namespace towpath::engine {
namespace {

std::optional<crypto::AeadCalibration> read_kept(const std::string& file) {
    std::ifstream stream{file};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    const auto kept = crypto::parse_aead_calibration(text);
    if (!kept || !crypto::is_for_this_cpu(*kept, contract::kBuild)) {
        return std::nullopt;
    }
    return *kept;
}

std::optional<crypto::AeadCalibration> measure() {
    const worker::TscClock clock = worker::TscClock::calibrate();
    const auto thresholds = crypto::calibrate_aead(
        [&clock] { return static_cast<std::uint64_t>(clock.now().time_since_epoch().count()); });
    if (!thresholds) {
        return std::nullopt;
    }
    return crypto::AeadCalibration{.cpu_model = crypto::cpu_model(),
                                   .build_id = std::string{contract::kBuild},
                                   .path = crypto::best_aead_path(),
                                   .thresholds = *thresholds};
}

std::string sentence_of(const char* how, const crypto::AeadCalibration& calibration) {
    if (calibration.path == crypto::AeadPath::ipsec_mb) {
        return "AEAD by ipsec_mb: this CPU has no kernel of ours";
    }
    return std::string{"AEAD by "} + crypto::to_string(calibration.path) + " from " +
           crypto::to_string(calibration.thresholds) + " packets on, else ipsec_mb (" + how + ")";
}

}  // namespace

AeadChoice choose_aead(const std::string& run_directory, crypto::AeadPath forced) {
    if (forced != crypto::AeadPath::automatic) {
        return {forced, {}, std::string{"AEAD by "} + crypto::to_string(forced) + " (as asked)"};
    }
    const std::string file = run_directory + "/aead-calibration";
    if (const auto kept = read_kept(file)) {
        return {forced, kept->thresholds, sentence_of("measured at an earlier start", *kept)};
    }
    if (const auto measured = measure()) {
        std::ofstream{file} << crypto::to_text(*measured);  // or the next start measures again
        return {forced, measured->thresholds, sentence_of("measured", *measured)};
    }
    const crypto::AeadPath path = crypto::best_aead_path();
    return {forced, crypto::default_thresholds(path),
            std::string{"AEAD by "} + crypto::to_string(path) + " (not measured)"};
}

}  // namespace towpath::engine
