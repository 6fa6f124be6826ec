// SPDX-License-Identifier: BSD-3-Clause
// The host side of an interface whose device the data plane has to itself: a TAP that carries the
// port's MAC and the interface's addresses, or, of a tunnel, a TUN with its addresses (W10), so
// that SSH, DHCP and whatever else runs on the host keeps working (decisions.md N10). Not a port:
// nothing is forwarded to it, frames are punted. The kernel removes it when the process ends.
//
// receive: one thread. transmit: any threads at once; the kernel takes each frame whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/interface.h"
#include "dataplane/packet/packet.h"
#include "dataplane/port/file_descriptor.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

// Taken from one burst; what is more drops as punt_full.
inline constexpr std::size_t kPuntBurstMax = 32;
// What the kernel may hold of frames that the host has not consumed.
inline constexpr int kPuntQueue_bytes = 1 << 20;
// Routes through a TAP give way to any other that the host has.
inline constexpr std::uint32_t kHostRouteMetric = 20000;

struct HostRoute {
    Ipv4Prefix to;
    Ipv4Address via;       // unspecified: on the link
    Ipv4Address source{};  // of what the host sends over it; unspecified: the kernel chooses
};

// tun: the host sees bare IP packets; on our side each has a made-up Ethernet header in front.
enum class HostKind : std::uint8_t { tap, tun };

struct HostTapRequest {
    std::string interface_name;  // in the configuration; the netdev's name too, if it is free
    MacAddress mac;
    std::uint16_t mtu_bytes = 1500;
    std::vector<InterfaceAddress> addresses;
    std::vector<HostRoute> routes;  // the static routes out of this interface
    HostKind kind = HostKind::tap;
    std::string port_device{};  // the interface's own netdev; it may well have its name
};

class HostTap {
public:
    // Makes the netdev "NAME", or "tp-NAME" when that is taken, and sets it up. Noted is who has
    // the name, unless it is the port itself, and what the kernel refuses of addresses and routes.
    // Fails with no_permission, address_in_use or port_unavailable.
    [[nodiscard]] static Outcome<HostTap> open(const HostTapRequest& request,
                                               dpdk::PacketPool& pool,
                                               std::vector<std::string>& notes);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    // False once somebody deleted the netdev: whoever holds this makes another.
    [[nodiscard]] bool is_there() const noexcept;
    // Readable when the host has sent something.
    [[nodiscard]] int descriptor() const noexcept { return tap_.number(); }

    // The port came back as another device. The kernel forgets its neighbours on the TAP with it.
    // False when the kernel refuses; the TAP keeps the MAC it had.
    [[nodiscard]] bool change_mac(const MacAddress& mac) noexcept;

    // Takes back the routes that `wanted` has no more. Before any TAP follows: a route may move
    // from one to another, and the kernel takes it only once.
    void withdraw_routes(const HostTapRequest& wanted);
    // Makes the netdev as `wanted` says: same name, same index, and what is in both stays. Appends
    // to `notes` what the kernel refuses; the next call tries that again.
    void follow(const HostTapRequest& wanted, std::vector<std::string>& notes);

    // What the host sends: writes up to out.size() packets with `from_host` set.
    [[nodiscard]] std::size_t receive(std::span<Packet> out) noexcept;
    // Takes and releases the first n of `packets`; the caller drops the others as punt_full.
    [[nodiscard]] std::size_t transmit(std::span<const Packet> packets) noexcept;

private:
    HostTap(FileDescriptor tap, std::string name, unsigned index, const HostTapRequest& request,
            dpdk::PacketPool& pool)
        : tap_{std::move(tap)},
          name_{std::move(name)},
          index_{index},
          mac_{request.mac},
          mtu_bytes_{request.mtu_bytes},
          kind_{request.kind},
          pool_{&pool} {}
    void write_ethernet(Packet& packet) const noexcept;
    void add_addresses(const HostTapRequest& wanted);
    void follow_addresses(const HostTapRequest& wanted);
    void follow_routes(const HostTapRequest& wanted, std::vector<std::string>& notes);

    FileDescriptor tap_;
    std::string name_;
    unsigned index_;  // of the netdev
    MacAddress mac_;
    std::uint16_t mtu_bytes_;
    HostKind kind_;
    std::vector<InterfaceAddress> addresses_;  // that the kernel took
    std::vector<HostRoute> routes_;            // likewise
    dpdk::PacketPool* pool_;
};

}  // namespace towpath::port
