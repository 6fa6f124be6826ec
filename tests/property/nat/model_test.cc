// SPDX-License-Identifier: BSD-3-Clause
// The NAT against a deliberately stupid model of RFC 4787, RFC 5382 and RFC 6888: a map from inside
// to outside endpoint, kept in the test, for UDP and ICMP queries under every kind of filtering and
// for 1 to 16 workers, with random packets, workers and times. What the model cannot know (which
// port is drawn) it takes from the NAT and holds it to its promises.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;

constexpr std::array kInside = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.1.0.4", "10.2.0.5"};
constexpr std::array kRemote = {"198.51.100.1", "198.51.100.2", "192.0.2.77"};

struct Known {
    Endpoint outside;
    std::int64_t last_out_s = 0;
    bool is_replied = false;
    std::map<Endpoint, std::int64_t> remotes;  // when last sent to
};
using Key = std::pair<Protocol, Endpoint>;

class Model {
public:
    explicit Model(Filtering filtering) : filtering_{filtering} {}

    // Up to this idle time a mapping must be there; beyond it must not, since workers keep house
    // whenever the test lets time pass.
    static std::int64_t timeout_s(Protocol protocol, const Known& known) {
        return protocol == Protocol::icmp ? 60 : known.is_replied ? 300 : 120;
    }
    [[nodiscard]] bool must_live(const Key& key, std::int64_t now_s) const {
        const auto found = mappings.find(key);
        return found != mappings.end() &&
               now_s - found->second.last_out_s <= timeout_s(key.first, found->second);
    }
    [[nodiscard]] bool must_be_gone(const Key& key, std::int64_t now_s) const {
        const auto found = mappings.find(key);
        return found == mappings.end() ||
               now_s - found->second.last_out_s > timeout_s(key.first, found->second);
    }
    // Time has passed: remotes that were not sent to for too long may not answer any more.
    void forget(std::int64_t now_s) {
        for (auto& [key, known] : mappings) {
            const std::int64_t most_s = timeout_s(key.first, known);
            std::erase_if(known.remotes,
                          [&](const auto& remote) { return now_s - remote.second > most_s; });
        }
    }
    [[nodiscard]] bool admits(Protocol protocol, const Known& known, Endpoint remote) const {
        if (filtering_ == Filtering::endpoint_independent) {
            return true;
        }
        return std::any_of(known.remotes.begin(), known.remotes.end(), [&](const auto& contacted) {
            return matches(protocol, contacted.first, remote);
        });
    }
    std::map<Key, Known> mappings;

private:
    [[nodiscard]] bool matches(Protocol protocol, Endpoint contacted, Endpoint remote) const {
        const bool port_counts =
            filtering_ == Filtering::address_and_port_dependent && protocol == Protocol::udp;
        return contacted.address == remote.address &&
               (!port_counts || contacted.port == remote.port);
    }
    Filtering filtering_;
};

struct Case {
    Filtering filtering;
    std::size_t workers;
    std::uint64_t seed;
};

class AgainstModel : public testing::TestWithParam<Case> {
protected:
    AgainstModel()
        : rig{{.workers = GetParam().workers,
               .pool = {"203.0.113.9", "203.0.113.10", "203.0.113.11"},
               .seed = GetParam().seed}},
          random{GetParam().seed},
          model{GetParam().filtering} {
        rig.policy.udp_filtering = GetParam().filtering;
        rig.policy.icmp_filtering = GetParam().filtering;
        rig.publish();
        rig.expire();
        rig.advance(std::chrono::seconds{3});  // the change of the filter is over
    }
    std::size_t below(std::size_t bound) { return random() % bound; }
    std::int64_t now_s() const { return coarse_seconds(rig.now); }
    WorkerId any_worker() { return static_cast<WorkerId>(below(GetParam().workers)); }

    void outbound() {
        const auto protocol = below(4) == 0 ? Protocol::icmp : Protocol::udp;
        const std::string_view inside = kInside[below(kInside.size())];
        const std::string_view remote = kRemote[below(kRemote.size())];
        const auto port = static_cast<std::uint16_t>(2000 + below(6));
        const auto remote_port = static_cast<std::uint16_t>(443 + below(2));
        const Fields fields{.source = inside,
                            .source_port = port,
                            .destination = remote,
                            .destination_port = remote_port};
        Frame frame = protocol == Protocol::udp ? udp(fields) : icmp_echo(fields);
        ASSERT_TRUE(rig.from_inside(frame, any_worker()).passed());
        ASSERT_TRUE(checksums_are_valid(frame));
        const Key key{protocol, {address(inside), Port{port}}};
        const Endpoint outside = source_of(frame);
        if (model.must_live(key, now_s())) {
            ASSERT_EQ(model.mappings[key].outside, outside) << "U-01: it moved";
        } else if (model.must_be_gone(key, now_s())) {
            model.mappings[key] = {};
        }
        Known& known = model.mappings[key];
        known.outside = outside;
        known.last_out_s = now_s();
        known.remotes[{address(remote), Port{remote_port}}] = now_s();
        check_uniqueness(key, outside);
        const auto paired = pairs_.emplace(key.second.address, outside.address).first;
        ASSERT_EQ(paired->second, outside.address) << "U-02: another pool address";
    }
    // U-03: no outside endpoint belongs to two that live. C-08: nor to one that ended lately.
    void check_uniqueness(const Key& key, Endpoint outside) {
        for (auto other = model.mappings.begin(); other != model.mappings.end();) {
            const bool is_same = other->first != key && other->first.first == key.first &&
                                 other->second.outside == outside;
            if (is_same) {
                ASSERT_GT(now_s() - other->second.last_out_s,
                          Model::timeout_s(key.first, other->second) + 120);
            }
            other = is_same ? model.mappings.erase(other) : std::next(other);
        }
    }
    void inbound() {
        if (model.mappings.empty()) {
            return;
        }
        auto entry = std::next(model.mappings.begin(),
                               static_cast<std::ptrdiff_t>(below(model.mappings.size())));
        auto& [key, known] = *entry;
        const std::string_view remote = kRemote[below(kRemote.size())];
        const Endpoint from{address(remote), Port{static_cast<std::uint16_t>(443 + below(3))}};
        Fields fields{.source = remote,
                      .source_port = from.port.number(),
                      .destination_port = known.outside.port.number()};
        const std::string destination = to_string(known.outside.address);
        fields.destination = destination;
        if (key.first == Protocol::icmp) {
            fields.source_port = known.outside.port.number();
        }
        Frame frame = key.first == Protocol::udp ? udp(fields) : icmp_echo_reply(fields);
        const NatRig::Exit exit = rig.from_outside(frame, any_worker());
        if (exit.passed()) {
            ASSERT_EQ(frame.ipv4().destination, key.second.address.wire());
            ASSERT_EQ(frame.packet.destination_port, key.second.port);
            ASSERT_TRUE(checksums_are_valid(frame));
            ASSERT_TRUE(model.admits(key.first, known, from)) << "U-08";
        }
        if (model.must_live(key, now_s()) && model.admits(key.first, known, from)) {
            ASSERT_TRUE(exit.passed()) << "U-05: it ended early";
        }
        if (exit.passed()) {
            known.is_replied = true;
        }
        if (model.must_be_gone(key, now_s())) {
            ASSERT_FALSE(exit.passed()) << "U-05: it lives on";
        }
    }
    // N1: both indexes agree, and the owner is the owner of the inside address.
    void check_ownership() {
        std::set<std::pair<Protocol, Endpoint>> outside;
        for (const auto& state : rig.states) {
            std::array<MappingView, 64> page;
            for (std::uint32_t cursor = 0;;) {
                const Page listed = state->list(cursor, page, rig.now);
                for (std::size_t row = 0; row < listed.count; ++row) {
                    const MappingView& view = page[row];
                    ASSERT_EQ(rig.tables->ownership().owner_of(view.inside.address),
                              state->worker());
                    ASSERT_TRUE(outside.insert({view.protocol, view.outside}).second)
                        << "an outside endpoint is held twice";
                    const auto by_outside =
                        state->lookup_outside(view.protocol, view.outside, rig.now);
                    ASSERT_TRUE(by_outside.has_value());
                    ASSERT_EQ(by_outside->inside, view.inside);
                }
                cursor = listed.cursor;
                if (cursor == 0) {
                    break;
                }
            }
        }
    }

    NatRig rig;
    std::mt19937_64 random;
    Model model;
    std::map<Ipv4Address, Ipv4Address> pairs_;
};

TEST_P(AgainstModel, RandomTrafficAndTimes) {
    for (int step = 0; step < 3000; ++step) {
        const std::size_t choice = below(100);
        if (choice < 45) {
            ASSERT_NO_FATAL_FAILURE(outbound()) << "step " << step;
        } else if (choice < 95) {
            ASSERT_NO_FATAL_FAILURE(inbound()) << "step " << step;
        } else {
            rig.advance(std::chrono::milliseconds{below(90) * 997});
            model.forget(now_s());
            ASSERT_NO_FATAL_FAILURE(check_ownership()) << "step " << step;
        }
    }
    // Everything ends, rests and is given back (invariants 1 to 6 of nat-behaviour.md 3.3).
    for (int turn = 0; turn < 8; ++turn) {
        rig.advance(std::chrono::seconds{130});
    }
    EXPECT_EQ(rig.live_mappings(), 0U);
    for (const std::string_view pool : {"203.0.113.9", "203.0.113.10", "203.0.113.11"}) {
        EXPECT_EQ(rig.tables->port_usage(address(pool), Protocol::udp).used, 0U);
        EXPECT_EQ(rig.tables->port_usage(address(pool), Protocol::icmp).used, 0U);
    }
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (std::size_t workers = 1; workers <= 16; ++workers) {
        all.push_back({Filtering::endpoint_independent, workers, workers});
    }
    for (const std::size_t workers : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
        all.push_back({Filtering::address_dependent, workers, 100 + workers});
        all.push_back({Filtering::address_and_port_dependent, workers, 200 + workers});
    }
    return all;
}
INSTANTIATE_TEST_SUITE_P(Workers, AgainstModel, testing::ValuesIn(cases()));

}  // namespace
}  // namespace towpath::nat
