// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/port.h"

#include <utility>

#include "dataplane/port/af_packet.h"
#include "dataplane/port/af_xdp.h"
#include "dataplane/port/ethdev.h"
#include "dataplane/port/kernel_device.h"

namespace towpath::port {

namespace {

// N19: a kernel netdev means af_xdp, anything else a device that was bound to user space.
Driver chosen_driver(const PortRequest& request) {
    if (request.driver != Driver::automatic) {
        return request.driver;
    }
    return find_kernel_device(request.match).has_value() ? Driver::af_xdp : Driver::pci;
}

}  // namespace

Outcome<Port> Port::open(const PortRequest& request, dpdk::PacketPool& pool) {
    PortRequest chosen = request;
    chosen.driver = chosen_driver(request);
    std::vector<std::string> notes;
    const auto wrap = [&chosen, &notes](auto opened) -> Outcome<Port> {
        if (!opened.has_value()) {
            return tl::unexpected<Failure>{opened.error()};
        }
        std::string kernel_name = (*opened)->kernel_name();
        return Port{Device{*std::move(opened)}, chosen.driver, std::move(kernel_name),
                    std::move(notes)};
    };
    switch (chosen.driver) {
        case Driver::af_packet:
            return wrap(AfPacketPort::open(chosen, pool, notes));
        case Driver::pci:
        case Driver::memif:
        case Driver::tap:
        case Driver::pcap:
            return wrap(EthdevPort::open(chosen, pool, notes));
        case Driver::af_xdp:
        case Driver::automatic:
            break;
    }
    return wrap(AfXdpPort::open(chosen, pool, notes));
}

Port::Port(Device device, Driver driver, std::string kernel_name, std::vector<std::string> notes)
    : device_{std::move(device)},
      driver_{driver},
      kernel_name_{std::move(kernel_name)},
      notes_{std::move(notes)} {}

Port::Port(Port&&) noexcept = default;
Port& Port::operator=(Port&&) noexcept = default;
Port::~Port() = default;

std::uint16_t Port::receive_queue_count() const noexcept {
    return std::visit([](const auto& device) { return device->receive_queue_count(); }, device_);
}

std::uint16_t Port::transmit_queue_count() const noexcept {
    return std::visit([](const auto& device) { return device->transmit_queue_count(); }, device_);
}

MacAddress Port::mac() const noexcept {
    return std::visit([](const auto& device) { return device->mac(); }, device_);
}

std::uint16_t Port::mtu_bytes() const noexcept {
    return std::visit([](const auto& device) { return device->mtu_bytes(); }, device_);
}

bool Port::is_up() const noexcept {
    return std::visit([](const auto& device) { return device->is_up(); }, device_);
}

std::size_t Port::receive(std::uint16_t queue, std::span<Packet> out) noexcept {
    return std::visit([queue, out](auto& device) { return device->receive(queue, out); }, device_);
}

std::size_t Port::transmit(std::uint16_t queue, std::span<const Packet> packets) noexcept {
    return std::visit([queue, packets](auto& device) { return device->transmit(queue, packets); },
                      device_);
}

bool Port::flush(std::uint16_t queue) noexcept {
    return std::visit([queue](auto& device) { return device->flush(queue); }, device_);
}

Outcome<void> Port::set_own_addresses(std::span<const Ipv4Address> addresses, bool speaks_ipv6) {
    auto* const shared = std::get_if<std::unique_ptr<AfXdpPort>>(&device_);
    return shared == nullptr ? Outcome<void>{}
                             : (*shared)->set_own_addresses(addresses, speaks_ipv6);
}

void Port::append_descriptors(std::uint16_t queue, std::vector<int>& descriptors) const {
    std::visit([&](const auto& device) { device->append_descriptors(queue, descriptors); },
               device_);
}

PortStatistics Port::statistics() const noexcept {
    return std::visit([](const auto& device) { return device->statistics(); }, device_);
}

}  // namespace towpath::port
