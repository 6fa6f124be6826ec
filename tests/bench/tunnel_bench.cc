// SPDX-License-Identifier: BSD-3-Clause
// What the stages seal and open cost in time stamp ticks per packet, and how much of it is not
// AEAD: bursts of 32 through one worker's whole stages, one peer, many peers in runs of eight and
// many peers drawn for every packet (decisions.md W16). The AEAD's share is the same calls with the
// same keys and lengths, by themselves. Then what a flood of refused datagrams costs (W18). No
// thresholds here. Run it pinned: taskset -c 1 tunnel_bench [--windows=N]
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "dataplane/wire/ipv6.h"
#include "dataplane/wireguard/allowed_ips.h"
#include "dataplane/wireguard/open_stage.h"
#include "dataplane/wireguard/seal_stage.h"
#include "tests/bench/cpu_model.h"
#include "tests/bench/window.h"
#include "tests/builders/packet_builder.h"

namespace towpath::wireguard {
namespace {

constexpr InterfaceId kTunnel{1};
constexpr Port kListenPort{std::uint16_t{51820}};
constexpr Now kNow{std::chrono::seconds{1000}};
constexpr std::uint64_t kIndexKey = 0x5DEECE66D;
constexpr std::uint32_t kPeersMax_bench = 10'000;
constexpr std::size_t kBursts = 64;  // of a window

std::array<std::byte, 32> key_of(PeerId peer, int direction) {
    std::mt19937_64 random{peer * 2ULL + static_cast<unsigned>(direction)};
    std::array<std::byte, 32> key;
    for (std::byte& byte : key) {
        byte = static_cast<std::byte>(random());
    }
    return key;
}

// Of the outer packets and of the inner ones.
enum class Family : std::uint8_t { ipv4, ipv6 };

IpAddress address(Family family, std::uint32_t ipv4, std::uint8_t last_of_ipv6) {
    std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0D, 0xB8};
    bytes[15] = last_of_ipv6;
    return family == Family::ipv4 ? IpAddress{Ipv4Address{ipv4}} : IpAddress{Ipv6Address{bytes}};
}

// One box with `kPeersMax_bench` peers, each with one address and one session.
class Box {
public:
    Box(bool is_initiator, Family family) {
        const Capacity capacity{.peers = kPeersMax_bench,
                                .sessions = kPeersMax_bench * 3 / 2 + 64,
                                .prefixes = kPeersMax_bench * 2,
                                .workers = 1,
                                .staged_packets_per_worker = 64};
        tables_ = std::move(*Tables::create(capacity, {kIndexKey, 77}, quiescence_));
        allowed_ = std::make_unique<AllowedIps>(capacity.prefixes, capacity.peers, quiescence_);
        interfaces_.count = 2;
        Interface& interface = interfaces_.storage[1];
        interface.id = kTunnel;
        interface.mtu_bytes = 1420;
        interface.is_up = true;
        tunnels_.storage[1].allowed_ips = allowed_.get();
        tunnels_.storage[1].listen_port = kListenPort;
        tunnels_.storage[1].has_identity = true;
        state_ = std::make_unique<State>(*tables_, WorkerId{0}, std::move(*crypto::Aead::create()),
                                         identification_, released_);
        state_->set_interfaces(&interfaces_, &tunnels_);
        const crypto::IndexPermutation permutation{kIndexKey};
        for (PeerId peer = 0; peer < kPeersMax_bench; ++peer) {
            tables_->configure_peer(peer, {kTunnel, 0});
            tables_->offer_endpoint(peer, {address(family, 0xC6336401U, 1), kListenPort},
                                    address(family, 0xC0000201U, 2), kNow);
            const IpPrefix prefix = family == Family::ipv4
                                        ? IpPrefix{Ipv4Prefix{address_of(peer), 32}}
                                        : IpPrefix{ipv6_address_of(peer), 128};
            TOWPATH_ASSERT(allowed_->insert(prefix, peer).has_value());
            const std::uint32_t index = permutation.index_of({peer, 0});
            TOWPATH_ASSERT(tables_->install({.index = index,
                                             .remote_index = index,
                                             .peer = peer,
                                             .owner = 0,
                                             .is_initiator = is_initiator,
                                             .birth = kNow,
                                             .send_key = key_of(peer, is_initiator ? 0 : 1),
                                             .receive_key = key_of(peer, is_initiator ? 1 : 0)}) ==
                           InstallResult::installed);
        }
    }
    // Both source and destination of the bench's packets.
    static Ipv4Address address_of(PeerId peer) { return Ipv4Address{0x0A4D0000U + peer}; }
    static Ipv6Address ipv6_address_of(PeerId peer) {
        std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0D, 0xB8, 0x77};
        bytes[14] = static_cast<std::uint8_t>(peer >> 8U);
        bytes[15] = static_cast<std::uint8_t>(peer);
        return Ipv6Address{bytes};
    }
    State& state() { return *state_; }
    Tables& tables() { return *tables_; }

private:
    Quiescence quiescence_;
    std::unique_ptr<Tables> tables_;
    std::unique_ptr<AllowedIps> allowed_;
    InterfaceTable interfaces_;
    TunnelTable tunnels_;
    IdentificationSource identification_{0, 1, 3};
    Counter released_;
    std::unique_ptr<State> state_;
};

// Inner lengths of the packets of a burst, again and again.
struct Sizes {
    const char* name;
    std::vector<std::size_t> lengths_bytes;

    [[nodiscard]] std::size_t of(std::size_t packet) const {
        return lengths_bytes[packet % lengths_bytes.size()];
    }
};

struct Costs {
    std::vector<double> seal, seal_aead, open, open_aead;
};

class Bench {
public:
    Bench(std::size_t windows, Family family) : windows_{windows}, family_{family} {
        for (std::size_t packet = 0; packet < kBurstMax; ++packet) {
            frames_.push_back(builders::udp({.payload_bytes = 1392}));
        }
    }

    // `peers` in runs of `run` packets.
    void row(const char* name, std::uint32_t peers, std::size_t run, const Sizes& sizes) {
        Costs costs;
        std::mt19937 random{7};
        std::array<PeerId, kBurstMax> burst{};
        for (std::size_t window = 0; window < windows_; ++window) {
            Ticks ticks{};
            for (std::size_t turn = 0; turn < kBursts; ++turn) {
                for (std::size_t packet = 0; packet < burst.size(); ++packet) {
                    burst[packet] = packet % run == 0 ? static_cast<PeerId>(random() % peers)
                                                      : burst[packet - 1];
                }
                pass(burst, sizes, ticks);
            }
            const auto per_packet = [](std::uint64_t total) {
                return static_cast<double>(total) / static_cast<double>(kBursts * kBurstMax);
            };
            costs.seal.push_back(per_packet(ticks.seal));
            costs.seal_aead.push_back(per_packet(ticks.seal_aead));
            costs.open.push_back(per_packet(ticks.open));
            costs.open_aead.push_back(per_packet(ticks.open_aead));
        }
        const double seal = bench::median(costs.seal);
        const double open = bench::median(costs.open);
        const double seal_rest = seal - bench::median(costs.seal_aead);
        const double open_rest = open - bench::median(costs.open_aead);
        if (peers == 1) {
            one_peer_ = {seal, open};
        }
        std::printf(
            "  %-5s %-26s seal %7.1f (not AEAD %6.1f, x %4.2f)  open %7.1f (not AEAD %6.1f, x "
            "%4.2f)\n",
            sizes.name, name, seal, seal_rest, seal / one_peer_[0], open, open_rest,
            open / one_peer_[1]);
    }

    // Datagrams with this UDP payload, from sources that nobody knows, all of them refused for
    // `expected`. `step` is the time between two bursts: what a budget fills up by.
    void flood(const char* name, std::span<const std::byte> payload, DropReason expected,
               Duration step) {
        std::vector<double> costs;
        std::uint32_t source = 0xCB007100U;
        // The first window spends what the budget had saved.
        for (std::size_t window = 0; window <= windows_; ++window) {
            std::uint64_t ticks = 0;
            for (std::size_t turn = 0; turn < kBursts; ++turn) {
                batch_.clear();
                for (builders::Frame& frame : frames_) {
                    write_datagram(frame, Ipv4Address{source++}, payload);
                    TOWPATH_ASSERT(batch_.admit(frame.packet, Lane::open));
                }
                now_ += step;
                const std::uint64_t begin = __builtin_ia32_rdtsc();
                open_stage(far_.state(), batch_, now_);
                ticks += __builtin_ia32_rdtsc() - begin;
                for (const PacketIndex index : batch_.lane(Lane::drop)) {
                    TOWPATH_ASSERT(window == 0 || batch_[index].verdict == expected);
                }
            }
            if (window != 0) {
                costs.push_back(static_cast<double>(ticks) /
                                static_cast<double>(kBursts * kBurstMax));
            }
        }
        std::printf("  %-44s %7.1f\n", name, bench::median(costs));
    }

private:
    void write_datagram(builders::Frame& frame, Ipv4Address source,
                        std::span<const std::byte> payload) const {
        fill(frame, 0, sizeof(Ipv4Header) + sizeof(UdpHeader) + payload.size());
        Packet& packet = frame.packet;
        frame.ipv4().source = source.wire();
        packet.l4 = static_cast<std::uint8_t>(packet.l3 + sizeof(Ipv4Header));
        packet.source_port = packet.destination_port = kListenPort;
        frame.udp() = {kListenPort.wire(), kListenPort.wire(),
                       be16{static_cast<std::uint16_t>(sizeof(UdpHeader) + payload.size())},
                       be16{}};
        std::copy(payload.begin(), payload.end(), frame.transport().begin() + sizeof(UdpHeader));
    }

    struct Ticks {
        std::uint64_t seal = 0, seal_aead = 0, open = 0, open_aead = 0;
    };

    void pass(const std::array<PeerId, kBurstMax>& burst, const Sizes& sizes, Ticks& ticks) {
        batch_.clear();
        for (std::size_t packet = 0; packet < burst.size(); ++packet) {
            fill(frames_[packet], burst[packet], sizes.of(packet));
            TOWPATH_ASSERT(batch_.admit(frames_[packet].packet, Lane::seal));
        }
        std::uint64_t begin = __builtin_ia32_rdtsc();
        seal_stage(near_.state(), batch_, kNow);
        ticks.seal += __builtin_ia32_rdtsc() - begin;
        TOWPATH_ASSERT(batch_.lane(Lane::underlay).size() == burst.size());

        arrived_.clear();
        for (const PacketIndex index : batch_.lane(Lane::underlay)) {
            Packet packet = batch_[index];
            // From the far box's peer, whose endpoint and address they are as far sees them.
            if (family_ == Family::ipv4) {
                auto& ip = packet.header<Ipv4Header>(packet.l3);
                std::swap(ip.source, ip.destination);
            } else {
                auto& ip = packet.header<Ipv6Header>(packet.l3);
                std::swap(ip.source, ip.destination);
            }
            TOWPATH_ASSERT(arrived_.admit(packet, Lane::open));
        }
        begin = __builtin_ia32_rdtsc();
        open_stage(far_.state(), arrived_, kNow);
        ticks.open += __builtin_ia32_rdtsc() - begin;
        TOWPATH_ASSERT(arrived_.lane(Lane::parse).size() == burst.size());
        aead_alone(burst, sizes, ticks);
    }

    // The same packets and keys without the stages; every buffer holds what it held for them.
    void aead_alone(const std::array<PeerId, kBurstMax>& burst, const Sizes& sizes, Ticks& ticks) {
        std::array<crypto::AeadPacket, kBurstMax> packets{};
        std::array<bool, kBurstMax> is_authentic{};
        for (std::size_t packet = 0; packet < burst.size(); ++packet) {
            const std::size_t sealed_bytes = (sizes.of(packet) + 15) / 16 * 16;
            packets[packet] = {
                frames_[packet].packet.data() + 64,
                &near_.tables().sessions()[burst[packet]].send_key, counter_++,
                static_cast<std::uint32_t>(std::min<std::size_t>(sealed_bytes, 1420))};
        }
        std::uint64_t begin = __builtin_ia32_rdtsc();
        near_.state().aead.seal_batch(packets);
        ticks.seal_aead += __builtin_ia32_rdtsc() - begin;
        for (std::size_t packet = 0; packet < burst.size(); ++packet) {
            packets[packet].key = &far_.tables().sessions()[burst[packet]].receive_key;
        }
        begin = __builtin_ia32_rdtsc();
        near_.state().aead.open_batch(packets, is_authentic);
        ticks.open_aead += __builtin_ia32_rdtsc() - begin;
        TOWPATH_ASSERT(std::count(is_authentic.begin(), is_authentic.end(), true) == kBurstMax);
    }

    void fill(builders::Frame& frame, PeerId peer, std::size_t length_bytes) const {
        Packet& packet = frame.packet;
        packet.egress = kTunnel;
        packet.l3 = sizeof(EthernetHeader);
        packet.length = static_cast<std::uint16_t>(sizeof(EthernetHeader) + length_bytes);
        if (family_ == Family::ipv6) {
            packet.header<Ipv6Header>(packet.l3) = {
                ipv6_first_word(0),
                be16{static_cast<std::uint16_t>(length_bytes - sizeof(Ipv6Header))},
                59,  // no next header
                64,
                Box::ipv6_address_of(peer),
                Box::ipv6_address_of(peer)};
            return;
        }
        Ipv4Header& ip = frame.ipv4();
        ip = {.version_and_ihl = 0x45,
              .dscp_and_ecn = 0,
              .total_length_bytes = be16{static_cast<std::uint16_t>(length_bytes)},
              .identification = be16{},
              .flags_and_offset = be16{},
              .ttl = 64,
              .protocol = 17,
              .checksum = be16{},
              .source = Box::address_of(peer).wire(),
              .destination = Box::address_of(peer).wire()};
    }

    std::size_t windows_;
    Family family_;
    Box near_{true, family_};
    Box far_{false, family_};
    std::vector<builders::Frame> frames_;
    Batch batch_;
    Batch arrived_;
    std::uint64_t counter_ = 0;
    std::array<double, 2> one_peer_{1.0, 1.0};  // seal and open of the first row of a size
    Now now_ = kNow;
};

// A message of `type` that is zero otherwise.
std::vector<std::byte> message(std::uint8_t type, std::size_t length_bytes) {
    std::vector<std::byte> bytes(length_bytes);
    bytes[0] = std::byte{type};
    return bytes;
}

int run(int count, char** arguments) {
    std::size_t windows = 101;
    for (int position = 1; position < count; ++position) {
        const std::string_view argument{arguments[position]};
        if (argument.starts_with("--windows=")) {
            windows = std::strtoul(argument.data() + 10, nullptr, 10);
        }
    }
    std::printf("%s: ticks per packet, bursts of %zu, median of %zu windows of %zu bursts\n",
                bench::cpu_model().c_str(), kBurstMax, windows, kBursts);
    Bench bench{windows, Family::ipv4};
    // IMIX as decisions.md W15 has it: 7 of 48 bytes, 4 of 560 and one full packet, sorted.
    const std::array<Sizes, 4> all_sizes{
        {{"64", {64}},
         {"512", {512}},
         {"1420", {1420}},
         {"IMIX", {48, 48, 48, 48, 48, 48, 48, 560, 560, 560, 560, 1420}}}};
    for (const Sizes& sizes : all_sizes) {
        bench.row("one peer", 1, 1, sizes);
        bench.row("10 000 peers, runs of 8", kPeersMax_bench, 8, sizes);
        bench.row("10 000 peers, each its own", kPeersMax_bench, 1, sizes);
    }
    std::printf("over IPv6, IPv6 inside\n");
    Bench ipv6{windows, Family::ipv6};
    for (const Sizes& sizes : all_sizes) {
        ipv6.row("one peer", 1, 1, sizes);
        ipv6.row("10 000 peers, each its own", kPeersMax_bench, 1, sizes);
    }
    std::printf("refused, ticks per datagram\n");
    std::vector<std::byte> data = message(4, 96);
    bench.flood("data for no session", data, DropReason::tunnel_unknown_index, Duration{});
    const le32 index{crypto::IndexPermutation{kIndexKey}.index_of({17, 0})};
    std::memcpy(data.data() + 4, &index, sizeof index);
    const le64 counter{1'000'000};
    std::memcpy(data.data() + 8, &counter, sizeof counter);
    bench.flood("data of 64 B with a bad tag", data, DropReason::tunnel_bad_tag, Duration{});
    bench.flood("initiation with a bad mac1", message(1, 148), DropReason::handshake_bad_mac1,
                std::chrono::seconds{1});
    bench.flood("initiation beyond the budget", message(1, 148), DropReason::handshake_budget,
                Duration{});
    return 0;
}

}  // namespace
}  // namespace towpath::wireguard

int main(int count, char** arguments) {
    return towpath::wireguard::run(count, arguments);
}
