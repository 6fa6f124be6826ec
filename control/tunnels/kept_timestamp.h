// SPDX-License-Identifier: BSD-3-Clause
// The greatest time stamp that this node sent in an initiation, in a file that outlives the process
// and the machine's clock (decisions.md W20). One line: "@" and the twelve bytes of TAI64N in
// hexadecimal, as log tools write such a time. One file for all instances of a node: none of them
// makes it smaller.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/wireguard/timestamp.h"
#include "dataplane/wire/result.h"

namespace towpath::control {

inline constexpr std::string_view kStateDirectoryDefault = "/var/lib/towpath-control";

// `given` if not empty, else TOWPATH_STATE_DIR, else what systemd made for us (STATE_DIRECTORY,
// the first of them), else the default. Without a trailing slash.
[[nodiscard]] std::string state_directory(std::string_view given);

class KeptTimestamp {
public:
    explicit KeptTimestamp(std::string state_directory);

    // Never if there is none yet. Fails with a sentence that names the file: it cannot be read, or
    // does not hold a time stamp between the years 1970 and 2242.
    [[nodiscard]] Outcome<wireguard::Timestamp> read() const;

    // Replaces what is there in one step (0600; the directory is made with 0700), unless that is
    // greater. When it returns the time stamp is on the disk. Fails with a sentence that names the
    // file.
    [[nodiscard]] Outcome<void> write(wireguard::Timestamp sent) const;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string directory_;
    std::string path_;
};

// The line without its end. Nothing if the text is none.
[[nodiscard]] std::string to_text(wireguard::Timestamp timestamp);
[[nodiscard]] std::optional<wireguard::Timestamp> timestamp_of(std::string_view text);

}  // namespace towpath::control
