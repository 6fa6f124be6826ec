// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/adopted_addresses.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "dataplane/port/kernel_address.h"

namespace towpath::port {
namespace {

std::optional<InterfaceAddress> parse_address(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_ipv4_address(text.substr(0, slash));
    if (slash == std::string_view::npos || !address) {
        return std::nullopt;
    }
    const std::string_view digits = text.substr(slash + 1);
    const char* const end = digits.data() + digits.size();
    unsigned length = 0;
    const auto parsed = std::from_chars(digits.data(), end, length);
    if (parsed.ec != std::errc{} || parsed.ptr != end || length > 32) {
        return std::nullopt;
    }
    return InterfaceAddress{*address, Ipv4Prefix{*address, static_cast<std::uint8_t>(length)}};
}

}  // namespace

std::string adopted_text(unsigned device_index, const std::vector<InterfaceAddress>& addresses) {
    std::string text = std::to_string(device_index) + "\n";
    for (const InterfaceAddress& address : addresses) {
        text += to_string(address) + "\n";
    }
    return text;
}

std::vector<InterfaceAddress> parse_adopted(unsigned device_index, std::string_view text) {
    std::vector<InterfaceAddress> addresses;
    std::istringstream lines{std::string{text}};
    std::string line;
    if (!std::getline(lines, line) || line != std::to_string(device_index)) {
        return {};
    }
    while (std::getline(lines, line)) {
        const auto address = parse_address(line);
        if (!address) {
            return {};
        }
        addresses.push_back(*address);
    }
    return addresses;
}

Outcome<AdoptedAddresses> AdoptedAddresses::take(unsigned device_index,
                                                 std::vector<InterfaceAddress> addresses,
                                                 const std::string& file) {
    std::ostringstream saved;
    saved << std::ifstream{file}.rdbuf();
    for (const InterfaceAddress& lost : parse_adopted(device_index, saved.str())) {
        const bool is_there =
            std::any_of(addresses.begin(), addresses.end(), [&](const InterfaceAddress& one) {
                return one.address == lost.address && one.prefix == lost.prefix;
            });
        if (!is_there) {
            addresses.push_back(lost);
        }
    }
    // Written before anything is taken: killed in between, nothing is lost.
    if (!addresses.empty() && !file.empty()) {
        std::ofstream out{file, std::ios::trunc};
        out << adopted_text(device_index, addresses);
        if (!out.flush()) {
            return fail(ExitCode::failed, file + " cannot be written: " + std::strerror(errno));
        }
    }
    for (const InterfaceAddress& address : addresses) {
        (void)remove_kernel_address(device_index, address);  // a lost one is not there
    }
    AdoptedAddresses adopted;
    adopted.device_index_ = device_index;
    adopted.addresses_ = std::move(addresses);
    adopted.file_ = file;
    return adopted;
}

AdoptedAddresses::AdoptedAddresses(AdoptedAddresses&& other) noexcept {
    *this = std::move(other);
}

AdoptedAddresses& AdoptedAddresses::operator=(AdoptedAddresses&& other) noexcept {
    std::swap(device_index_, other.device_index_);
    std::swap(addresses_, other.addresses_);
    std::swap(file_, other.file_);
    return *this;
}

AdoptedAddresses::~AdoptedAddresses() {
    for (const InterfaceAddress& address : addresses_) {
        (void)add_kernel_address(device_index_, address);
    }
    if (!addresses_.empty() && !file_.empty()) {
        ::unlink(file_.c_str());
    }
}

}  // namespace towpath::port
