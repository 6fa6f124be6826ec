// SPDX-License-Identifier: BSD-3-Clause
// The words of a configuration as values: numbers, sizes, times, ports, addresses. Pure; knows no
// YAML and no key. A failure is the rest of a sentence that begins with the word itself:
// "10.0.1.0/33" + " is not a prefix: length must be 0..32".
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "dataplane/wire/result.h"

namespace towpath::config {

template <class T>
using Scalar = tl::expected<T, std::string>;

// true or false, nothing else: what YAML 1.1 made of yes, no, on and off has surprised enough.
[[nodiscard]] Scalar<bool> parse_boolean(std::string_view text);

// Decimal, within the bounds.
[[nodiscard]] Scalar<std::uint64_t> parse_number(std::string_view text, std::uint64_t smallest,
                                                 std::uint64_t largest);
// A number of things: 4000000, 4000k, 4M; 4096Ki and 4Mi are powers of two.
[[nodiscard]] Scalar<std::uint64_t> parse_count(std::string_view text, std::uint64_t smallest,
                                                std::uint64_t largest);
// Memory, always powers of two: 512M, 4G, 4GiB.
[[nodiscard]] Scalar<std::uint64_t> parse_bytes(std::string_view text);
// 300s, 4m, 2h4m, 1d; a bare number is refused because its unit would be a guess.
[[nodiscard]] Scalar<std::chrono::seconds> parse_duration(std::string_view text);

// 1..65535, "22" or "1024-65535" (BAD-CFG-02).
[[nodiscard]] Scalar<PortRange> parse_port_range(std::string_view text);
// tcp, udp or icmp.
[[nodiscard]] Scalar<Protocol> parse_protocol(std::string_view text);
// ssh, dhcp, icmp, tcp/443, udp/5000-5010.
[[nodiscard]] Scalar<KernelTraffic> parse_kernel_traffic(std::string_view text);

[[nodiscard]] Scalar<Ipv4Address> parse_address(std::string_view text);
// Without host bits: 10.0.1.5/24 is refused and told 10.0.1.0/24.
[[nodiscard]] Scalar<Ipv4Prefix> parse_prefix(std::string_view text);
// An address with the length of its network: 10.77.1.1/24.
[[nodiscard]] Scalar<InterfaceAddress> parse_interface_address(std::string_view text);
// "2001:db8::1/64".
[[nodiscard]] Scalar<Ipv6InterfaceAddress> parse_ipv6_interface_address(std::string_view text);
// Of either family.
[[nodiscard]] Scalar<IpAddress> parse_any_address(std::string_view text);
// 127.0.0.1:9469.
[[nodiscard]] Scalar<Endpoint> parse_endpoint(std::string_view text);
// 0000:3b:00.0.
[[nodiscard]] Scalar<std::string> parse_pci_address(std::string_view text);
[[nodiscard]] Scalar<MacAddress> parse_mac(std::string_view text);
// "2-5" or "3": ascending core numbers.
[[nodiscard]] Scalar<std::vector<unsigned>> parse_cores(std::string_view text);
// What Linux accepts as the name of an interface: 1 to 15 of a-z A-Z 0-9 . _ -, not starting with
// a dot or a dash.
[[nodiscard]] Scalar<std::string> parse_interface_name(std::string_view text);

// "2h4m", as it would be written.
[[nodiscard]] std::string to_string(std::chrono::seconds duration);

// The candidate that `text` was most probably meant to be, or empty.
[[nodiscard]] std::string_view closest(std::string_view text,
                                       std::span<const std::string_view> candidates);

}  // namespace towpath::config
