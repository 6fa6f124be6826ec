// SPDX-License-Identifier: BSD-3-Clause
// Which cores workers run on. `auto` honours the affinity mask (the cgroup's cpuset) and the
// cgroup's CPU quota (`cpu.max`, cgroup v2; `cpu.cfs_quota_us`, v1), because a container with a
// quota of two CPUs on a machine of 64 must not start 63 spinning threads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/wire/result.h"

namespace towpath::worker {

struct CoreLimits {
    std::vector<unsigned> allowed;  // ascending; the affinity mask of this process
    double quota_cores = 0;         // 0: no quota
};

// Reads the limits of this process. `root` is "" except in tests, which lay out their own /proc and
// /sys below it.
[[nodiscard]] CoreLimits read_core_limits(const std::string& root);

// "max 100000" or "150000 100000" of cpu.max: cores, or 0 for none or unreadable.
[[nodiscard]] double parse_cpu_max(std::string_view text);

// The cores for `requested` ("auto", or a list such as "2-5,8"). Auto: every allowed core but one
// (which stays for control and the host), at most the quota rounded down, at least one, at most
// kWorkersMax. A listed core that is not allowed is ExitCode::no_such_core; a list that is none is
// ExitCode::usage.
[[nodiscard]] Outcome<std::vector<unsigned>> choose_cores(std::string_view requested,
                                                          const CoreLimits& limits);

}  // namespace towpath::worker
