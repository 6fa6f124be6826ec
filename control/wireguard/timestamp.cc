// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/timestamp.h"

#include <algorithm>
#include <cstring>

namespace towpath::control::wireguard {
namespace {

// TAI64's label of the year 1970, and TAI's ten seconds beside UTC then.
constexpr std::uint64_t kUnixEpoch = 0x400000000000000AU;

struct Wire {
    be64 seconds;
    be32 nanoseconds;
};
static_assert(sizeof(Wire) == sizeof(Timestamp::Bytes));

}  // namespace

Timestamp Timestamp::from_unix(std::uint64_t seconds, std::uint32_t nanoseconds) noexcept {
    Timestamp made;
    made.seconds_ = kUnixEpoch + seconds;
    made.nanoseconds_ = nanoseconds / kStep_ns * kStep_ns;
    return made;
}

Timestamp Timestamp::from_bytes(const Bytes& bytes) noexcept {
    Wire wire;
    std::memcpy(&wire, bytes.data(), sizeof wire);
    Timestamp made;
    made.seconds_ = wire.seconds.host();
    made.nanoseconds_ = wire.nanoseconds.host();
    return made;
}

Timestamp::Bytes Timestamp::bytes() const noexcept {
    const Wire wire{be64{seconds_}, be32{nanoseconds_}};
    Bytes bytes;
    std::memcpy(bytes.data(), &wire, sizeof wire);
    return bytes;
}

Timestamp Timestamp::next() const noexcept {
    Timestamp made = *this;
    made.nanoseconds_ += kStep_ns;
    if (made.nanoseconds_ >= kSecond_ns) {
        made.nanoseconds_ = 0;
        ++made.seconds_;
    }
    return made;
}

Timestamp Timestamp::plus_seconds(std::uint64_t seconds) const noexcept {
    Timestamp made = *this;
    made.seconds_ += seconds;
    return made;
}

Timestamp SentTimestamps::stamp(Timestamp now) noexcept {
    last_ = std::max(now, last_.next());
    return last_;
}

}  // namespace towpath::control::wireguard
