// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/ethdev_probe.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "dataplane/port/kernel_device.h"
#include "dataplane/port/port.h"

namespace towpath::port {

namespace {

constexpr const char* kPciDevices = "/sys/bus/pci/devices/";
constexpr std::size_t kSocketPathMax = 107;  // sun_path with its end
constexpr std::uint32_t kMemifBuffer_bytes = 10240;
constexpr std::array<std::string_view, 3> kUserSpaceDrivers{"vfio-pci", "uio_pci_generic",
                                                            "igb_uio"};
// Their PMDs work beside the kernel's driver: no binding.
constexpr std::array<std::string_view, 2> kSharedDrivers{"mlx5_core", "mlx4_core"};

std::string driver_of(const std::string& pci_address) {
    std::error_code error;
    const auto driver = std::filesystem::read_symlink(kPciDevices + pci_address + "/driver", error);
    return error ? std::string{} : driver.filename().string();
}

bool is_ethernet(const std::string& pci_address) {
    std::string code;
    std::ifstream{kPciDevices + pci_address + "/class"} >> code;
    return code.starts_with("0x0200");
}

// The arguments of virtual devices are separated by commas and cannot be quoted.
Outcome<std::string> as_argument(const PortRequest& request, const std::string& text) {
    if (text.find_first_of(",\n") != std::string::npos) {
        return fail(ExitCode::usage,
                    request.name + ": \"" + text + "\" has a comma, which DPDK cannot take");
    }
    return text;
}

Outcome<DeviceAddress> memif_address(const PortRequest& request) {
    if (request.memif.socket_path.empty() || request.memif.socket_path.size() > kSocketPathMax) {
        return fail(ExitCode::usage, request.name + ": a memif socket path has 1 to " +
                                         std::to_string(kSocketPathMax) + " characters");
    }
    const std::filesystem::path directory =
        std::filesystem::path{request.memif.socket_path}.parent_path();
    if (!std::filesystem::is_directory(directory)) {
        return fail(ExitCode::port_unavailable, request.name + ": the memif socket " +
                                                    request.memif.socket_path +
                                                    " needs the directory " + directory.string());
    }
    return as_argument(request, request.memif.socket_path)
        .map([&request](const std::string& socket) {
            return DeviceAddress{
                .bus = "vdev",
                .name = "net_memif_" + request.name,
                .arguments =
                    std::string{"role="} + (request.memif.is_server ? "server" : "client") +
                    ",id=" + std::to_string(request.memif.id) + ",socket=" + socket +
                    ",socket-abstract=no" +
                    (request.mtu_bytes > 1500 ? ",bsize=" + std::to_string(kMemifBuffer_bytes)
                                              : std::string{})};
        });
}

Outcome<DeviceAddress> pcap_address(const PortRequest& request) {
    const PcapRequest& pcap = request.pcap;
    if (pcap.receive_file.empty() && pcap.transmit_file.empty()) {
        return fail(ExitCode::usage,
                    request.name + ": a pcap port has a receive or a transmit file");
    }
    if (!pcap.receive_file.empty() && !std::filesystem::is_regular_file(pcap.receive_file)) {
        return fail(ExitCode::port_unavailable,
                    request.name + ": there is no capture file " + pcap.receive_file);
    }
    std::string arguments;
    if (!pcap.receive_file.empty()) {
        arguments = "rx_pcap=" + pcap.receive_file;
    }
    if (!pcap.transmit_file.empty()) {
        arguments += (arguments.empty() ? "tx_pcap=" : ",tx_pcap=") + pcap.transmit_file;
    }
    for (const std::string& file : {pcap.receive_file, pcap.transmit_file}) {
        if (const auto checked = as_argument(request, file); !checked.has_value()) {
            return tl::unexpected<Failure>{checked.error()};
        }
    }
    return DeviceAddress{
        .bus = "vdev", .name = "net_pcap_" + request.name, .arguments = std::move(arguments)};
}

Outcome<DeviceAddress> tap_address(const PortRequest& request) {
    const std::string& name =
        request.match.kernel_name.empty() ? request.name : request.match.kernel_name;
    std::string arguments = "iface=" + name;
    if (request.match.mac.has_value()) {
        arguments += ",mac=" + to_string(*request.match.mac);
    }
    return DeviceAddress{
        .bus = "vdev", .name = "net_tap_" + request.name, .arguments = std::move(arguments)};
}

Outcome<DeviceAddress> pci_device_address(const PortRequest& request) {
    const auto address = pci_address_of(request.match);
    if (!address.has_value()) {
        return fail(ExitCode::port_unavailable,
                    request.name + ": no PCI device is matched: match it by its pci address");
    }
    if (!std::filesystem::exists(kPciDevices + *address)) {
        return fail(ExitCode::port_unavailable,
                    request.name + ": there is no PCI device " + *address);
    }
    if (const std::string driver = driver_of(*address); !is_user_space_driver(driver)) {
        return fail(ExitCode::port_unavailable, binding_sentence(request.name, *address, driver));
    }
    return DeviceAddress{.bus = "pci", .name = *address, .arguments = {}};
}

}  // namespace

Outcome<DeviceAddress> device_address_of(const PortRequest& request) {
    switch (request.driver) {
        case Driver::memif:
            return memif_address(request);
        case Driver::pcap:
            return pcap_address(request);
        case Driver::tap:
            return tap_address(request);
        case Driver::pci:
        case Driver::automatic:
            return pci_device_address(request);
        case Driver::af_xdp:
        case Driver::af_packet:
            break;
    }
    return fail(ExitCode::usage, request.name + ": this driver is not one of DPDK's");
}

std::optional<std::string> pci_address_of(const PortMatch& match) {
    if (!match.pci_address.empty()) {
        return match.pci_address;
    }
    if (const auto device = find_kernel_device(match)) {
        std::error_code error;
        auto path = std::filesystem::canonical("/sys/class/net/" + device->name + "/device", error);
        for (; !error && path.has_relative_path(); path = path.parent_path()) {
            if (std::filesystem::exists(kPciDevices + path.filename().string())) {
                return path.filename().string();
            }
        }
        return std::nullopt;
    }
    if (match.mac.has_value()) {
        // Bound devices have no netdev to read an address from: with one candidate there is no
        // doubt, and the opened port's address is compared in any case.
        const auto bound = bound_pci_addresses();
        return bound.size() == 1 ? std::optional{bound.front()} : std::nullopt;
    }
    return pci_address_of_udev_name(match.kernel_name);
}

std::optional<std::string> pci_address_of_udev_name(std::string_view name) {
    // en p BUS s SLOT [f FUNCTION], decimal, domain 0.
    if (!name.starts_with("enp")) {
        return std::nullopt;
    }
    const char* position = name.data() + 3;
    const char* const end = name.data() + name.size();
    const auto number = [&position, end](unsigned most) -> std::optional<unsigned> {
        unsigned value = 0;
        const auto [stop, error] = std::from_chars(position, end, value);
        position = stop;
        return error == std::errc{} && value <= most ? std::optional{value} : std::nullopt;
    };
    const auto bus = number(255);
    if (!bus.has_value() || position == end || *position++ != 's') {
        return std::nullopt;
    }
    const auto slot = number(31);
    std::optional<unsigned> function{0U};
    if (slot.has_value() && position != end && *position == 'f') {
        ++position;
        function = number(7);
    }
    if (!slot.has_value() || !function.has_value() || position != end) {
        return std::nullopt;
    }
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "0000:%02x:%02x.%u", *bus, *slot, *function);
    return std::string{text.data()};
}

bool is_user_space_driver(std::string_view driver) noexcept {
    return std::ranges::count(kUserSpaceDrivers, driver) > 0 ||
           std::ranges::count(kSharedDrivers, driver) > 0;
}

std::string binding_sentence(const std::string& interface_name, const std::string& pci_address,
                             const std::string& driver) {
    return interface_name + ": " + pci_address + " is bound to " +
           (driver.empty() ? "no driver" : driver) +
           ", not to vfio-pci, uio_pci_generic or igb_uio: run dpdk-devbind.py --bind=vfio-pci " +
           pci_address;
}

std::vector<std::string> bound_pci_addresses() {
    std::vector<std::string> addresses;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{kPciDevices, error}) {
        const std::string address = entry.path().filename();
        if (is_ethernet(address) && std::ranges::count(kUserSpaceDrivers, driver_of(address)) > 0) {
            addresses.push_back(address);
        }
    }
    return addresses;
}

std::vector<std::string> pci_addresses_of(std::span<const PortRequest> requests) {
    std::vector<std::string> addresses;
    for (const PortRequest& request : requests) {
        const bool may_be_pci =
            request.driver == Driver::pci ||
            (request.driver == Driver::automatic && !find_kernel_device(request.match).has_value());
        if (!may_be_pci) {
            continue;
        }
        if (const auto address = pci_address_of(request.match)) {
            // EAL must not touch a device that the kernel drives.
            if (is_user_space_driver(driver_of(*address))) {
                addresses.push_back(*address);
            }
        } else if (request.match.mac.has_value()) {
            std::ranges::copy(bound_pci_addresses(), std::back_inserter(addresses));
        }
    }
    std::ranges::sort(addresses);
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    return addresses;
}

}  // namespace towpath::port
