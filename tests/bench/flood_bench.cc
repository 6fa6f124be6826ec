// SPDX-License-Identifier: BSD-3-Clause
// What floods do to tunnels (decisions.md W18): one worker's whole pipeline with 24 peers carries
// data, half of it to be opened and half to be sealed, at 70 % of the rate at which it is busy all
// the time; meanwhile 1 Mpps arrive of handshakes with a bad mac1, of handshakes with a valid one
// from random sources, of transport data with a bad tag; and every peer begins a handshake.
// Printed: how much data is lost, and how many peers get their session.
//
// Time is virtual and made of what the code cost: each burst moves the clock by its ticks, what
// arrives meanwhile waits in a receive ring of 1024 descriptors, and what finds it full is lost.
// Control runs beside it on a clock of its own. Bursts that another program of this machine
// interrupted are charged like those before, and counted. The data's rate follows the machine's
// speed every 5 ms; slices at whose end it was another than at their begin are left out of what is
// lost, and counted: a host whose other half of the core goes to somebody else is slower by half at
// once. What ports and drivers cost is not in it. No thresholds here. Run it pinned: taskset -c 1
// flood_bench
#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "tests/bench/flood_traffic.h"

namespace towpath::bench {
namespace {

constexpr double kFloodPps = 1e6;
constexpr double kDataShare = 0.7;
constexpr Duration kSlice = std::chrono::milliseconds{5};  // between two looks at the busy rate
constexpr int kSlicesPerHandshake = 5;
constexpr double kSteady = 0.1;  // by how much the busy rate may differ in a steady slice
constexpr Duration kLinkDelay = std::chrono::microseconds{100};
constexpr Duration kHousekeeping = std::chrono::milliseconds{1};  // as a worker does it
// A full burst takes a third of this at most; another program that has the core takes longer.
constexpr double kDisturbed_us = 25;

struct Figures {
    double data_pps = 0;
    double lost_in_ring = 0;  // of the data offered
    double lost_in_path = 0;
    std::uint64_t renewed = 0;  // peers
    std::uint64_t initiations = 0;
    std::uint64_t disturbed = 0;  // bursts
    std::uint64_t slices = 0;
    std::uint64_t unsteady = 0;  // of these
};

class Simulation {
public:
    explicit Simulation(double hertz) : hertz_{hertz} {
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            peers_.push_back(std::make_unique<FarPeer>(peer, far_endpoint(peer)));
            tunnels_->configure_peer(peer, {kTunnel, 0});
            TOWPATH_ASSERT(
                allowed_.insert(*parse_ip_prefix(inner_address(peer) + "/32"), peer).has_value());
            TOWPATH_ASSERT(tunnels_->apply_configured_endpoint(peer, far_endpoint(peer), 1, now_));
            introduce(control_.end(), peer, peers_.back()->end(), {});
            introduce(peers_.back()->end(), 0, control_.end(), kGatewayEndpoint);
        }
        for (std::size_t spare = 0; spare < kSparesMax; ++spare) {
            spares_.emplace_back(std::size_t{0}, 2304);
        }
    }

    // Sessions for all, with nothing else going on.
    void connect() {
        for (const auto& peer : peers_) {
            peer->rekey(now_);
        }
        busy_rate();  // as far as it goes without sessions: the neighbours are known then
        run_for(std::chrono::milliseconds{100});
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            TOWPATH_ASSERT(peers_[peer]->sessions == 1);
        }
    }

    Figures run(Flood flood, Duration length) {
        // Whoever the run before left without a session tries again within 5 s, undisturbed, and
        // begins none for 5 s more.
        ring_.forget_streams();
        run_for(std::chrono::seconds{11});
        ring_.forget();
        account_ = {};
        traffic_.set_flood(flood);
        ring_.set_rate(Kind::flood, flood == Flood::none ? 0 : kFloodPps, now_);
        std::array<std::uint64_t, kPeers> sessions{};
        std::uint64_t initiations = 0;
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            sessions[peer] = peers_[peer]->sessions;
            initiations += peers_[peer]->sent_initiations;
        }
        Figures figures;
        PeerId next_to_begin = 0;
        double offered = 0;  // in all slices
        Loss steady;
        double rate = busy_rate();
        for (Duration done{}; done < length; done += kSlice) {
            ring_.set_rate(Kind::data_in, kDataShare * rate / 2, now_);
            ring_.set_rate(Kind::data_out, kDataShare * rate / 2, now_);
            // One peer after the other begins while the flood is on.
            if (figures.slices % kSlicesPerHandshake == 0 && next_to_begin < kPeers) {
                peers_[next_to_begin++]->rekey(now_);
            }
            const Loss before = loss();
            run_for(kSlice);
            const Loss slice = loss() - before;
            const double rate_after = busy_rate();
            ++figures.slices;
            offered += slice.offered;
            if (std::abs(rate_after / rate - 1) < kSteady) {
                steady = steady + slice;
            } else {
                ++figures.unsteady;
            }
            rate = rate_after;
        }
        figures.data_pps = offered / std::chrono::duration<double>(length).count();
        figures.lost_in_ring = steady.in_ring / steady.offered;
        figures.lost_in_path = steady.in_path / steady.offered;
        figures.disturbed = account_.disturbed;
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            figures.renewed += peers_[peer]->sessions > sessions[peer] ? 1 : 0;
            figures.initiations += peers_[peer]->sent_initiations;
        }
        figures.initiations -= initiations;
        return figures;
    }

private:
    struct Account {
        double ticks = 0;             // that the worker worked
        std::uint64_t taken = 0;      // data packets out of the ring
        std::uint64_t delivered = 0;  // of these
        std::uint64_t disturbed = 0;  // bursts
    };

    // Of data, since the run began.
    struct Loss {
        double offered = 0;
        double in_ring = 0;
        double in_path = 0;
        friend Loss operator+(const Loss& a, const Loss& b) {
            return {a.offered + b.offered, a.in_ring + b.in_ring, a.in_path + b.in_path};
        }
        friend Loss operator-(const Loss& a, const Loss& b) {
            return {a.offered - b.offered, a.in_ring - b.in_ring, a.in_path - b.in_path};
        }
    };
    [[nodiscard]] Loss loss() {
        const ReceiveRing::Stream& in = ring_.stream(Kind::data_in);
        const ReceiveRing::Stream& out = ring_.stream(Kind::data_out);
        return {static_cast<double>(in.offered + out.offered),
                static_cast<double>(in.lost + out.lost),
                static_cast<double>(account_.taken) - static_cast<double>(account_.delivered)};
    }

    // Packets per second when there is always a full burst of data to take: the rate above which
    // some are lost. It is taken again and again, because other programs change it. What waits in
    // the ring, and what is on its way there, comes later by the time that this takes.
    double busy_rate() {
        constexpr std::uint64_t kPackets = 1U << 11U;
        // Nobody answers for the neighbours.
        gateway_.neighbors.confirm({kInside, address("10.77.1.2")}, kPeerMac, coarse_seconds(now_));
        gateway_.neighbors.confirm({kOutside, address("192.0.2.1")}, kRouterMac,
                                   coarse_seconds(now_));
        ReceiveRing ring = std::exchange(ring_, {});
        const Account account = std::exchange(account_, {});
        const Now begin = now_;
        while (account_.taken < kPackets) {
            for (std::size_t packet = 0; packet < kBurstMax; ++packet) {
                static_cast<void>(ring_.put(packet % 2 == 0 ? Kind::data_in : Kind::data_out));
            }
            turn();
        }
        const double rate = static_cast<double>(kPackets) * hertz_ / account_.ticks;
        account_ = account;
        ring_ = std::move(ring);
        ring_.postpone(now_ - begin);
        return rate;
    }
    void run_for(Duration length) {
        const Now end = now_ + length;
        while (now_ < end) {
            ring_.advance(now_);
            serve_ends();
            if (!turn()) {
                now_ = std::min({end, next_housekeeping_, ring_.next_arrival()});
            }
        }
    }
    // Handshakes that are on their way, and those who make and answer them.
    void serve_ends() {
        control_.run_until(now_);
        if (now_ < next_wake_) {
            return;
        }
        next_wake_ = now_ + kLinkDelay;
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            FarPeer& far = *peers_[peer];
            far.wake(now_);
            for (; !far.to_send.empty(); far.to_send.pop_front()) {
                ring_.expect({now_ + kLinkDelay, far.endpoint(), far.to_send.front()});
            }
        }
    }

    // A worker's turn; false if there was nothing to do.
    bool turn() {
        const bool has_packets = !ring_.empty();
        if (has_packets) {
            receive_burst();
        }
        const bool is_due = now_ >= next_housekeeping_ || gateway_.pipeline.has_tunnel_work();
        if (is_due) {
            batch_.clear();
            refill_spares();
            const std::uint64_t begin = read_ticks();
            gateway_.pipeline.housekeeping(batch_, now_);
            charge(read_ticks() - begin);
            look_at_transmitted();
            next_housekeeping_ = now_ + kHousekeeping;
        }
        return has_packets || is_due;
    }
    void receive_burst() {
        batch_.clear();
        refill_spares();
        packets_.clear();
        while (!ring_.empty() && packets_.size() < kBurstMax) {
            const Kind kind = ring_.take();
            account_.taken += kind == Kind::data_in || kind == Kind::data_out ? 1 : 0;
            packets_.push_back(traffic_.make(kind, ring_, buffers_));
        }
        traffic_.seal();
        for (const Packet& packet : packets_) {
            evict(packet);
            TOWPATH_ASSERT(batch_.admit(packet, Lane::parse));
        }
        _mm_mfence();
        const std::uint64_t begin = read_ticks();
        gateway_.pipeline.run(batch_, now_);
        charge(read_ticks() - begin);
        look_at_transmitted();
    }
    void refill_spares() {
        batch_.clear_spares();
        for (Frame& spare : spares_) {
            spare.packet.head = kHeadRoom;
            spare.packet.length = 0;
            batch_.add_spare(spare.packet);
        }
    }
    void charge(std::uint64_t ticks) {
        auto cost = static_cast<double>(ticks);
        if (cost > kDisturbed_us * 1e-6 * hertz_) {
            ++account_.disturbed;
            cost = usual_ticks_;
        }
        usual_ticks_ += (cost - usual_ticks_) / 64;
        account_.ticks += cost;
        owed_ns_ += cost / hertz_ * 1e9;
        const auto whole = static_cast<Duration::rep>(owed_ns_);
        owed_ns_ -= static_cast<double>(whole);
        now_ += Duration{whole};
    }

    void look_at_transmitted() {
        for (const PacketIndex index : batch_.lane(Lane::transmit)) {
            const Packet& packet = batch_[index];
            if (packet.egress == kInside) {
                ++account_.delivered;
                continue;
            }
            const auto message = packet.bytes().subspan(42);
            const bool is_data = message[0] == std::byte{4};
            account_.delivered +=
                is_data && message.size() > wireguard::kTransportLength_min_bytes ? 1 : 0;
            const Ipv4Address to{packet.header<Ipv4Header>(14).destination};
            const PeerId peer = to.bits() - far_endpoint(0).address.ipv4().bits();
            // What our side begins is not taken up: who renews here are the peers.
            if (!is_data && peer < kPeers && message[0] != std::byte{1}) {
                peers_[peer]->receive(message, now_ + kLinkDelay);
            }
        }
    }

    double hertz_;
    Now now_{std::chrono::seconds{1000}};
    Quiescence quiescence_;  // of one thread: whatever is retired is free
    wireguard::AllowedIps allowed_{64, kPeers, quiescence_};
    std::unique_ptr<wireguard::Tables> tunnels_ =
        std::move(*wireguard::Tables::create({.peers = kPeers,
                                              .sessions = NearControl::kSessions,
                                              .prefixes = 64,
                                              .workers = 1,
                                              .staged_packets_per_worker = 64},
                                             {kIndexKey, 3}, quiescence_));
    NearControl control_{*tunnels_, hertz_};
    std::vector<std::unique_ptr<FarPeer>> peers_;
    Gateway gateway_{
        {.mappings = 1024, .sessions = 1024, .fragment_contexts_per_worker = 64},
        make_tunnel_generation({}, allowed_, control_.end().device.identity()->keys().mac1),
        tunnels_.get()};
    Traffic traffic_{peers_, control_.end().device.identity()->keys().mac1};
    ReceiveRing ring_;
    BufferRing buffers_;
    std::vector<Frame> spares_;
    std::vector<Packet> packets_;
    Batch batch_;
    Now next_housekeeping_{};
    Now next_wake_{};
    double usual_ticks_ = 10'000;
    double owed_ns_ = 0;
    Account account_;
};

void print(const char* name, const Figures& figures) {
    std::printf("%-44s %5.2f  %8.4f %%  %8.4f %%  %2llu of %u  %11llu  %9llu  %4llu of %llu\n",
                name, figures.data_pps / 1e6, 100 * figures.lost_in_ring,
                100 * figures.lost_in_path, static_cast<unsigned long long>(figures.renewed),
                kPeers, static_cast<unsigned long long>(figures.initiations),
                static_cast<unsigned long long>(figures.disturbed),
                static_cast<unsigned long long>(figures.unsteady),
                static_cast<unsigned long long>(figures.slices));
}

}  // namespace
}  // namespace towpath::bench

int main() {
    using namespace towpath::bench;
    using std::chrono::milliseconds;
    auto simulation = std::make_unique<Simulation>(ticks_per_second());
    simulation->connect();
    std::printf("%s; %zu-byte packets in the tunnel at %.0f %% of the busy rate\n",
                cpu_model().c_str(), kInner_bytes, 100 * kDataShare);
    std::printf("%-44s %5s  %10s  %10s  %8s  %11s  %9s  %s\n", "1 Mpps of", "Mpps", "lost: ring",
                "lost: path", "renewed", "initiations", "disturbed", "unsteady");
    print("nothing, 1 s", simulation->run(Flood::none, milliseconds{1000}));
    print("handshakes, bad mac1, 1 s", simulation->run(Flood::bad_mac1, milliseconds{1000}));
    // Long enough for a peer that is given a cookie to use it, 5 s later.
    print("handshakes, valid mac1, random sources, 6 s",
          simulation->run(Flood::valid_mac1, milliseconds{6200}));
    print("data of live sessions, bad tag, 1 s",
          simulation->run(Flood::bad_tag, milliseconds{1000}));
    return 0;
}
