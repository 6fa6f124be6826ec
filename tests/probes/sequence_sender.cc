// SPDX-License-Identifier: BSD-3-Clause
// Sends numbered UDP datagrams at a steady rate over several flows to sequence_echo and accounts
// for every one that does not come back (decisions.md N23).
//   sequence_sender LOCAL_ADDRESS REMOTE RATE_PER_S SECONDS FLOWS [PAYLOAD_BYTES]
// Prints one line of JSON: sent, lost, duplicated, reordered, the longest silence in milliseconds,
// and how often a flow came back from the far side with another endpoint than before (remapped).
// Limits: 1 to 1000 flows, at most 20 million datagrams, payload 32 to 1472 bytes.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/probes/sequence.h"

namespace towpath::probes {
namespace {

constexpr std::uint64_t kLastAnswersNs = 1'000'000'000U;

struct Flow {
    Descriptor socket;
    std::uint64_t next_number = 0;
    Endpoint seen;
};

class Sender {
public:
    Sender(std::uint64_t total, std::size_t payload_bytes)
        : came_back_(total), payload_bytes_(payload_bytes) {}

    bool open(const Endpoint& local, const Endpoint& remote, std::size_t flows) {
        for (std::size_t index = 0; index < flows; ++index) {
            Flow flow{bound_socket(SOCK_DGRAM, local), 0, {}};
            if (!flow.socket || !connect_within(flow.socket, remote, 0)) {
                return false;
            }
            flows_.push_back(std::move(flow));
        }
        return true;
    }

    void run(std::uint64_t rate_per_s) {
        const auto start_ns = monotonic_ns();
        last_answer_ns_ = start_ns;
        const auto total = static_cast<std::uint64_t>(came_back_.size());
        while (sent_ < total) {
            const auto now_ns = monotonic_ns();
            const auto due = std::min(total, (now_ns - start_ns) * rate_per_s / 1'000'000'000U + 1);
            while (sent_ < due) {
                send_one();
            }
            receive_all();
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
        const auto end_ns = monotonic_ns() + kLastAnswersNs;
        while (monotonic_ns() < end_ns && answered_ < sent_) {
            receive_all();
            std::this_thread::sleep_for(std::chrono::microseconds(500));
        }
        if (answered_ < sent_) {
            // The silence at the end counts up to the last datagram that was sent.
            note_silence(std::max(last_answer_ns_, last_sent_ns_));
        }
    }

    void report() const {
        std::printf(
            "{\"sent\": %llu, \"lost\": %llu, \"duplicated\": %llu, \"reordered\": %llu, "
            "\"refused\": %llu, \"remapped\": %llu, \"longest_silence_ms\": %.1f}\n",
            as_printed(sent_), as_printed(sent_ - answered_), as_printed(duplicated_),
            as_printed(reordered_), as_printed(refused_), as_printed(remapped_),
            static_cast<double>(longest_silence_ns_) / 1e6);
    }

private:
    static unsigned long long as_printed(std::uint64_t value) { return value; }

    void send_one() {
        std::array<unsigned char, kMaxPayload> bytes{};
        const Numbered message{kMagic, sent_};
        std::memcpy(bytes.data(), &message, sizeof message);
        last_sent_ns_ = monotonic_ns();
        auto& flow = flows_[sent_ % flows_.size()];
        // A refusal is an ICMP error about an earlier datagram; this one was not sent then.
        while (send(flow.socket.get(), bytes.data(), payload_bytes_, 0) < 0 && refused_ < 1000) {
            ++refused_;
        }
        ++sent_;
    }

    void receive_all() {
        for (auto& flow : flows_) {
            Answer answer{};
            while (recv(flow.socket.get(), &answer, sizeof answer, MSG_DONTWAIT) ==
                   static_cast<ssize_t>(sizeof answer)) {
                take(flow, answer);
            }
        }
    }

    void take(Flow& flow, const Answer& answer) {
        if (answer.message.magic != kMagic || answer.message.number >= came_back_.size()) {
            return;
        }
        note_silence(monotonic_ns());
        const Endpoint seen{answer.seen_address, static_cast<std::uint16_t>(answer.seen_port)};
        remapped_ += flow.seen.port != 0 && flow.seen != seen ? 1 : 0;
        flow.seen = seen;
        reordered_ += answer.message.number < flow.next_number ? 1 : 0;
        flow.next_number = std::max(flow.next_number, answer.message.number + 1);
        if (came_back_[answer.message.number]) {
            ++duplicated_;
            return;
        }
        came_back_[answer.message.number] = true;
        ++answered_;
    }

    void note_silence(std::uint64_t until_ns) {
        longest_silence_ns_ = std::max(longest_silence_ns_, until_ns - last_answer_ns_);
        last_answer_ns_ = until_ns;
    }

    std::vector<Flow> flows_;
    std::vector<bool> came_back_;
    std::size_t payload_bytes_;
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t duplicated_ = 0;
    std::uint64_t reordered_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t remapped_ = 0;
    std::uint64_t last_sent_ns_ = 0;
    std::uint64_t last_answer_ns_ = 0;
    std::uint64_t longest_silence_ns_ = 0;
};

}  // namespace
}  // namespace towpath::probes

int main(int count, char** words) {
    using namespace towpath::probes;
    const auto number = [&](int index) { return std::strtoull(words[index], nullptr, 10); };
    const auto local = count >= 6 ? parse_endpoint(std::string(words[1]) + ":0") : std::nullopt;
    const auto remote = count >= 6 ? parse_endpoint(words[2]) : std::nullopt;
    const auto rate_per_s = count >= 6 ? number(3) : 0;
    const auto total = count >= 6 ? rate_per_s * number(4) : 0;
    const auto flows = count >= 6 ? number(5) : 0;
    const auto payload_bytes = count == 7 ? number(6) : 64;
    if (!local || !remote || total == 0 || total > 20'000'000 || flows == 0 || flows > 1000 ||
        payload_bytes < 32 || payload_bytes > kMaxPayload) {
        std::fprintf(stderr,
                     "usage: sequence_sender LOCAL_ADDRESS REMOTE RATE_PER_S SECONDS FLOWS "
                     "[PAYLOAD_BYTES]\n");
        return 2;
    }
    raise_descriptor_limit(4096);
    Sender sender(total, payload_bytes);
    if (!sender.open(*local, *remote, flows)) {
        std::fprintf(stderr, "sequence_sender: cannot open a socket: %m\n");
        return 1;
    }
    sender.run(rate_per_s);
    sender.report();
    return 0;
}
