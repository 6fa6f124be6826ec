// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/contract/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace towpath::contract {
namespace {

ExitCode exit_code_of(int error) noexcept {
    return error == EACCES || error == EPERM || error == EROFS ? ExitCode::no_permission
                                                               : ExitCode::failed;
}

// The process that wrote its number into the lock file; empty if it has not yet.
std::string holder_of(int descriptor) {
    std::array<char, 16> text{};
    const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
    const char* const begin = text.data();
    const char* const end = begin + std::max<ssize_t>(length, 0);
    return {begin, std::find_if(begin, end, [](char c) { return c < '0' || c > '9'; })};
}

void write_holder(int descriptor) {
    std::array<char, 16> text{};
    const auto written = std::to_chars(text.data(), text.data() + text.size() - 1, ::getpid());
    *written.ptr = '\n';
    // For people and for the other instance's message only, so a failure changes nothing.
    if (::ftruncate(descriptor, 0) == 0) {
        static_cast<void>(!::pwrite(descriptor, text.data(),
                                    static_cast<std::size_t>(written.ptr + 1 - text.data()), 0));
    }
}

}  // namespace

std::string run_directory(std::string_view given) {
    std::string directory{given};
    if (directory.empty()) {
        const char* const environment = std::getenv("TOWPATH_RUN_DIR");
        directory = environment != nullptr && *environment != '\0'
                        ? environment
                        : std::string{kRunDirectoryDefault};
    }
    while (directory.size() > 1 && directory.back() == '/') {
        directory.pop_back();
    }
    return directory;
}

std::string contract_socket(std::string_view run_directory) {
    return std::string{run_directory} + "/contract.sock";
}

std::string api_socket(std::string_view run_directory) {
    return std::string{run_directory} + "/api.sock";
}

Outcome<RunLock> RunLock::acquire(const std::string& run_directory, std::string_view name) {
    if (contract_socket(run_directory).size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(ExitCode::usage, "the run directory " + run_directory +
                                         " is too long a path for a socket in it (107 bytes)");
    }
    if (::mkdir(run_directory.c_str(), 0755) != 0 && errno != EEXIST) {
        const int error = errno;
        return fail(exit_code_of(error),
                    "cannot make the run directory " + run_directory + ": " + std::strerror(error));
    }
    const std::string path = run_directory + "/" + std::string{name};
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0) {
        const int error = errno;
        return fail(exit_code_of(error), "cannot open " + path + ": " + std::strerror(error));
    }
    RunLock lock{descriptor};
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        const std::string holder = holder_of(descriptor);
        // Not ours to empty.
        lock.descriptor_ = -1;
        ::close(descriptor);
        return fail(ExitCode::already_running, "another instance (pid " +
                                                   (holder.empty() ? "unknown" : holder) +
                                                   ") holds " + run_directory);
    }
    lock.was_cut_short_ = !holder_of(descriptor).empty();
    write_holder(descriptor);
    return lock;
}

RunLock::RunLock(RunLock&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, was_cut_short_{other.was_cut_short_} {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(was_cut_short_, other.was_cut_short_);
    return *this;
}

RunLock::~RunLock() {
    if (descriptor_ >= 0) {
        static_cast<void>(!::ftruncate(descriptor_, 0));  // else the next one says what is not true
        ::close(descriptor_);
    }
}

}  // namespace towpath::contract
