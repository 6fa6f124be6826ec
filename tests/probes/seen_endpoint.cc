// SPDX-License-Identifier: BSD-3-Clause
// The far side of tcp_behaviour: a TCP server on two addresses and two ports each, which tells
// every client the endpoint that it sees, and on request connects back to an endpoint from another
// of its own.
//   seen_endpoint ADDRESS OTHER_ADDRESS PORT OTHER_PORT
// On connect it sends "SEEN a.b.c.d:port\n". The request "BACK TO FROM\n" (both a.b.c.d:port, FROM
// one of the four) makes it connect to TO from FROM and send "HELLO FROM\n". Limits: 64 clients and
// attempts at once, 10 s for each.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/probes/endpoint.h"

namespace towpath::probes {
namespace {

constexpr std::size_t kMaxPeers = 64;
constexpr std::uint64_t kPatienceNs = 10'000'000'000U;

struct Peer {
    Descriptor socket;
    bool connecting = false;  // ours towards a client; else a client's towards us
    Endpoint from;
    std::uint64_t deadline_ns = 0;
    std::string words;
};

class Server {
public:
    bool open(const std::vector<Endpoint>& endpoints) {
        endpoints_ = endpoints;
        for (const auto& endpoint : endpoints) {
            listeners_.push_back(listening_socket(endpoint));
            if (!listeners_.back()) {
                std::fprintf(stderr, "seen_endpoint: cannot listen on %s: %m\n",
                             to_text(endpoint).c_str());
                return false;
            }
        }
        return true;
    }

    void turn() {
        std::vector<pollfd> entries;
        for (const auto& listener : listeners_) {
            entries.push_back({listener.get(), POLLIN, 0});
        }
        for (const auto& peer : peers_) {
            const auto events = static_cast<short>(peer.connecting ? POLLOUT : POLLIN);
            entries.push_back({peer.socket.get(), events, 0});
        }
        poll(entries.data(), entries.size(), 200);
        // Peers first: accepting appends to them.
        for (std::size_t index = peers_.size(); index-- > 0;) {
            const bool ready = entries[listeners_.size() + index].revents != 0;
            if (monotonic_ns() > peers_[index].deadline_ns || (ready && !serve(peers_[index]))) {
                peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(index));
            }
        }
        for (std::size_t index = 0; index < listeners_.size(); ++index) {
            if (entries[index].revents != 0) {
                welcome(listeners_[index]);
            }
        }
    }

private:
    void welcome(const Descriptor& listener) {
        sockaddr_in address{};
        socklen_t length = sizeof address;
        Descriptor client{accept4(listener.get(), reinterpret_cast<sockaddr*>(&address), &length,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (!client || peers_.size() == kMaxPeers) {
            return;
        }
        const auto line = "SEEN " + to_text(from_sockaddr(address)) + "\n";
        send(client.get(), line.data(), line.size(), MSG_NOSIGNAL);
        peers_.push_back({std::move(client), false, {}, monotonic_ns() + kPatienceNs, {}});
    }

    // False when the peer is finished.
    bool serve(Peer& peer) {
        if (peer.connecting) {
            const auto line = "HELLO " + to_text(peer.from) + "\n";
            send(peer.socket.get(), line.data(), line.size(), MSG_NOSIGNAL);
            return false;
        }
        std::array<char, 256> bytes{};
        const auto count = read(peer.socket.get(), bytes.data(), bytes.size());
        if (count <= 0) {
            return count < 0 && errno == EAGAIN;
        }
        peer.words.append(bytes.data(), static_cast<std::size_t>(count));
        for (auto end = peer.words.find('\n'); end != std::string::npos;
             end = peer.words.find('\n')) {
            const auto line = peer.words.substr(0, end);
            peer.words.erase(0, end + 1);
            if (!answer(line)) {
                return false;
            }
        }
        return peer.words.size() < 256;
    }

    bool answer(const std::string& line) {
        const auto space = line.rfind(' ');
        if (!line.starts_with("BACK ") || space <= 5) {
            return false;
        }
        const auto to = parse_endpoint(line.substr(5, space - 5));
        const auto from = parse_endpoint(line.substr(space + 1));
        if (!to || !from || peers_.size() >= kMaxPeers) {
            return false;
        }
        auto socket = bound_socket(SOCK_STREAM, *from);
        const auto address = to_sockaddr(*to);
        if (!socket || (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                                sizeof address) != 0 &&
                        errno != EINPROGRESS)) {
            std::fprintf(stderr, "seen_endpoint: back to %s: %m\n", line.c_str());
            return true;
        }
        waiting_.push_back({std::move(socket), true, *from, monotonic_ns() + kPatienceNs, {}});
        return true;
    }

public:
    // A request is found while the peers are walked, so its connection joins them afterwards.
    void admit() {
        for (auto& peer : waiting_) {
            peers_.push_back(std::move(peer));
        }
        waiting_.clear();
    }

private:
    std::vector<Endpoint> endpoints_;
    std::vector<Descriptor> listeners_;
    std::vector<Peer> peers_;
    std::vector<Peer> waiting_;
};

}  // namespace
}  // namespace towpath::probes

int main(int count, char** words) {
    using namespace towpath::probes;
    if (count != 5) {
        std::fprintf(stderr, "usage: seen_endpoint ADDRESS OTHER_ADDRESS PORT OTHER_PORT\n");
        return 2;
    }
    std::vector<Endpoint> endpoints;
    for (const int address : {1, 2}) {
        for (const int port : {3, 4}) {
            const auto endpoint =
                parse_endpoint(std::string(words[address]) + ":" + std::string(words[port]));
            if (!endpoint) {
                std::fprintf(stderr, "seen_endpoint: not an endpoint: %s:%s\n", words[address],
                             words[port]);
                return 2;
            }
            endpoints.push_back(*endpoint);
        }
    }
    Server server;
    if (!server.open(endpoints)) {
        return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    for (;;) {
        server.turn();
        server.admit();
    }
}
