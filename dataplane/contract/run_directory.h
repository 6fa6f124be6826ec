// SPDX-License-Identifier: BSD-3-Clause
// The run directory, which both processes and the client must find in the same way (decisions.md
// N16): sockets, and one held lock for each process of an instance. A lock is a flock, so it is
// gone with its process, whatever ended it.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/wire/result.h"

namespace towpath::contract {

inline constexpr std::string_view kRunDirectoryDefault = "/run/towpath";
inline constexpr std::string_view kSupervisorLock = "lock";
inline constexpr std::string_view kDataplaneLock = "towpathd.lock";
inline constexpr std::string_view kControlLock = "control.lock";
// For the log of whoever finds a lock that was_cut_short().
inline constexpr std::string_view kCutShort =
    "previous run ended without a stop: it was killed or crashed";

// `given` if not empty, else TOWPATH_RUN_DIR, else the default. Without a trailing slash.
[[nodiscard]] std::string run_directory(std::string_view given);
[[nodiscard]] std::string contract_socket(std::string_view run_directory);
[[nodiscard]] std::string api_socket(std::string_view run_directory);

// A held lock. The file stays when it is released, empty: removing it would let two processes hold
// two files of one name. While it is held the holder's pid stands in it, and stays there when the
// holder is killed.
class RunLock {
public:
    // Makes the directory (0755) if it is missing and takes the lock called `name` in it.
    // already_running: "another instance (pid N) holds DIR"; no_permission, failed: the directory
    // or the file cannot be made. A path too long for a socket in it is refused as usage.
    [[nodiscard]] static Outcome<RunLock> acquire(const std::string& run_directory,
                                                  std::string_view name);

    // Whoever held it before did not release it: it was killed or crashed.
    [[nodiscard]] bool was_cut_short() const noexcept { return was_cut_short_; }

    RunLock(RunLock&& other) noexcept;
    RunLock& operator=(RunLock&& other) noexcept;
    ~RunLock();

private:
    explicit RunLock(int descriptor) noexcept : descriptor_{descriptor} {}
    int descriptor_;  // -1 when moved from
    bool was_cut_short_ = false;
};

}  // namespace towpath::contract
