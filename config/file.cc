// SPDX-License-Identifier: BSD-3-Clause
#include "config/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace towpath::config {
namespace {

class Descriptor {
public:
    explicit Descriptor(const std::string& path)
        // Not blocking: a FIFO without a writer must not hang `towpath check`.
        : number_{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

tl::unexpected<std::string> refuse(std::string rest) {
    return tl::unexpected<std::string>{std::move(rest)};
}

tl::unexpected<std::string> refuse_with_errno(std::string_view rest) {
    return refuse(std::string{rest} + ": " + std::strerror(errno));
}

}  // namespace

Scalar<FileText> read_file(const std::string& path, std::size_t bytes_max) {
    constexpr std::string_view kCredentials = "${CREDENTIALS_DIRECTORY}";
    std::string expanded = path;
    if (path.starts_with(kCredentials)) {
        const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
        if (directory == nullptr) {
            return refuse(" cannot be opened: CREDENTIALS_DIRECTORY is not set");
        }
        expanded.replace(0, kCredentials.size(), directory);
    }
    const Descriptor file{expanded};
    if (file.number() < 0) {
        return refuse_with_errno(" cannot be opened");
    }
    struct stat status {};
    if (::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return refuse(" is not a regular file");
    }
    FileText read{std::string(bytes_max + 1, '\0'), (status.st_mode & (S_IRWXG | S_IRWXO)) == 0};
    std::size_t length = 0;
    while (length < read.text.size()) {
        const ::ssize_t got =
            ::read(file.number(), read.text.data() + length, read.text.size() - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return refuse_with_errno(" cannot be read");
        }
        if (got == 0) {
            break;
        }
        length += static_cast<std::size_t>(got);
    }
    read.text.resize(length);
    return read;
}

}  // namespace towpath::config
