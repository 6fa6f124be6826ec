// SPDX-License-Identifier: BSD-3-Clause
// The far side of many_flows: answers 4 bytes on any UDP or TCP flow with the endpoint that it
// sees (address and port, 32 bits each, host order of this machine).
//   flow_server LOCAL...
// Several may serve the same endpoints: the kernel deals the flows among them. Limit: as many flows
// as the process may have descriptors.
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <unordered_map>
#include <vector>

#include "tests/probes/endpoint.h"

namespace towpath::probes {
namespace {

struct Seen {
    std::uint32_t address;
    std::uint32_t port;
};

enum class Kind : std::uint8_t { listener, datagrams, client };

class Server {
public:
    Server() : poll_(epoll_create1(EPOLL_CLOEXEC)) {}

    bool open(const Endpoint& local) {
        auto listener = listening_socket(local);
        auto datagrams = bound_socket(SOCK_DGRAM, local);
        if (!listener || !datagrams) {
            return false;
        }
        const int buffer_bytes = 32 << 20;
        setsockopt(datagrams.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
        watch(std::move(listener), Kind::listener, {});
        watch(std::move(datagrams), Kind::datagrams, {});
        return true;
    }

    void turn() {
        std::array<epoll_event, 256> events{};
        const int ready =
            epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1);
        for (int index = 0; index < ready; ++index) {
            const int socket = events[static_cast<std::size_t>(index)].data.fd;
            const auto found = watched_.find(socket);
            if (found != watched_.end() && !serve(socket, found->second)) {
                watched_.erase(found);
            }
        }
    }

private:
    struct Watched {
        Descriptor socket;
        Kind kind;
        Seen seen;
    };

    void watch(Descriptor socket, Kind kind, Seen seen) {
        const int number = socket.get();
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = number;
        epoll_ctl(poll_.get(), EPOLL_CTL_ADD, number, &event);
        watched_.insert_or_assign(number, Watched{std::move(socket), kind, seen});
    }

    // False when a client is finished.
    bool serve(int socket, const Watched& watched) {
        switch (watched.kind) {
            case Kind::listener:
                welcome(socket);
                return true;
            case Kind::datagrams:
                answer_datagrams(socket);
                return true;
            case Kind::client:
                break;
        }
        std::array<char, 64> bytes{};
        const auto count = recv(socket, bytes.data(), bytes.size(), 0);
        if (count <= 0) {
            return count < 0 && errno == EAGAIN;
        }
        return send(socket, &watched.seen, sizeof watched.seen, MSG_NOSIGNAL) > 0;
    }

    void welcome(int listener) {
        for (;;) {
            sockaddr_in from{};
            socklen_t length = sizeof from;
            Descriptor client{accept4(listener, reinterpret_cast<sockaddr*>(&from), &length,
                                      SOCK_NONBLOCK | SOCK_CLOEXEC)};
            if (!client) {
                return;
            }
            const auto seen = from_sockaddr(from);
            watch(std::move(client), Kind::client, {seen.address, seen.port});
        }
    }

    static void answer_datagrams(int socket) {
        for (int budget = 0; budget < 256; ++budget) {
            std::array<char, 64> bytes{};
            sockaddr_in from{};
            socklen_t length = sizeof from;
            if (recvfrom(socket, bytes.data(), bytes.size(), MSG_DONTWAIT,
                         reinterpret_cast<sockaddr*>(&from), &length) < 0) {
                return;
            }
            const auto endpoint = from_sockaddr(from);
            const Seen seen{endpoint.address, endpoint.port};
            sendto(socket, &seen, sizeof seen, 0, reinterpret_cast<const sockaddr*>(&from), length);
        }
    }

    Descriptor poll_;
    std::unordered_map<int, Watched> watched_;
};

}  // namespace
}  // namespace towpath::probes

int main(int count, char** words) {
    using namespace towpath::probes;
    raise_descriptor_limit(200'000);
    Server server;
    for (int index = 1; index < count; ++index) {
        const auto local = parse_endpoint(words[index]);
        if (!local || !server.open(*local)) {
            std::fprintf(stderr, "flow_server: cannot listen on %s: %m\n", words[index]);
            return 1;
        }
    }
    std::puts("ready");
    std::fflush(stdout);
    for (;;) {
        server.turn();
    }
}
