// SPDX-License-Identifier: BSD-3-Clause
// Opens many flows at once, holds them, and proves that every one is alive and mapped as RFC 4787
// REQ-1 asks: one inside endpoint has one outside endpoint for all its remotes, and no two inside
// endpoints share one. Its far side is flow_server.
//   many_flows LOCAL udp|tcp SOURCES TWO_REMOTES REMOTE OTHER_REMOTE HOLD_S FILE
// SOURCES sockets, bound to LOCAL's address and the ports from LOCAL's upwards, talk to REMOTE; the
// first TWO_REMOTES of them to OTHER_REMOTE as well. After HOLD_S seconds every flow is asked
// again. Prints one line of JSON: flows, answered, answered_again, moved (an endpoint that changed,
// or that differs between remotes), shared (an outside endpoint that two sources hold), mappings
// (distinct outside endpoints); and writes those to FILE, one a line. Limit: 20000 sources, and as
// many flows as the process may have descriptors.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/probes/endpoint.h"

namespace towpath::probes {
namespace {

constexpr std::size_t kMaxSources = 20000;
constexpr std::size_t kBatch = 64;  // asked before answers are read: no queue on the way overflows
constexpr int kTries = 5;

struct Seen {
    std::uint32_t address;
    std::uint32_t port;
};

struct Flow {
    Descriptor socket;
    std::size_t source = 0;
    Endpoint remote;
    Endpoint seen;
    bool answered = false;
};

class Client {
public:
    explicit Client(bool stream) : stream_(stream) {}

    bool add(const Endpoint& local, std::size_t source, const Endpoint& remote) {
        Flow flow;
        flow.socket = bound_socket(stream_ ? SOCK_STREAM : SOCK_DGRAM, local);
        flow.source = source;
        flow.remote = remote;
        if (!flow.socket) {
            std::fprintf(stderr, "many_flows: cannot bind %s: %m\n", to_text(local).c_str());
            return false;
        }
        flows_.push_back(std::move(flow));
        return true;
    }

    // Starts every connection, a batch at a time: no more wait for their SYN at once.
    void connect_all() {
        for (std::size_t begin = 0; begin < flows_.size(); begin += kBatch) {
            const auto end = std::min(begin + kBatch, flows_.size());
            for (auto index = begin; index < end; ++index) {
                const auto address = to_sockaddr(flows_[index].remote);
                // Datagrams connect at once; a stream that is under way is waited for below.
                (void)connect(flows_[index].socket.get(),
                              reinterpret_cast<const sockaddr*>(&address), sizeof address);
            }
            if (stream_) {
                for (auto index = begin; index < end; ++index) {
                    (void)wait_writable(flows_[index].socket, 4000);
                }
            }
        }
    }

    // Asks every flow for the endpoint that the far side sees; how many answered.
    std::size_t ask_all() {
        for (auto& flow : flows_) {
            flow.answered = false;
        }
        for (std::size_t begin = 0; begin < flows_.size(); begin += kBatch) {
            const auto end = std::min(begin + kBatch, flows_.size());
            // A datagram may be lost; a byte on a connection may not.
            for (int attempt = 0; attempt < (stream_ ? 1 : kTries); ++attempt) {
                ask(begin, end);
                if (collect(begin, end)) {
                    break;
                }
            }
        }
        return static_cast<std::size_t>(
            std::count_if(flows_.begin(), flows_.end(), [](auto& flow) { return flow.answered; }));
    }

    void report(std::size_t answered, std::size_t again, const char* file) {
        std::vector<std::pair<Endpoint, std::size_t>> held;
        for (const auto& flow : flows_) {
            if (flow.seen.port != 0) {
                held.emplace_back(flow.seen, flow.source);
            }
        }
        std::sort(held.begin(), held.end());
        held.erase(std::unique(held.begin(), held.end()), held.end());
        std::size_t shared = 0;
        std::vector<std::pair<std::size_t, Endpoint>> by_source;
        for (std::size_t index = 0; index < held.size(); ++index) {
            shared += index > 0 && held[index].first == held[index - 1].first ? 1 : 0;
            by_source.emplace_back(held[index].second, held[index].first);
        }
        write_endpoints(held, file);
        std::sort(by_source.begin(), by_source.end());
        for (std::size_t index = 1; index < by_source.size(); ++index) {
            moved_ += by_source[index].first == by_source[index - 1].first ? 1 : 0;
        }
        std::printf(
            "{\"flows\": %zu, \"answered\": %zu, \"answered_again\": %zu, \"moved\": %zu, "
            "\"shared\": %zu, \"mappings\": %zu}\n",
            flows_.size(), answered, again, moved_, shared, held.size() - shared);
    }

private:
    static void write_endpoints(const std::vector<std::pair<Endpoint, std::size_t>>& held,
                                const char* name) {
        std::FILE* file = std::fopen(name, "w");
        for (const auto& [endpoint, source] : held) {
            if (file != nullptr) {
                std::fprintf(file, "%s\n", to_text(endpoint).c_str());
            }
        }
        if (file == nullptr || std::fclose(file) != 0) {
            std::fprintf(stderr, "many_flows: cannot write %s: %m\n", name);
        }
    }

    void ask(std::size_t begin, std::size_t end) {
        for (auto index = begin; index < end; ++index) {
            if (!flows_[index].answered) {
                send(flows_[index].socket.get(), "seen", 4, MSG_NOSIGNAL);
            }
        }
    }

    bool collect(std::size_t begin, std::size_t end) {
        bool all = true;
        int patience_ms = stream_ ? 4000 : 300;
        for (auto index = begin; index < end; ++index) {
            auto& flow = flows_[index];
            if (flow.answered) {
                continue;
            }
            Seen seen{};
            const bool is_there = wait_readable(flow.socket, patience_ms);
            if (!is_there || recv(flow.socket.get(), &seen, sizeof seen, 0) != sizeof seen) {
                all = false;
                // The others were asked with this one: they have had as long.
                patience_ms = is_there ? patience_ms : 0;
                continue;
            }
            const Endpoint endpoint{seen.address, static_cast<std::uint16_t>(seen.port)};
            moved_ += flow.seen.port != 0 && flow.seen != endpoint ? 1 : 0;
            flow.seen = endpoint;
            flow.answered = true;
        }
        return all;
    }

    bool stream_;
    std::vector<Flow> flows_;
    std::size_t moved_ = 0;
};

}  // namespace
}  // namespace towpath::probes

int main(int count, char** words) {
    using namespace towpath::probes;
    const bool complete = count == 9;
    const auto first = complete ? parse_endpoint(words[1]) : std::nullopt;
    const auto sources = complete ? std::strtoull(words[3], nullptr, 10) : 0;
    const auto two = complete ? std::strtoull(words[4], nullptr, 10) : 0;
    const auto remote = complete ? parse_endpoint(words[5]) : std::nullopt;
    const auto other = complete ? parse_endpoint(words[6]) : std::nullopt;
    if (!first || !remote || !other || sources == 0 || sources > kMaxSources || two > sources ||
        first->port + sources > 65536) {
        std::fprintf(stderr,
                     "usage: many_flows LOCAL udp|tcp SOURCES TWO_REMOTES REMOTE OTHER_REMOTE "
                     "HOLD_S FILE\n");
        return 2;
    }
    raise_descriptor_limit(200'000);
    Client client(std::strcmp(words[2], "tcp") == 0);
    for (std::size_t source = 0; source < sources; ++source) {
        const Endpoint local{first->address, static_cast<std::uint16_t>(first->port + source)};
        if (!client.add(local, source, *remote) ||
            (source < two && !client.add(local, source, *other))) {
            return 1;
        }
    }
    client.connect_all();
    const auto answered = client.ask_all();
    std::this_thread::sleep_for(std::chrono::seconds(std::strtoul(words[7], nullptr, 10)));
    const auto again = client.ask_all();
    client.report(answered, again, words[8]);
    return 0;
}
