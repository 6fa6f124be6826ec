// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/start_plan.h"

#include <algorithm>
#include <bit>
#include <string>

namespace towpath::engine {
namespace {

// Buffers per queue and direction that a device may keep, and per worker what stages may hold.
constexpr std::size_t kBuffersPerQueue = 2048;
constexpr std::size_t kBuffersPerWorker = 4096;

std::string listed(const contract::CoreMask& mask) {
    std::string text;
    for (std::size_t core = 0; core < contract::kCoresMax; ++core) {
        if ((mask[core / 64] >> core % 64 & 1U) != 0) {
            text += (text.empty() ? "" : ",") + std::to_string(core);
        }
    }
    return text;
}

port::Driver driver_of(contract::PortDriver driver) {
    switch (driver) {
        case contract::PortDriver::pci:
            return port::Driver::pci;
        case contract::PortDriver::af_xdp:
            return port::Driver::af_xdp;
        case contract::PortDriver::af_packet:
            return port::Driver::af_packet;
        case contract::PortDriver::memif:
            return port::Driver::memif;
        case contract::PortDriver::tap:
            return port::Driver::tap;
        case contract::PortDriver::pcap:
            return port::Driver::pcap;
        case contract::PortDriver::automatic:
        case contract::PortDriver::count:
            break;
    }
    return port::Driver::automatic;
}

port::PortRequest port_of(const contract::PortStart& start, std::uint16_t workers) {
    port::PortRequest request;
    request.name = start.name.str();
    switch (start.match_kind) {
        case contract::PortMatch::kernel_name:
            request.match.kernel_name = start.match.str();
            break;
        case contract::PortMatch::pci_address:
            request.match.pci_address = start.match.str();
            break;
        case contract::PortMatch::mac:
            if (const auto mac = parse_mac_address(start.match.view())) {
                request.match.mac = *mac;
            }
            break;
        case contract::PortMatch::none:
        case contract::PortMatch::count:
            break;
    }
    request.driver = driver_of(start.driver);
    request.mtu_bytes = start.mtu_bytes;
    request.receive_queues = start.receive_queues != 0 ? start.receive_queues : workers;
    request.transmit_queues = start.transmit_queues != 0 ? start.transmit_queues : workers;
    request.adopt_address = start.adopts_address != 0;
    request.memif = {.socket_path = start.socket.str(),
                     .id = start.memif_id,
                     .is_server = start.memif_role == contract::MemifRole::server};
    request.pcap = {.receive_file = start.receive.str(), .transmit_file = start.transmit.str()};
    for (std::size_t index = 0; index < start.kernel_traffic_count; ++index) {
        const contract::KernelTraffic& traffic = start.kernel_traffic[index];
        const auto protocol = static_cast<Protocol>(traffic.protocol);
        request.kernel_traffic.push_back({.protocol = protocol,
                                          .port = traffic.ports.first,
                                          .port_last = traffic.ports.last,
                                          // DHCP speaks before there is an address.
                                          .any_destination = protocol == Protocol::udp &&
                                                             traffic.ports.first <= 68 &&
                                                             traffic.ports.last >= 67});
    }
    return request;
}

std::size_t buffers_for(const StartPlan& plan) {
    std::size_t buffers = plan.cores.size() * kBuffersPerWorker;
    for (const port::PortRequest& port : plan.ports) {
        buffers += (std::size_t{port.receive_queues} + port.transmit_queues) * kBuffersPerQueue;
    }
    // A mempool's size is best one less than a power of two (rte_mempool_create).
    return std::min(std::bit_ceil(buffers) - 1, dpdk::kBuffersMaximum);
}

}  // namespace

Outcome<StartPlan> plan_start(const contract::StartSettings& start,
                              const worker::CoreLimits& limits) {
    const std::string requested =
        start.core_choice == contract::CoreChoice::automatic ? "auto" : listed(start.cores);
    auto cores = worker::choose_cores(requested, limits);
    if (!cores) {
        return tl::unexpected{cores.error()};
    }
    StartPlan plan;
    plan.cores = std::move(*cores);
    for (std::size_t index = 0; index < start.port_count; ++index) {
        plan.ports.push_back(
            port_of(start.ports[index], static_cast<std::uint16_t>(plan.cores.size())));
        // Answers to what the host itself asks (N10), where the kernel keeps the netdev.
        for (const Protocol protocol : {Protocol::tcp, Protocol::udp, Protocol::icmp}) {
            plan.ports.back().kernel_traffic.push_back({.protocol = protocol,
                                                        .port = start.host_ports.first,
                                                        .port_last = start.host_ports.last});
        }
    }
    plan.pool.buffers = start.buffers != 0 ? start.buffers : buffers_for(plan);
    for (const port::PortRequest& port : plan.ports) {
        plan.pool.largest_mtu_bytes = std::max(plan.pool.largest_mtu_bytes, port.mtu_bytes);
    }
    plan.capacity.mappings = start.mappings;
    plan.capacity.sessions = start.sessions;
    plan.capacity.pool_addresses = start.pool_addresses;
    // Every interface's, and as many that still drain after a reload.
    plan.capacity.realm_addresses = start.tunnel_count == 0 ? 0 : std::size_t{2} * start.port_count;
    plan.capacity.workers = plan.cores.size();
    if (start.fragment_contexts != 0) {
        plan.capacity.fragment_contexts_per_worker = start.fragment_contexts;
    }
    plan.busy_polls = start.idle == contract::IdleMode::busy_poll;
    return plan;
}

}  // namespace towpath::engine
