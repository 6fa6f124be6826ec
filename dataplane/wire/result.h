// SPDX-License-Identifier: BSD-3-Clause
// How something that can fail says so. The only include of tl/expected.hpp.
// A packet's fate is not a Result: it is a DropReason (dataplane/packet/drop_reason.h).
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace towpath {

// Why bytes could not be decoded. No text: the caller knows what it was reading.
enum class Error : std::uint8_t {
    truncated,
    bad_magic,
    bad_length,
    bad_type,
    bad_version,
    bad_value,
    unsupported,
    full,
    not_found,
};

template <class T>
using Result = tl::expected<T, Error>;

// How a process ends. Documented in README.md; `towpath` uses the same numbers (operator.md 4).
enum class ExitCode : std::uint8_t {
    ok = 0,
    failed = 1,             // something that was asked for could not be done
    usage = 2,              // the command line or the configuration is wrong
    unreachable = 3,        // the daemon does not answer
    refused = 4,            // refused for safety
    no_permission = 5,      // a capability is missing
    port_unavailable = 6,   // a port could not be opened
    no_memory = 7,          // packet or table memory could not be had
    already_running = 8,    // another instance holds the run directory
    no_such_core = 9,       // a configured core does not exist or may not be used
    address_in_use = 10,    // a socket or an address is taken
    contract_mismatch = 11  // control and data plane are of different builds
};

// Why a start-up or administrative step failed: one sentence for the operator, and how the process
// exits if nobody can carry on.
struct Failure {
    ExitCode exit_code = ExitCode::failed;
    std::string sentence;
};

template <class T>
using Outcome = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> fail(ExitCode exit_code, std::string sentence) {
    return tl::unexpected<Failure>{Failure{exit_code, std::move(sentence)}};
}

}  // namespace towpath
