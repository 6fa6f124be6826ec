// SPDX-License-Identifier: BSD-3-Clause
#include "config/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace towpath::config {
namespace {

tl::unexpected<std::string> refuse(std::string rest) {
    return tl::unexpected<std::string>{std::move(rest)};
}

// The decimal number at the front; consumes it. Unset without digits or beyond 64 bits.
std::optional<std::uint64_t> take_digits(std::string_view& text) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, value);
    if (failure != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return value;
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::uint64_t kKi = 1024;
constexpr std::array kCountUnits{Unit{"", 1}, Unit{"k", 1000}, Unit{"M", 1'000'000},
                                 Unit{"Ki", kKi}, Unit{"Mi", kKi* kKi}};
constexpr std::array kByteUnits{Unit{"K", kKi},           Unit{"KiB", kKi},
                                Unit{"M", kKi* kKi},      Unit{"MiB", kKi* kKi},
                                Unit{"G", kKi* kKi* kKi}, Unit{"GiB", kKi* kKi* kKi}};
constexpr std::array kTimeUnits{Unit{"s", 1}, Unit{"m", 60}, Unit{"h", 3600}, Unit{"d", 86400}};

std::optional<std::uint64_t> factor_of(std::string_view name, std::span<const Unit> units) {
    const auto found = std::find_if(units.begin(), units.end(),
                                    [&](const Unit& unit) { return unit.name == name; });
    return found == units.end() ? std::nullopt : std::optional{found->factor};
}

// Number and unit, or unset; a product beyond 64 bits is unset too.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
    const auto value = take_digits(text);
    const auto factor = factor_of(text, units);
    if (!value || !factor || (*value != 0 && *factor > UINT64_MAX / *value)) {
        return std::nullopt;
    }
    return *value * *factor;
}

std::string bounds(std::uint64_t smallest, std::uint64_t largest) {
    return std::to_string(smallest) + ".." + std::to_string(largest);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        above[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            // Two neighbours exchanged are one slip of the fingers.
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before = above;
        above = row;
    }
    return above[b.size()];
}

// Why the text after the slash is wrong, or nothing.
std::string_view length_fault(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        return "IPv6 is not built yet";
    }
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return "it has no length, as in 10.0.1.0/24";
    }
    std::string_view length = text.substr(slash + 1);
    const auto number = take_digits(length);
    if (!number || !length.empty() || *number > 32) {
        return "length must be 0..32";
    }
    return "the address is not four numbers of 0..255";
}

}  // namespace

Scalar<bool> parse_boolean(std::string_view text) {
    if (text == "true" || text == "false") {
        return text == "true";
    }
    return refuse(" is not true or false");
}

Scalar<std::uint64_t> parse_number(std::string_view text, std::uint64_t smallest,
                                   std::uint64_t largest) {
    const auto value = take_digits(text);
    if (!value || !text.empty()) {
        return refuse(" is not a whole number");
    }
    if (*value < smallest || *value > largest) {
        return refuse(" is out of range: " + bounds(smallest, largest));
    }
    return *value;
}

Scalar<std::uint64_t> parse_count(std::string_view text, std::uint64_t smallest,
                                  std::uint64_t largest) {
    const auto value = parse_with_unit(text, kCountUnits);
    if (!value) {
        return refuse(" is not a count: a number with k, M, Ki or Mi, as in 4M");
    }
    if (*value < smallest || *value > largest) {
        return refuse(" is out of range: " + bounds(smallest, largest));
    }
    return *value;
}

Scalar<std::uint64_t> parse_bytes(std::string_view text) {
    const auto value = parse_with_unit(text, kByteUnits);
    if (!value || *value == 0) {
        return refuse(" is not a size: a number with K, M or G, as in 4G");
    }
    return *value;
}

Scalar<std::chrono::seconds> parse_duration(std::string_view text) {
    constexpr std::uint64_t kLongest = 366ULL * 86400ULL;
    std::uint64_t total = 0;
    std::uint64_t last_factor = UINT64_MAX;
    std::string_view rest = text;
    do {
        const auto value = take_digits(rest);
        if (value && rest.empty() && total == 0) {
            return refuse(" has no unit: write " + std::string{text} + "s for seconds");
        }
        const auto factor = factor_of(rest.substr(0, 1), kTimeUnits);
        if (!value || !factor || *factor >= last_factor) {
            return refuse(" is not a time: numbers with d, h, m, s, as in 300s or 2h4m");
        }
        rest.remove_prefix(1);
        last_factor = *factor;
        // Bounded before the product, so that nothing wraps.
        total += std::min(*value, kLongest) * *factor;
    } while (!rest.empty());
    if (total == 0 || total > kLongest) {
        return refuse(" is out of range: 1s..366d");
    }
    return std::chrono::seconds{static_cast<std::int64_t>(total)};
}

Scalar<PortRange> parse_port_range(std::string_view text) {
    const auto first = take_digits(text);
    auto last = first;
    if (first && !text.empty() && text.front() == '-') {
        text.remove_prefix(1);
        last = take_digits(text);
    }
    if (!first || !last || !text.empty()) {
        return refuse(" is not a port or a range of ports, as in 22 or 1024-65535");
    }
    if (*first == 0 || *first > 65535 || *last > 65535) {
        return refuse(" is out of range: ports are 1..65535 (BAD-CFG-02)");
    }
    if (*first > *last) {
        return refuse(" starts after its end (BAD-CFG-02)");
    }
    return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Scalar<Protocol> parse_protocol(std::string_view text) {
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp, Protocol::icmp}) {
        if (text == towpath::to_string(protocol)) {
            return protocol;
        }
    }
    return refuse(" is not a protocol: tcp, udp or icmp");
}

Scalar<KernelTraffic> parse_kernel_traffic(std::string_view text) {
    if (text == "ssh") {
        return KernelTraffic{Protocol::tcp, {22, 22}};
    }
    if (text == "dhcp") {
        return KernelTraffic{Protocol::udp, {67, 68}};
    }
    const std::size_t slash = text.find('/');
    const auto protocol = parse_protocol(text.substr(0, slash));
    if (!protocol || (slash == std::string_view::npos) != (*protocol == Protocol::icmp)) {
        return refuse(" is not a kind of traffic: ssh, dhcp, icmp, tcp/PORT or udp/PORT");
    }
    if (*protocol == Protocol::icmp) {
        return KernelTraffic{Protocol::icmp, {}};
    }
    const auto ports = parse_port_range(text.substr(slash + 1));
    if (!ports) {
        return tl::unexpected{ports.error()};
    }
    return KernelTraffic{*protocol, *ports};
}

Scalar<Ipv4Address> parse_address(std::string_view text) {
    const auto address = parse_ipv4_address(text);
    if (!address) {
        return refuse(text.find(':') != std::string_view::npos
                          ? " is not an IPv4 address (IPv6 is not available in this version)"
                          : " is not an IPv4 address");
    }
    return *address;
}

Scalar<Ipv4Prefix> parse_prefix(std::string_view text) {
    const auto prefix = parse_ipv4_prefix(text);
    if (!prefix) {
        return refuse(" is not a prefix: " + std::string{length_fault(text)});
    }
    if (towpath::to_string(*prefix) != text) {
        return refuse(" is not a prefix: it has host bits; did you mean " +
                      towpath::to_string(*prefix) + "?");
    }
    return *prefix;
}

Scalar<InterfaceAddress> parse_interface_address(std::string_view text) {
    const auto prefix = parse_ipv4_prefix(text);
    if (!prefix) {
        return refuse(" is not an address with its length: " + std::string{length_fault(text)});
    }
    const auto address = parse_ipv4_address(text.substr(0, text.find('/')));
    return InterfaceAddress{*address, *prefix};
}

Scalar<Ipv6InterfaceAddress> parse_ipv6_interface_address(std::string_view text) {
    const auto prefix = parse_ip_prefix(text);
    const auto address = parse_ipv6_address(text.substr(0, text.find('/')));
    if (!prefix || !address) {
        return refuse(" is not an address with its length, as in 2001:db8::1/64");
    }
    return Ipv6InterfaceAddress{*address, {*address, prefix->length()}};
}

Scalar<IpAddress> parse_any_address(std::string_view text) {
    if (text.find(':') == std::string_view::npos) {
        return parse_address(text).map([](Ipv4Address address) { return IpAddress{address}; });
    }
    const auto address = parse_ipv6_address(text);
    if (!address) {
        return refuse(" is not an IPv6 address, as in 2001:db8::1");
    }
    return IpAddress{*address};
}

Scalar<Endpoint> parse_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const auto address = parse_ipv4_address(text.substr(0, colon));
    if (colon == std::string_view::npos || !address) {
        return refuse(" is not an address and port, as in 127.0.0.1:9469");
    }
    const auto port = parse_number(text.substr(colon + 1), 1, 65535);
    if (!port) {
        return refuse(" has no port of 1..65535");
    }
    return Endpoint{*address, Port{static_cast<std::uint16_t>(*port)}};
}

Scalar<std::string> parse_pci_address(std::string_view text) {
    constexpr std::string_view kShape = "xxxx:xx:xx.x";
    bool matches = text.size() == kShape.size();
    for (std::size_t index = 0; matches && index < kShape.size(); ++index) {
        const bool is_digit = (text[index] >= '0' && text[index] <= '9') ||
                              (text[index] >= 'a' && text[index] <= 'f');
        matches = kShape[index] == 'x' ? is_digit : text[index] == kShape[index];
    }
    if (!matches) {
        return refuse(" is not a PCI address, as in \"0000:3b:00.0\"");
    }
    return std::string{text};
}

Scalar<MacAddress> parse_mac(std::string_view text) {
    const auto mac = parse_mac_address(text);
    if (!mac || mac->is_group() || mac->is_zero()) {
        return refuse(" is not the MAC address of a device, as in \"02:00:00:00:00:01\"");
    }
    return *mac;
}

Scalar<std::vector<unsigned>> parse_cores(std::string_view text) {
    constexpr std::uint64_t kHighest = 1023;
    const auto first = take_digits(text);
    auto last = first;
    if (first && !text.empty() && text.front() == '-') {
        text.remove_prefix(1);
        last = take_digits(text);
    }
    if (!first || !last || !text.empty() || *first > *last || *last > kHighest) {
        return refuse(" is not a core or a range of cores of 0..1023, as in 2-5");
    }
    std::vector<unsigned> cores;
    for (std::uint64_t core = *first; core <= *last; ++core) {
        cores.push_back(static_cast<unsigned>(core));
    }
    return cores;
}

Scalar<std::string> parse_interface_name(std::string_view text) {
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (text.empty() || text.size() > 15 || text.front() == '.' || text.front() == '-' ||
        text.find_first_not_of(kAllowed) != std::string_view::npos) {
        return refuse(" is not an interface name: 1 to 15 letters, digits, dots, dashes");
    }
    return std::string{text};
}

std::string to_string(std::chrono::seconds duration) {
    auto rest = static_cast<std::uint64_t>(duration.count());
    std::string text;
    for (std::size_t index = kTimeUnits.size(); index-- > 0;) {
        const std::uint64_t amount = rest / kTimeUnits[index].factor;
        rest %= kTimeUnits[index].factor;
        if (amount > 0) {
            text += std::to_string(amount);
            text += kTimeUnits[index].name;
        }
    }
    return text.empty() ? "0s" : text;
}

std::string_view closest(std::string_view text, std::span<const std::string_view> candidates) {
    constexpr std::size_t kLongest = 64;  // beyond that it is no slip, and the work is quadratic
    std::string_view best;
    std::size_t best_distance =
        text.size() > kLongest ? 0 : std::min<std::size_t>(text.size() / 3 + 1, 3);
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = best_distance == 0 ? 1 : edit_distance(text, candidate);
        if (distance <= best_distance && (best.empty() || distance < best_distance)) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace towpath::config
