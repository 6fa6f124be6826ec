// SPDX-License-Identifier: BSD-3-Clause
// The host's device of one interface (decisions.md N10, W10), which anybody with the right to may
// delete while it is in use. Whoever holds one takes it out of the worker's table before forget().
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/port/host_tap.h"

namespace towpath::engine {

class HostSide {
public:
    // Null until set, and after forget().
    [[nodiscard]] port::HostTap* tap() const noexcept { return tap_.get(); }
    // `notes` say what it lacks: the log has them, too.
    void set(port::HostTap tap, const std::vector<std::string>& notes) {
        tap_ = std::make_unique<port::HostTap>(std::move(tap));
        for (const std::string& note : notes) {
            std::fprintf(stderr, "towpathd: %s\n", note.c_str());
        }
    }

    // It was made, and the kernel has it no more.
    [[nodiscard]] bool is_lost() const noexcept { return tap_ != nullptr && !tap_->is_there(); }
    void forget(const std::string& interface) {
        lost_name_ = tap_->name();
        ++losses_;
        std::fprintf(stderr,
                     "towpathd: %s: somebody deleted the host's device %s: it is made again\n",
                     interface.c_str(), lost_name_.c_str());
        tap_.reset();
    }
    // Says for the rest of this life that it happened: whoever does that will do it again.
    void append_note(const std::string& interface, std::vector<std::string>& notes) const {
        if (losses_ != 0) {
            notes.push_back(interface + ": somebody deleted the host's device " + lost_name_ +
                            " (" + std::to_string(losses_) +
                            (losses_ == 1 ? " time), " : " times), ") +
                            (tap_ != nullptr ? "it was made again" : "it could not be made again"));
        }
    }

private:
    std::unique_ptr<port::HostTap> tap_;
    std::string lost_name_;
    unsigned losses_ = 0;
};

}  // namespace towpath::engine
