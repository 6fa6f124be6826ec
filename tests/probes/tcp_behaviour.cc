// SPDX-License-Identifier: BSD-3-Clause
// What a NAT does to TCP, seen by a bound socket (RFC 5382 REQ-1, REQ-3, REQ-8): the TCP half of
// what turnutils_natdiscovery tells about UDP. Its far side is seen_endpoint.
//   tcp_behaviour LOCAL_ADDRESS SERVER OTHER_SERVER PORT OTHER_PORT
// Prints one line of JSON:
//   mapping    none | EIM | ADM | APDM    does another remote see another endpoint
//   filtering  EIF | ADF | APDF           who may connect to an endpoint in use
//   hairpin    yes | after-contact | no   do two inside endpoints reach each other by their outside
//                                         ones: at once, or when each has spoken to the other
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/probes/endpoint.h"

namespace towpath::probes {
namespace {

constexpr int kConnectMs = 4000;
constexpr int kUnsolicitedMs = 2500;  // a retransmitted SYN (1 s) may still make it

struct Servers {
    Endpoint local;  // port 0
    Endpoint first;
    Endpoint same_address;
    Endpoint other_address;
    Endpoint other_both;
};

struct Contact {
    Descriptor socket;
    Endpoint seen;
};

[[noreturn]] void give_up(const char* what, const Endpoint& remote) {
    std::printf("{\"error\": \"%s %s: %s\"}\n", what, to_text(remote).c_str(),
                std::strerror(errno));
    std::exit(1);
}

Contact contact(const Endpoint& local, const Endpoint& server) {
    Contact result{bound_socket(SOCK_STREAM, local), {}};
    if (!result.socket || !connect_within(result.socket, server, kConnectMs)) {
        give_up("cannot connect to", server);
    }
    const auto line = read_line(result.socket, kConnectMs);
    const auto seen =
        line && line->starts_with("SEEN ") ? parse_endpoint(line->substr(5)) : std::nullopt;
    if (!seen) {
        give_up("no answer from", server);
    }
    result.seen = *seen;
    return result;
}

// A local endpoint with a port that nothing used before.
Endpoint fresh(const Endpoint& address) {
    const auto socket = bound_socket(SOCK_STREAM, address);
    const auto result = socket ? local_endpoint(socket) : std::nullopt;
    if (!result) {
        give_up("cannot bind", address);
    }
    return *result;
}

const char* mapping(const Servers& servers) {
    const auto local = fresh(servers.local);
    const auto first = contact(local, servers.first);
    const auto same_address = contact(local, servers.same_address);
    const auto other_address = contact(local, servers.other_address);
    const auto other_both = contact(local, servers.other_both);
    if (first.seen == local) {
        return "none";
    }
    if (first.seen != same_address.seen || other_address.seen != other_both.seen) {
        return "APDM";
    }
    return first.seen == other_address.seen ? "EIM" : "ADM";
}

const char* filtering(const Servers& servers) {
    const auto local = fresh(servers.local);
    const auto listener = listening_socket(local);
    const auto known = contact(local, servers.first);
    for (const auto& from : {servers.same_address, servers.other_address}) {
        const auto request = "BACK " + to_text(known.seen) + " " + to_text(from) + "\n";
        send(known.socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
    }
    bool same_address = false;
    const auto deadline_ns = monotonic_ns() + kUnsolicitedMs * 1'000'000ULL;
    while (monotonic_ns() < deadline_ns) {
        if (!wait_readable(listener, 100)) {
            continue;
        }
        sockaddr_in address{};
        socklen_t length = sizeof address;
        const Descriptor caller{accept4(listener.get(), reinterpret_cast<sockaddr*>(&address),
                                        &length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (from_sockaddr(address) == servers.other_address) {
            return "EIF";
        }
        same_address = same_address || from_sockaddr(address) == servers.same_address;
    }
    return same_address ? "ADF" : "APDF";
}

// One inside endpoint known by its outside one; the contact keeps the mapping alive.
struct Side {
    Endpoint local;
    Contact known;
};

Side side(const Servers& servers) {
    const auto local = fresh(servers.local);
    return {local, contact(local, servers.first)};
}

// Bytes must cross both ways before a connection counts.
bool talk(const Descriptor& one, const Descriptor& other) {
    return send(one.get(), "ping\n", 5, MSG_NOSIGNAL) == 5 &&
           read_line(other, kConnectMs) == "ping" &&
           send(other.get(), "pong\n", 5, MSG_NOSIGNAL) == 5 &&
           read_line(one, kConnectMs) == "pong";
}

bool hairpin_at_once(const Servers& servers) {
    const auto callee = side(servers);
    const auto caller = side(servers);
    const auto listener = listening_socket(callee.local);
    const auto call = bound_socket(SOCK_STREAM, caller.local);
    if (!listener || !call || !connect_within(call, callee.known.seen, kUnsolicitedMs)) {
        return false;
    }
    sockaddr_in address{};
    socklen_t length = sizeof address;
    const Descriptor taken{accept4(listener.get(), reinterpret_cast<sockaddr*>(&address), &length,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC)};
    // RFC 5382 REQ-8: what arrives must come from the caller's outside endpoint.
    return taken && from_sockaddr(address) == caller.known.seen && talk(call, taken);
}

// Both connect to each other's outside endpoint. The first SYN is not expected at the far end's
// filter and is dropped in silence (REQ-4); its sender's filter then admits the second.
bool hairpin_after_contact(const Servers& servers) {
    const auto one = side(servers);
    const auto other = side(servers);
    const auto from_one = bound_socket(SOCK_STREAM, one.local);
    const auto from_other = bound_socket(SOCK_STREAM, other.local);
    if (!from_one || !from_other || connect_within(from_one, other.known.seen, 50) ||
        errno != ETIMEDOUT) {
        return false;
    }
    return connect_within(from_other, one.known.seen, kConnectMs) &&
           wait_writable(from_one, kConnectMs) && talk(from_one, from_other);
}

const char* hairpin(const Servers& servers) {
    if (hairpin_at_once(servers)) {
        return "yes";
    }
    return hairpin_after_contact(servers) ? "after-contact" : "no";
}

}  // namespace
}  // namespace towpath::probes

int main(int count, char** words) {
    using namespace towpath::probes;
    if (count != 6) {
        std::fprintf(stderr,
                     "usage: tcp_behaviour LOCAL_ADDRESS SERVER OTHER_SERVER PORT OTHER_PORT\n");
        return 2;
    }
    const auto endpoint = [](const std::string& address, const std::string& port) {
        const auto result = parse_endpoint(address + ":" + port);
        if (!result) {
            std::fprintf(stderr, "tcp_behaviour: not an endpoint: %s:%s\n", address.c_str(),
                         port.c_str());
            std::exit(2);
        }
        return *result;
    };
    const Servers servers{endpoint(words[1], "0"), endpoint(words[2], words[4]),
                          endpoint(words[2], words[5]), endpoint(words[3], words[4]),
                          endpoint(words[3], words[5])};
    const auto* const filter = filtering(servers);
    const auto* const map = mapping(servers);
    std::printf("{\"mapping\": \"%s\", \"filtering\": \"%s\", \"hairpin\": \"%s\"}\n", map, filter,
                hairpin(servers));
    return 0;
}
