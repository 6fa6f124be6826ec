// SPDX-License-Identifier: BSD-3-Clause
// What peers and sessions take of memory (decisions.md W16): the anonymous memory of this process
// before and after fifty thousand of each are in the tables of the data plane and in the machine of
// control. A peer without a session may take 2 KiB and a keypair 1.3 KiB, both processes together;
// what configuration and books take besides, tunnel_remembers_ten_thousand_peers in
// tests/integration says. No thresholds here.
#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "control/wireguard/device.h"
#include "dataplane/wireguard/allowed_ips.h"
#include "dataplane/wireguard/tables.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath {
namespace {

// So many that a huge page more or less is nothing.
constexpr std::uint32_t kPeers = 50'000;
constexpr std::uint32_t kSessions = kPeers * 3 / 2 + 64;
constexpr std::uint64_t kIndexKey = 99;
constexpr Now kNow{std::chrono::seconds{1000}};

// Of this process, in use; not what it shares with files, and not what the allocator keeps.
double anonymous_bytes() {
    static_cast<void>(::malloc_trim(0));
    std::ifstream file{"/proc/self/smaps_rollup"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("Anonymous:")) {
            return 1024 * std::strtod(line.c_str() + std::strlen("Anonymous:"), nullptr);
        }
    }
    std::fprintf(stderr, "/proc/self/smaps_rollup says nothing of anonymous memory\n");
    std::exit(1);
}

// Says what the memory has grown by since the last call, for each of kPeers.
class Ledger {
public:
    void say(const char* what) {
        const double now_bytes = anonymous_bytes();
        std::printf("%-52s %7.0f bytes each\n", what, (now_bytes - before_bytes_) / kPeers);
        before_bytes_ = anonymous_bytes();
    }

private:
    double before_bytes_ = anonymous_bytes();
};

crypto::PublicKey key_of(std::uint32_t number) {
    crypto::PublicKey key{};
    std::memcpy(key.data(), &number, sizeof number);
    key[8] = std::byte{1};  // of no low order
    return key;
}

void measure_dataplane() {
    Ledger ledger;
    Quiescence quiescence;
    const auto tables = std::move(*wireguard::Tables::create({.peers = kPeers,
                                                              .sessions = kSessions,
                                                              .prefixes = kPeers,
                                                              .workers = 1,
                                                              .staged_packets_per_worker = 1024},
                                                             {kIndexKey, 3}, quiescence));
    wireguard::AllowedIps allowed{kPeers, kPeers, quiescence};
    for (wireguard::PeerId peer = 0; peer < kPeers; ++peer) {
        tables->configure_peer(peer, {InterfaceId{1}, 0});
        const Ipv4Prefix prefix{Ipv4Address{0x0A000000U + peer}, 32};
        if (!allowed.insert(prefix, peer)) {
            std::exit(1);
        }
    }
    ledger.say("data plane, tables: a peer with one prefix");
    const crypto::Key key;
    const crypto::IndexPermutation permutation{kIndexKey};
    for (wireguard::PeerId peer = 0; peer < kPeers; ++peer) {
        const auto result = tables->install({.index = permutation.index_of({peer, 0}),
                                             .remote_index = peer,
                                             .peer = peer,
                                             .owner = 0,
                                             .is_initiator = true,
                                             .birth = kNow,
                                             .send_key = key.bytes(),
                                             .receive_key = key.bytes()});
        if (result != wireguard::InstallResult::installed) {
            std::exit(1);
        }
    }
    ledger.say("data plane: a keypair");
    std::printf("%-52s %7zu bytes\n", "  of it the session itself", sizeof(wireguard::Session));
}

void measure_control() {
    Ledger ledger;
    namespace machine = control::wireguard;
    machine::SeededRandom random{1};
    machine::IndexAllocator indices{kIndexKey, kSessions};
    machine::SentFloor floor;
    machine::UnderLoad load;
    machine::SourceLimiter limiter{random};
    machine::Device device{{indices, floor, load, limiter, random}};
    machine::ActionList actions;
    const machine::Moment moment{kNow, {1'800'000'000, 0}};
    device.set_identity(random.secret<32>(), moment, actions);
    for (machine::PeerId peer = 0; peer < kPeers; ++peer) {
        machine::PeerSettings settings;
        settings.id = peer;
        settings.public_key = key_of(peer);
        if (!device.set_peer(std::move(settings), moment, actions)) {
            std::exit(1);
        }
        actions.clear();
    }
    ledger.say("control, machine: a peer");
    const crypto::IndexPermutation permutation{kIndexKey};
    for (machine::PeerId peer = 0; peer < kPeers; ++peer) {
        if (!device.adopt_session({peer, permutation.index_of({peer, 0}), kNow})) {
            std::exit(1);
        }
    }
    ledger.say("control: a keypair");
}

}  // namespace
}  // namespace towpath

int main() {
    towpath::measure_dataplane();
    towpath::measure_control();
    return 0;
}
