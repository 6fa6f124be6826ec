// SPDX-License-Identifier: BSD-3-Clause
// One question to the control process and what becomes of its answer: the part that all verbs
// share.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "control/cli/text.h"
#include "control/cli/verbs.h"

namespace towpath::control::cli {

using Show = std::string (*)(const boost::json::value&, const Palette&);

// Says why on the error stream.
ExitCode refuse(const Streams& streams, const Failure& failure);

struct Parsed {
    unsigned status = 0;
    boost::json::value value;
};

// An answer that is not an error: 200, or 422 (a refused configuration is an answer).
[[nodiscard]] Outcome<Parsed> question(const Arguments& arguments, const std::string& method,
                                       const std::string& target, const std::string& body = {});

// As JSON if that was asked for, else as `view` has it.
void show(const Arguments& arguments, const Streams& streams, const boost::json::value& value,
          Show view);

ExitCode get(const Arguments& arguments, const Streams& streams, const std::string& target,
             Show view);

}  // namespace towpath::control::cli
