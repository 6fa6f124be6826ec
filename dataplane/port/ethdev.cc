// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/ethdev.h"

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/dpdk/packet_io.h"
#include "dataplane/port/ethdev_probe.h"

namespace towpath::port {

namespace {

constexpr std::uint16_t kDescriptors = 1024;
constexpr std::uint16_t kQueuesMax = 16;
constexpr std::size_t kBulk = 64;

Failure unavailable(const PortRequest& request, const std::string& what, int error) {
    return {ExitCode::port_unavailable,
            request.name + ": " + what + ": " + rte_strerror(error < 0 ? -error : error)};
}

Outcome<std::uint16_t> add_device(const PortRequest& request, const DeviceAddress& address) {
    std::uint16_t id = 0;
    // A PCI device that EAL found at its start is there already.
    if (rte_eth_dev_get_port_by_name(address.name.c_str(), &id) == 0) {
        return id;
    }
    const int error =
        rte_eal_hotplug_add(address.bus.c_str(), address.name.c_str(), address.arguments.c_str());
    if (error != 0) {
        return tl::unexpected<Failure>{
            unavailable(request, "DPDK cannot open " + address.name, error)};
    }
    if (rte_eth_dev_get_port_by_name(address.name.c_str(), &id) != 0) {
        return fail(ExitCode::port_unavailable,
                    request.name + ": DPDK has no driver for " + address.name);
    }
    return id;
}

rte_eth_conf configuration_for(const rte_eth_dev_info& info, bool several_queues) {
    rte_eth_conf configuration{};
    if (several_queues) {
        configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        configuration.rx_adv_conf.rss_conf.rss_hf =
            info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
    }
    return configuration;
}

}  // namespace

Outcome<std::unique_ptr<EthdevPort>> EthdevPort::open(const PortRequest& request,
                                                      dpdk::PacketPool& pool,
                                                      std::vector<std::string>& notes) {
    const auto address = device_address_of(request);
    if (!address.has_value()) {
        return tl::unexpected<Failure>{address.error()};
    }
    const auto id = add_device(request, *address);
    if (!id.has_value()) {
        return tl::unexpected<Failure>{id.error()};
    }
    std::unique_ptr<EthdevPort> port{new EthdevPort{*id, pool}};
    if (request.driver == Driver::tap) {
        port->kernel_name_ =
            request.match.kernel_name.empty() ? request.name : request.match.kernel_name;
    }
    const auto queues = port->configure(request, notes);
    if (!queues.has_value()) {
        return tl::unexpected<Failure>{queues.error()};
    }
    if (const auto started = port->start(request, *queues, notes); !started.has_value()) {
        return tl::unexpected<Failure>{started.error()};
    }
    if (request.driver != Driver::tap && request.match.mac.has_value() &&
        port->mac_ != *request.match.mac) {
        return fail(ExitCode::port_unavailable, request.name + ": " + address->name +
                                                    " has the address " + to_string(port->mac_) +
                                                    ", not " + to_string(*request.match.mac));
    }
    return port;
}

Outcome<EthdevPort::Queues> EthdevPort::configure(const PortRequest& request,
                                                  std::vector<std::string>& notes) const {
    rte_eth_dev_info info{};
    if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) {
        return tl::unexpected<Failure>{unavailable(request, "the device does not answer", error)};
    }
    const auto limited = [](std::uint16_t wanted, std::uint16_t most) {
        const auto limit = std::max<std::uint16_t>(1, std::min(most, kQueuesMax));
        return std::clamp<std::uint16_t>(wanted, 1, limit);
    };
    Queues queues{.receive = limited(request.receive_queues, info.max_rx_queues),
                  .transmit = limited(request.transmit_queues, info.max_tx_queues)};
    // pcap and tap pair their queues.
    if (request.driver == Driver::pcap) {
        queues = {};
    } else if (request.driver == Driver::tap) {
        queues.receive = queues.transmit = std::max(queues.receive, queues.transmit);
    }
    // From what would be best to what every device can.
    const bool several = queues.receive > 1;
    rte_eth_conf wanted = configuration_for(info, several);
    int error = rte_eth_dev_configure(id_, queues.receive, queues.transmit, &wanted);
    if (error != 0 && several) {
        wanted = {};
        error = rte_eth_dev_configure(id_, queues.receive, queues.transmit, &wanted);
        if (error == 0) {
            notes.push_back(request.name +
                            ": the device does not spread flows over its receive queues (RSS)");
        }
    }
    if (error != 0 && (queues.receive > 1 || queues.transmit > 1)) {
        queues = {};
        const rte_eth_conf plain{};
        error = rte_eth_dev_configure(id_, 1, 1, &plain);
    }
    if (error != 0) {
        return tl::unexpected<Failure>{
            unavailable(request, "the device refuses its configuration", error)};
    }
    if (queues.receive < request.receive_queues) {
        notes.push_back(request.name + ": " + std::to_string(queues.receive) +
                        " receive queues instead of " + std::to_string(request.receive_queues) +
                        ": the device has no more");
    }
    if (queues.transmit < request.transmit_queues) {
        notes.push_back(request.name + ": " + std::to_string(queues.transmit) +
                        " transmit queues instead of " + std::to_string(request.transmit_queues) +
                        ": the device has no more");
    }
    return queues;
}

void EthdevPort::set_mtu(const PortRequest& request, std::vector<std::string>& notes) {
    if (request.mtu_bytes != 0 && rte_eth_dev_set_mtu(id_, request.mtu_bytes) != 0) {
        notes.push_back(request.name + ": the device does not take the MTU " +
                        std::to_string(request.mtu_bytes));
    }
    // Virtual devices answer with the largest frame that they could hold.
    std::uint16_t device_mtu = 0;
    if (rte_eth_dev_get_mtu(id_, &device_mtu) != 0 || device_mtu == 0) {
        device_mtu = RTE_ETHER_MTU;
    }
    const std::uint16_t wanted = request.mtu_bytes != 0 ? request.mtu_bytes : RTE_ETHER_MTU;
    mtu_bytes_ = std::min({wanted, device_mtu, pool_.largest_mtu_bytes()});
    if (mtu_bytes_ < wanted) {
        notes.push_back(request.name + ": MTU " + std::to_string(mtu_bytes_) + " instead of " +
                        std::to_string(wanted));
    }
}

Outcome<bool> EthdevPort::start(const PortRequest& request, Queues queues,
                                std::vector<std::string>& notes) {
    set_mtu(request, notes);
    std::uint16_t receive_descriptors = kDescriptors;
    std::uint16_t transmit_descriptors = kDescriptors;
    int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive_descriptors, &transmit_descriptors);
    for (std::uint16_t queue = 0; error == 0 && queue < queues.receive; ++queue) {
        error =
            rte_eth_rx_queue_setup(id_, queue, receive_descriptors,
                                   static_cast<unsigned>(SOCKET_ID_ANY), nullptr, pool_.mempool());
    }
    for (std::uint16_t queue = 0; error == 0 && queue < queues.transmit; ++queue) {
        error = rte_eth_tx_queue_setup(id_, queue, transmit_descriptors,
                                       static_cast<unsigned>(SOCKET_ID_ANY), nullptr);
        refused_.push_back(std::make_unique<RefusedCounter>());
    }
    if (error == 0) {
        error = rte_eth_dev_start(id_);
    }
    if (error != 0) {
        return tl::unexpected<Failure>{unavailable(request, "the device does not start", error)};
    }
    // IPv6 asks for neighbours in groups; a device that cannot be told so filters nothing.
    (void)rte_eth_allmulticast_enable(id_);
    rte_ether_addr address{};
    if (rte_eth_macaddr_get(id_, &address) == 0) {
        std::memcpy(mac_.bytes.data(), address.addr_bytes, mac_.bytes.size());
    }
    receive_queues_ = queues.receive;
    return true;
}

EthdevPort::~EthdevPort() {
    rte_eth_dev_info info{};
    const bool is_known = rte_eth_dev_info_get(id_, &info) == 0;
    (void)rte_eth_dev_stop(id_);
    (void)rte_eth_dev_close(id_);
    if (is_known && info.device != nullptr) {
        (void)rte_dev_remove(info.device);
    }
}

bool EthdevPort::is_up() const noexcept {
    rte_eth_link link{};
    return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

std::size_t EthdevPort::receive(std::uint16_t queue, std::span<Packet> out) noexcept {
    std::array<rte_mbuf*, kBulk> mbufs;  // what is read of it was written before
    std::size_t filled = 0;
    while (filled < out.size()) {
        const auto wanted = static_cast<std::uint16_t>(std::min(kBulk, out.size() - filled));
        const std::uint16_t received = rte_eth_rx_burst(id_, queue, mbufs.data(), wanted);
        for (std::uint16_t index = 0; index < received; ++index) {
            dpdk::take_from_device(*mbufs[index], out[filled++]);
        }
        if (received < wanted) {
            break;
        }
    }
    return filled;
}

std::size_t EthdevPort::transmit(std::uint16_t queue, std::span<const Packet> packets) noexcept {
    std::array<rte_mbuf*, kBulk> mbufs;  // what is read of it was written before
    std::size_t taken = 0;
    while (taken < packets.size()) {
        const auto offered = static_cast<std::uint16_t>(std::min(kBulk, packets.size() - taken));
        for (std::uint16_t index = 0; index < offered; ++index) {
            mbufs[index] = dpdk::mbuf_for_device(packets[taken + index]);
        }
        const std::uint16_t sent = rte_eth_tx_burst(id_, queue, mbufs.data(), offered);
        taken += sent;
        if (sent < offered) {
            refused_[queue]->add(packets.size() - taken);
            break;
        }
    }
    return taken;
}

PortStatistics EthdevPort::statistics() const noexcept {
    PortStatistics total;
    rte_eth_stats device{};
    if (rte_eth_stats_get(id_, &device) == 0) {
        total.receive_packets = device.ipackets;
        total.receive_bytes = device.ibytes;
        total.receive_missed = device.imissed + device.rx_nombuf;
        total.transmit_packets = device.opackets;
        total.transmit_bytes = device.obytes;
    }
    for (const auto& refused : refused_) {
        total.transmit_refused += refused->value();
    }
    return total;
}

}  // namespace towpath::port
