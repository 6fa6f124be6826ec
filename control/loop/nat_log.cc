// SPDX-License-Identifier: BSD-3-Clause
#include "control/loop/nat_log.h"

#include <poll.h>
#include <unistd.h>

#include <cstddef>
#include <utility>

namespace towpath::control {
namespace {

// A pipe that polls writable takes this much at once, and as one piece (PIPE_BUF).
constexpr std::size_t kPieceBytes = 4096;

bool has_room(int descriptor) noexcept {
    pollfd waiting{descriptor, POLLOUT, 0};
    return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLOUT) != 0;
}

}  // namespace

bool NatLog::turn(bool is_on) noexcept {
    return !std::exchange(is_on_, is_on) && is_on;
}

bool NatLog::write(const std::string& text) {
    if (!has_room(descriptor_)) {
        return false;
    }
    const std::string piece = unfinished_ + text;
    const ssize_t taken = ::write(descriptor_, piece.data(), piece.size());
    if (taken < 0) {
        return false;
    }
    unfinished_ = piece.substr(static_cast<std::size_t>(taken));
    return true;
}

void NatLog::on(const contract::EventBatch& batch, LogMoment moment) {
    if (!is_on_) {
        log_.pass_over(batch);
        return;
    }
    std::vector<std::string> lines;
    if (unsaid_ != 0 && has_room(descriptor_)) {
        lines.push_back(log_.gap(std::exchange(unsaid_, 0), moment));
    }
    log_.on(batch, moment, lines);
    for (std::size_t next = 0; next < lines.size();) {
        std::string piece;
        std::size_t count = 0;
        while (next + count < lines.size() &&
               (count == 0 ||
                unfinished_.size() + piece.size() + lines[next + count].size() <= kPieceBytes)) {
            piece += lines[next + count++];
        }
        if (write(piece)) {
            written_ += count;
        } else {
            dropped_ += count;
            unsaid_ += count;
        }
        next += count;
    }
}

}  // namespace towpath::control
