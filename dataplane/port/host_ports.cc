// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/host_ports.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "dataplane/port/file_descriptor.h"

namespace towpath::port {
namespace {

std::optional<std::string> read_file(const std::string& path) {
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 64> buffer{};
    const ssize_t length =
        file.is_open() ? ::read(file.number(), buffer.data(), buffer.size()) : -1;
    if (length < 0) {
        return std::nullopt;
    }
    return std::string{buffer.data(), static_cast<std::size_t>(length)};
}

bool write_file(const std::string& path, int flags, PortRange range) {
    const std::string text = std::to_string(range.first) + "\t" + std::to_string(range.last) + "\n";
    const FileDescriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0600)};
    return file.is_open() &&
           ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

Failure cannot(const std::string& what, const std::string& path) {
    const int error = errno;
    return {error == EPERM || error == EACCES || error == EROFS ? ExitCode::no_permission
                                                                : ExitCode::failed,
            "host-ports: " + path + " cannot be " + what + ": " + std::strerror(error)};
}

}  // namespace

Result<PortRange> parse_port_range(const std::string& text) noexcept {
    PortRange range{};
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, range.first);
    const char* rest = first.ptr;
    while (rest != end && (*rest == ' ' || *rest == '\t')) {
        ++rest;
    }
    const auto last = std::from_chars(rest, end, range.last);
    const bool ends_well = last.ptr == end || (*last.ptr == '\n' && last.ptr + 1 == end);
    if (first.ec != std::errc{} || last.ec != std::errc{} || rest == first.ptr || !ends_well ||
        range.first == 0 || range.first > range.last) {
        return tl::unexpected{Error::bad_value};
    }
    return range;
}

Outcome<HostPorts> HostPorts::reserve(const HostPortsRequest& request) {
    const auto saved = read_file(request.saved_file);
    auto original = parse_port_range(saved.value_or(std::string{}));
    if (!original) {
        const auto current = read_file(request.setting_file);
        if (!current) {
            return tl::unexpected{cannot("read", request.setting_file)};
        }
        original = parse_port_range(*current);
        if (!original) {
            return fail(ExitCode::failed,
                        "host-ports: " + request.setting_file + " holds no range of ports");
        }
        // Saved before it is changed: killed in between, there is nothing to make good.
        if (!write_file(request.saved_file, O_CREAT | O_TRUNC, *original)) {
            return tl::unexpected{cannot("written", request.saved_file)};
        }
    }
    if (!write_file(request.setting_file, 0, request.range)) {
        const Failure failure = cannot("written", request.setting_file);
        ::unlink(request.saved_file.c_str());
        return tl::unexpected{failure};
    }
    return HostPorts{request, *original};
}

HostPorts::HostPorts(HostPorts&& other) noexcept
    : request_{std::move(other.request_)},
      original_{other.original_},
      is_held_{std::exchange(other.is_held_, false)} {}

HostPorts::~HostPorts() {
    // Kept when it could not be restored: the next start tries again.
    if (is_held_ && write_file(request_.setting_file, 0, original_)) {
        ::unlink(request_.saved_file.c_str());
    }
}

}  // namespace towpath::port
