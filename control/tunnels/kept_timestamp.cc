// SPDX-License-Identifier: BSD-3-Clause
#include "control/tunnels/kept_timestamp.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace towpath::control {
namespace {

constexpr std::size_t kTextLength = 1 + 2 * towpath::wireguard::kTimestampLength_bytes;
// From 1970 on, and not so far ahead that a damaged file would outbid every clock.
constexpr std::uint64_t kSpan_s = std::uint64_t{1} << 33U;

class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    [[nodiscard]] int number() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

private:
    int number_;
};

tl::unexpected<Failure> failed(const char* what, const std::string& path, int error) {
    return fail(error == EACCES || error == EPERM || error == EROFS ? ExitCode::no_permission
                                                                    : ExitCode::failed,
                std::string{"cannot "} + what + " " + path + ": " + std::strerror(error));
}

bool is_written(int descriptor, std::string_view text) {
    return ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
           ::fsync(descriptor) == 0;
}

}  // namespace

std::string state_directory(std::string_view given) {
    std::string directory{given};
    for (const char* const name : {"TOWPATH_STATE_DIR", "STATE_DIRECTORY"}) {
        if (const char* const value = std::getenv(name); directory.empty() && value != nullptr) {
            directory = value;
            if (std::string_view{name} == "STATE_DIRECTORY") {
                directory = directory.substr(0, directory.find(':'));
            }
        }
    }
    if (directory.empty()) {
        directory = kStateDirectoryDefault;
    }
    while (directory.size() > 1 && directory.back() == '/') {
        directory.pop_back();
    }
    return directory;
}

std::string to_text(wireguard::Timestamp timestamp) {
    std::string text = "@";
    for (const std::byte byte : timestamp.bytes()) {
        std::array<char, 3> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x", std::to_integer<unsigned>(byte));
        text += digits.data();
    }
    return text;
}

std::optional<wireguard::Timestamp> timestamp_of(std::string_view text) {
    if (text.size() != kTextLength || text.front() != '@') {
        return std::nullopt;
    }
    wireguard::Timestamp::Bytes bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char* const digits = text.data() + 1 + 2 * i;
        std::uint8_t value = 0;
        const auto parsed = std::from_chars(digits, digits + 2, value, 16);
        if (parsed.ec != std::errc{} || parsed.ptr != digits + 2) {
            return std::nullopt;
        }
        bytes.at(i) = std::byte{value};
    }
    const auto timestamp = wireguard::Timestamp::from_bytes(bytes);
    const bool is_plausible = timestamp >= wireguard::Timestamp::from_unix(0, 0) &&
                              timestamp < wireguard::Timestamp::from_unix(kSpan_s, 0) &&
                              timestamp.is_well_formed();
    return is_plausible ? std::optional{timestamp} : std::nullopt;
}

KeptTimestamp::KeptTimestamp(std::string state_directory)
    : directory_{std::move(state_directory)}, path_{directory_ + "/sent-timestamp"} {}

Outcome<wireguard::Timestamp> KeptTimestamp::read() const {
    // Not blocking, should somebody have put a pipe there.
    const Descriptor file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!file.is_open()) {
        return errno == ENOENT ? Outcome<wireguard::Timestamp>{wireguard::Timestamp{}}
                               : failed("read", path_, errno);
    }
    std::array<char, kTextLength + 2> text{};
    const ssize_t length = ::read(file.number(), text.data(), text.size());
    if (length < 0) {
        return failed("read", path_, errno);
    }
    std::string_view line{text.data(), static_cast<std::size_t>(length)};
    if (!line.empty() && line.back() == '\n') {
        line.remove_suffix(1);
    }
    const std::optional<wireguard::Timestamp> timestamp = timestamp_of(line);
    if (!timestamp) {
        return fail(ExitCode::failed, path_ +
                                          " does not hold a time stamp (\"@\" and 24 hexadecimal "
                                          "digits of TAI64N)");
    }
    return *timestamp;
}

Outcome<void> KeptTimestamp::write(wireguard::Timestamp sent) const {
    if (const auto there = read(); there && *there >= sent) {
        return {};
    }
    if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
        return failed("make", directory_, errno);
    }
    // Of this process alone: another instance may be writing its own.
    const std::string fresh = path_ + "." + std::to_string(::getpid());
    {
        const Descriptor file{
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file.is_open() || !is_written(file.number(), to_text(sent) + "\n")) {
            const int error = errno;
            ::unlink(fresh.c_str());
            return failed("write", path_, error);
        }
    }
    const Descriptor folder{::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (::rename(fresh.c_str(), path_.c_str()) != 0) {
        const int error = errno;
        ::unlink(fresh.c_str());
        return failed("replace", path_, error);
    }
    if (!folder.is_open() || ::fsync(folder.number()) != 0) {
        return failed("keep", path_, errno);
    }
    return {};
}

}  // namespace towpath::control
