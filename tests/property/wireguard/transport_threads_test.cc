// SPDX-License-Identifier: BSD-3-Clause
// Several workers and the server thread on the same sessions and peers: no nonce is used twice,
// nothing is torn, nothing is used after it was wiped. Also built with ThreadSanitizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

constexpr std::size_t kWorkers = 4;
constexpr PeerId kPeer = 0;
constexpr Now kNow{std::chrono::seconds{1000}};

struct Nonce {
    std::uint32_t remote_index;
    std::uint64_t counter;
    friend auto operator<=>(const Nonce&, const Nonce&) = default;
};

Box workers_box() {
    return Box{{.peers = 8,
                .sessions = 64,
                .prefixes = 8,
                .workers = kWorkers,
                .staged_packets_per_worker = 256}};
}

NewSession initiated(std::uint32_t index, std::span<const std::byte, 32> key) {
    return {.index = index,
            .remote_index = index,
            .peer = kPeer,
            .owner = 0,
            .is_initiator = true,
            .birth = kNow,
            .send_key = key,
            .receive_key = key};
}

// A worker that seals bursts to the peer and notes every nonce that it used.
class SealingWorker {
public:
    SealingWorker(Box& box, WorkerId worker) : box_{box}, worker_{worker} {
        for (int packet = 0; packet < 32; ++packet) {
            frames_.push_back(builders::udp({.destination = "10.99.2.5"}));
            frames_.back().packet.egress = kTunnel;
        }
    }
    void burst() {
        batch_.clear();
        for (Frame& frame : frames_) {
            EXPECT_TRUE(batch_.admit(frame.packet, Lane::seal));
        }
        seal_stage(*box_.states[worker_], batch_, kNow);
        for (const PacketIndex index : batch_.lane(Lane::underlay)) {
            const Packet& packet = batch_[index];
            const auto& header = packet.header<TransportHeader>(packet.l4 + sizeof(UdpHeader));
            nonces.push_back({header.receiver_index.host(), header.counter.host()});
        }
    }
    // Sealed in place: the next burst needs whole packets again.
    void restore() {
        for (Frame& frame : frames_) {
            Frame fresh = builders::udp({.destination = "10.99.2.5"});
            std::copy(fresh.bytes().begin(), fresh.bytes().end(), frame.bytes().begin());
        }
    }
    std::vector<Nonce> nonces;

private:
    Box& box_;
    WorkerId worker_;
    Batch batch_;
    std::vector<Frame> frames_;
};

std::vector<Nonce> all_nonces(const std::vector<std::unique_ptr<SealingWorker>>& workers) {
    std::vector<Nonce> all;
    for (const auto& worker : workers) {
        all.insert(all.end(), worker->nonces.begin(), worker->nonces.end());
    }
    std::sort(all.begin(), all.end());
    return all;
}

TEST(TransportThreads, WorkersNeverUseANonceTwice) {
    Box box = workers_box();
    box.add_peer(kPeer, {"10.99.2.0/24"}, "198.51.100.1:51820");
    const auto key = key_of(7);
    ASSERT_EQ(box.tables->install(initiated(index_of(1), key)), InstallResult::installed);
    std::vector<std::unique_ptr<SealingWorker>> workers;
    std::vector<std::thread> threads;
    for (WorkerId worker = 0; worker < kWorkers; ++worker) {
        workers.push_back(std::make_unique<SealingWorker>(box, worker));
    }
    for (auto& worker : workers) {
        threads.emplace_back([&worker] {
            for (int burst = 0; burst < 300; ++burst) {
                worker->burst();
                worker->restore();
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const std::vector<Nonce> all = all_nonces(workers);
    EXPECT_EQ(all.size(), kWorkers * 300 * 32);
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
    EXPECT_EQ(all.back().counter, all.size() - 1);  // nothing was left out either
    EXPECT_EQ(box.peer().sent_bytes.load(), all.size() * (44 + 4 + 32));
}

// The server thread replaces the session again and again, and wipes what it may.
TEST(TransportThreads, SessionsAreReplacedUnderTraffic) {
    Box box = workers_box();
    box.add_peer(kPeer, {"10.99.2.0/24"}, "198.51.100.1:51820");
    const auto key = key_of(7);
    ASSERT_EQ(box.tables->install(initiated(index_of(1), key)), InstallResult::installed);
    std::atomic<bool> is_over{false};
    std::vector<std::unique_ptr<SealingWorker>> workers;
    std::vector<std::thread> threads;
    for (WorkerId worker = 0; worker < kWorkers; ++worker) {
        workers.push_back(std::make_unique<SealingWorker>(box, worker));
    }
    for (WorkerId worker = 0; worker < kWorkers; ++worker) {
        threads.emplace_back([&, worker] {
            box.quiescence.come_online(worker);
            while (!is_over.load(std::memory_order_relaxed)) {
                workers[worker]->burst();
                box.quiescence.pass(worker);
                workers[worker]->restore();
            }
            box.quiescence.go_offline(worker);
        });
    }
    std::size_t freed_count = 0;
    std::uint32_t installed = 1;
    std::vector<std::uint32_t> generations(64, 0);
    while (freed_count < 100) {
        const std::uint32_t slot = 1 + installed % 60;
        if (box.tables->install(initiated(index_of(slot, generations[slot] + 1), key)) ==
            InstallResult::installed) {
            ++generations[slot];
            ++installed;
        }
        std::array<std::uint32_t, 16> freed{};
        freed_count += box.tables->collect(freed);
        std::this_thread::yield();
    }
    is_over.store(true);
    for (std::thread& thread : threads) {
        thread.join();
    }
    const std::vector<Nonce> all = all_nonces(workers);
    EXPECT_FALSE(all.empty());
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

// Address and port always come from one writer.
TEST(TransportThreads, EndpointsAreNeverTorn) {
    Box box = workers_box();
    box.add_peer(kPeer, {}, "198.51.100.1:1");
    constexpr std::uint16_t kMoves = 20'000;
    std::atomic<bool> is_over{false};
    std::atomic<std::size_t> torn{0};
    const auto endpoint_of = [](std::uint16_t number) {
        return IpEndpoint{Ipv4Address{0xC6336400U + number}, Port{number}};
    };
    std::vector<std::thread> threads;
    for (int reader = 0; reader < 2; ++reader) {
        threads.emplace_back([&] {
            while (!is_over.load(std::memory_order_relaxed)) {
                const PeerEndpoint known = box.peer().endpoint.read();
                torn += known.remote != endpoint_of(known.remote.port.number()) ? 1 : 0;
            }
        });
    }
    std::vector<std::thread> writers;
    for (std::uint16_t writer = 0; writer < 2; ++writer) {
        writers.emplace_back([&, writer] {
            for (std::uint16_t move = writer; move < kMoves;
                 move = static_cast<std::uint16_t>(move + 2)) {
                box.tables->learn_endpoint(kPeer, endpoint_of(move), Ipv4Address{0xC0000201U},
                                           kNow + Duration{move});
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    is_over.store(true);
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(torn.load(), 0U);
    EXPECT_GE(box.peer().endpoint.read().remote.port.number(), 1);
}

}  // namespace
}  // namespace towpath::wireguard
