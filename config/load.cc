// SPDX-License-Identifier: BSD-3-Clause
#include "config/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "config/document.h"
#include "config/parse.h"
#include "config/validate.h"

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

Loaded refused(std::string text) {
    Loaded loaded;
    loaded.diagnostics.push_back({Severity::error, {}, std::move(text)});
    return loaded;
}

}  // namespace

bool Loaded::is_valid() const noexcept {
    return std::none_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
        return diagnostic.severity == Severity::error;
    });
}

std::string to_string(const Diagnostic& diagnostic, std::string_view file) {
    std::string text{file};
    if (diagnostic.position.line != 0) {
        text += ":" + std::to_string(diagnostic.position.line) + ":" +
                std::to_string(diagnostic.position.column);
    }
    text += diagnostic.severity == Severity::error ? ": error: " : ": warning: ";
    return text + diagnostic.text;
}

std::string to_string(const std::vector<Diagnostic>& diagnostics, std::string_view file) {
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics) {
        text += to_string(diagnostic, file) + "\n";
    }
    return text;
}

Loaded load_text(std::string_view text) {
    Document document = read_document(text);
    Loaded loaded;
    loaded.diagnostics = std::move(document.diagnostics);
    if (!document.root) {
        return loaded;
    }
    Reading reading = parse(*document.root);
    const std::vector<Diagnostic> broken = validate(reading);
    loaded.config = std::move(reading.config);
    loaded.diagnostics.insert(loaded.diagnostics.end(), reading.diagnostics.begin(),
                              reading.diagnostics.end());
    loaded.diagnostics.insert(loaded.diagnostics.end(), broken.begin(), broken.end());
    std::stable_sort(
        loaded.diagnostics.begin(), loaded.diagnostics.end(),
        [](const Diagnostic& a, const Diagnostic& b) { return a.position < b.position; });
    return loaded;
}

Loaded load_file(const std::string& path) {
    const Descriptor file{path};
    if (file.number() < 0) {
        return refused(std::string{"cannot be opened: "} + std::strerror(errno));
    }
    struct stat status {};
    if (::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return refused("is not a regular file");
    }
    // One byte more than is allowed, so that a file that grew meanwhile is refused too.
    std::string text(kFileBytesMax + 1, '\0');
    std::size_t length = 0;
    while (length < text.size()) {
        const ::ssize_t got = ::read(file.number(), text.data() + length, text.size() - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return refused(std::string{"cannot be read: "} + std::strerror(errno));
        }
        if (got == 0) {
            break;
        }
        length += static_cast<std::size_t>(got);
    }
    text.resize(length);
    return load_text(text);
}

}  // namespace towpath::config
