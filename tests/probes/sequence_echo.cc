// SPDX-License-Identifier: BSD-3-Clause
// The far side of sequence_sender: answers every numbered datagram with its number and the endpoint
// it came from.
//   sequence_echo LOCAL
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "tests/probes/sequence.h"

int main(int count, char** words) {
    using namespace towpath::probes;
    const auto local = count == 2 ? parse_endpoint(words[1]) : std::nullopt;
    if (!local) {
        std::fprintf(stderr, "usage: sequence_echo ADDRESS:PORT\n");
        return 2;
    }
    const auto socket = bound_socket(SOCK_DGRAM, *local);
    if (!socket) {
        std::fprintf(stderr, "sequence_echo: cannot bind %s: %m\n", words[1]);
        return 1;
    }
    // A second of the sender's highest rate fits, so that a busy machine does not look like loss.
    const int buffer_bytes = 64 << 20;
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    std::puts("ready");
    std::fflush(stdout);
    for (;;) {
        std::array<unsigned char, kMaxPayload> bytes{};
        sockaddr_in from{};
        socklen_t length = sizeof from;
        if (!wait_readable(socket, -1)) {
            continue;
        }
        const auto size = recvfrom(socket.get(), bytes.data(), bytes.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &length);
        Answer answer{};
        if (size < static_cast<ssize_t>(sizeof answer.message)) {
            continue;
        }
        std::memcpy(&answer.message, bytes.data(), sizeof answer.message);
        const auto seen = from_sockaddr(from);
        answer.seen_address = seen.address;
        answer.seen_port = seen.port;
        sendto(socket.get(), &answer, sizeof answer, 0, reinterpret_cast<const sockaddr*>(&from),
               length);
    }
}
