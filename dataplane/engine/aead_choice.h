// SPDX-License-Identifier: BSD-3-Clause
// By which code transport data is sealed and opened (decisions.md W19): as forced, or by thresholds
// measured on this CPU, once, and kept in the run directory.
#pragma once

#include <string>

#include "dataplane/crypto/aead.h"

namespace towpath::engine {

struct AeadChoice {
    crypto::AeadPath path = crypto::AeadPath::automatic;  // automatic: by the thresholds
    crypto::AeadThresholds thresholds;
    std::string sentence;  // for the operator
};

// Reads or writes `run_directory`/aead-calibration unless `forced` is a path of its own. Takes up
// to 50 ms where it measures. Whatever goes wrong with the file, there is a choice.
[[nodiscard]] AeadChoice choose_aead(const std::string& run_directory, crypto::AeadPath forced);

}  // namespace towpath::engine
