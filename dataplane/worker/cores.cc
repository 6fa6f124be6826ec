// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/cores.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "dataplane/packet/owner.h"

namespace towpath::worker {
namespace {

std::string read_file(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

bool take_unsigned(std::string_view& text, unsigned& value) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{}) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

double smaller_quota(double left, double right) {
    if (left == 0 || right == 0) {
        return std::max(left, right);
    }
    return std::min(left, right);
}

// The tightest cpu.max from the process's cgroup up to the root: any ancestor may limit.
double read_quota_v2(const std::string& root, std::string path) {
    double quota = 0;
    while (true) {
        quota = smaller_quota(
            quota, parse_cpu_max(read_file(root + "/sys/fs/cgroup" + path + "/cpu.max")));
        if (path.empty() || path == "/") {
            return quota;
        }
        path.erase(path.rfind('/'));
    }
}

double read_quota_v1(const std::string& root, const std::string& path) {
    const std::string folder = root + "/sys/fs/cgroup/cpu" + path;
    const std::string quota = read_file(folder + "/cpu.cfs_quota_us");
    if (quota.empty() || quota.front() == '-') {
        return 0;
    }
    return parse_cpu_max(quota.substr(0, quota.find('\n')) + ' ' +
                         read_file(folder + "/cpu.cfs_period_us"));
}

}  // namespace

double parse_cpu_max(std::string_view text) {
    unsigned quota_us = 0;
    unsigned period_us = 0;
    if (!take_unsigned(text, quota_us) || text.empty()) {
        return 0;
    }
    text.remove_prefix(1);
    if (!take_unsigned(text, period_us) || period_us == 0) {
        return 0;
    }
    return static_cast<double>(quota_us) / period_us;
}

CoreLimits read_core_limits(const std::string& root) {
    CoreLimits limits;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
        for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(core, &mask)) {
                limits.allowed.push_back(core);
            }
        }
    }
    // Lines of /proc/self/cgroup: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1.
    std::ifstream groups{root + "/proc/self/cgroup"};
    for (std::string line; std::getline(groups, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string::npos) {
            continue;
        }
        const std::string controllers = ',' + line.substr(first + 1, second - first - 1) + ',';
        const std::string path = line.substr(second + 1);
        if (controllers == ",,") {
            limits.quota_cores = smaller_quota(limits.quota_cores, read_quota_v2(root, path));
        } else if (controllers.find(",cpu,") != std::string::npos) {
            limits.quota_cores = smaller_quota(limits.quota_cores, read_quota_v1(root, path));
        }
    }
    return limits;
}

Outcome<std::vector<unsigned>> choose_cores(std::string_view requested, const CoreLimits& limits) {
    if (limits.allowed.empty()) {
        return fail(ExitCode::no_such_core, "the kernel allows this process no core at all");
    }
    if (requested == "auto") {
        std::size_t count = std::max<std::size_t>(limits.allowed.size() - 1, 1);
        if (limits.quota_cores > 0) {
            count = std::min(
                count, std::max<std::size_t>(static_cast<std::size_t>(limits.quota_cores), 1));
        }
        count = std::min(count, kWorkersMax);
        // From the top: interrupts and housekeeping of most systems gather on the lowest core.
        return std::vector<unsigned>{limits.allowed.end() - static_cast<std::ptrdiff_t>(count),
                                     limits.allowed.end()};
    }
    std::vector<unsigned> cores;
    for (std::string_view rest = requested;;) {
        unsigned first = 0;
        if (!take_unsigned(rest, first)) {
            return fail(ExitCode::usage, "dataplane.cores: '" + std::string{requested} +
                                             "' is not auto or a list such as 2-5,8");
        }
        unsigned last = first;
        if (!rest.empty() && rest.front() == '-') {
            rest.remove_prefix(1);
            if (!take_unsigned(rest, last) || last < first) {
                return fail(ExitCode::usage, "dataplane.cores: '" + std::string{requested} +
                                                 "' is not auto or a list such as 2-5,8");
            }
        }
        for (unsigned core = first; core <= last; ++core) {
            if (std::find(limits.allowed.begin(), limits.allowed.end(), core) ==
                limits.allowed.end()) {
                return fail(ExitCode::no_such_core, "dataplane.cores: core " +
                                                        std::to_string(core) +
                                                        " does not exist or may not be used here");
            }
            if (std::find(cores.begin(), cores.end(), core) == cores.end()) {
                cores.push_back(core);
            }
        }
        if (rest.empty()) {
            break;
        }
        if (rest.front() != ',') {
            return fail(ExitCode::usage, "dataplane.cores: '" + std::string{requested} +
                                             "' is not auto or a list such as 2-5,8");
        }
        rest.remove_prefix(1);
    }
    if (cores.size() > kWorkersMax) {
        return fail(ExitCode::usage, "dataplane.cores: " + std::to_string(cores.size()) +
                                         " cores are more than the " + std::to_string(kWorkersMax) +
                                         " that are supported");
    }
    return cores;
}

}  // namespace towpath::worker
