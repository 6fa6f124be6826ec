// SPDX-License-Identifier: BSD-3-Clause
// rtnetlink as bytes, and what changes mean (decisions.md N12).
#include "dataplane/port/link_message.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>
#include <string_view>

#include "dataplane/port/link_table.h"

namespace towpath::port {
namespace {

using Bytes = std::vector<std::byte>;
using Kind = LinkMessage::Kind;

void append(Bytes& bytes, const void* data, std::size_t length) {
    const auto* start = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), start, start + length);
    bytes.resize((bytes.size() + 3) / 4 * 4);
}

void append_attribute(Bytes& bytes, unsigned short type, std::string_view payload) {
    const rtattr header{static_cast<unsigned short>(sizeof(rtattr) + payload.size()), type};
    append(bytes, &header, sizeof header);
    append(bytes, payload.data(), payload.size());
}

Bytes message(std::uint16_t type, const Bytes& body, std::uint16_t flags = 0) {
    const nlmsghdr header{static_cast<__u32>(sizeof(nlmsghdr) + body.size()), type, flags, 1, 1};
    Bytes bytes;
    append(bytes, &header, sizeof header);
    append(bytes, body.data(), body.size());
    return bytes;
}

Bytes link_body(int index, unsigned flags, std::string_view name) {
    ifinfomsg start{};
    start.ifi_index = index;
    start.ifi_flags = flags;
    Bytes body;
    append(body, &start, sizeof start);
    append_attribute(body, IFLA_IFNAME, std::string{name} + '\0');
    append_attribute(body, IFLA_ADDRESS, std::string_view{"\x02\0\0\0\0\x07", 6});
    append_attribute(body, IFLA_MTU, std::string_view{"\xDC\x05\0\0", 4});
    append_attribute(body, 999, "an attribute of a later kernel");
    return body;
}

constexpr unsigned kUp = IFF_UP | IFF_RUNNING;

TEST(LinkMessage, SaysNameIndexMacMtuAndWhetherItIsUp) {
    Bytes bytes = message(RTM_NEWLINK, link_body(7, kUp, "wan0"));
    const Bytes second = message(RTM_DELLINK, link_body(8, IFF_UP, "lan0"));
    bytes.insert(bytes.end(), second.begin(), second.end());
    const auto messages = parse_link_messages(bytes);
    ASSERT_TRUE(messages.has_value());
    ASSERT_EQ(messages->size(), 2U);
    EXPECT_EQ(messages->at(0).kind, Kind::present);
    const LinkState wanted{7, "wan0", MacAddress{{2, 0, 0, 0, 0, 7}}, 1500, true};
    EXPECT_EQ(messages->at(0).link, wanted);
    EXPECT_EQ(messages->at(1).kind, Kind::removed);
    EXPECT_EQ(messages->at(1).link.index, 8U);
    EXPECT_FALSE(messages->at(1).link.is_up);  // no carrier
}

TEST(LinkMessage, TellsTheEndARefusalAndAnInterruptedDump) {
    const auto done = parse_link_messages(message(NLMSG_DONE, Bytes(4)));
    ASSERT_TRUE(done.has_value());
    ASSERT_EQ(done->size(), 1U);
    EXPECT_EQ(done->front().kind, Kind::dump_end);
    const int busy = -16;
    Bytes body;
    append(body, &busy, sizeof busy);
    const auto refused = parse_link_messages(message(NLMSG_ERROR, body));
    ASSERT_TRUE(refused.has_value());
    ASSERT_EQ(refused->size(), 1U);
    EXPECT_EQ(refused->front().kind, Kind::refused);
    const auto interrupted = parse_link_messages(message(NLMSG_DONE, Bytes(4), NLM_F_DUMP_INTR));
    ASSERT_TRUE(interrupted.has_value());
    ASSERT_EQ(interrupted->size(), 2U);
    EXPECT_EQ(interrupted->front().kind, Kind::interrupted);
    EXPECT_TRUE(
        parse_link_messages(message(NLMSG_ERROR, Bytes(4)))->empty());  // an acknowledgement
    EXPECT_TRUE(parse_link_messages(message(RTM_NEWADDR, Bytes(8)))->empty());
    EXPECT_TRUE(parse_link_messages({})->empty());
}

TEST(LinkMessage, EveryCutIsRefused) {
    const Bytes whole = message(RTM_NEWLINK, link_body(7, kUp, "wan0"));
    for (std::size_t length = 1; length < whole.size(); ++length) {
        Bytes cut(whole.begin(), whole.begin() + static_cast<long>(length));
        cut.shrink_to_fit();
        EXPECT_FALSE(parse_link_messages(cut).has_value()) << length;
    }
}

TEST(LinkMessage, LengthsThatLieAreRefused) {
    Bytes bytes = message(RTM_NEWLINK, link_body(7, kUp, "wan0"));
    const std::uint16_t three = 3;  // shorter than the attribute's own header: would never end
    std::memcpy(bytes.data() + sizeof(nlmsghdr) + sizeof(ifinfomsg), &three, sizeof three);
    EXPECT_EQ(parse_link_messages(bytes).error(), Error::bad_length);
    const std::uint16_t beyond = 4000;
    std::memcpy(bytes.data() + sizeof(nlmsghdr) + sizeof(ifinfomsg), &beyond, sizeof beyond);
    EXPECT_EQ(parse_link_messages(bytes).error(), Error::bad_length);
    Bytes header = message(NLMSG_DONE, {});
    const std::uint32_t short_length = 15;
    std::memcpy(header.data(), &short_length, sizeof short_length);
    EXPECT_EQ(parse_link_messages(header).error(), Error::bad_length);
    EXPECT_EQ(parse_link_messages(message(RTM_NEWLINK, link_body(0, kUp, "x"))).error(),
              Error::bad_value);
}

LinkMessage present(std::uint32_t index, std::string name, bool is_up = true,
                    std::uint32_t mtu_bytes = 1500) {
    return {Kind::present, {index, std::move(name), MacAddress{}, mtu_bytes, is_up}};
}
LinkMessage gone(std::uint32_t index) {
    return {Kind::removed, {index, "", {}, 0, false}};
}

using EventKind = LinkEvent::Kind;
std::vector<EventKind> kinds(const std::vector<LinkEvent>& events) {
    std::vector<EventKind> found;
    for (const LinkEvent& event : events) {
        found.push_back(event.kind);
    }
    return found;
}

TEST(LinkTable, SaysEachChangeOnce) {
    LinkTable table;
    EXPECT_EQ(kinds(table.apply(present(3, "wan0"))), std::vector{EventKind::appeared});
    EXPECT_TRUE(table.apply(present(3, "wan0")).empty());
    EXPECT_EQ(kinds(table.apply(present(3, "wan0", false))), std::vector{EventKind::down});
    EXPECT_EQ(kinds(table.apply(present(3, "wan0", true))), std::vector{EventKind::up});
    EXPECT_EQ(kinds(table.apply(present(3, "wan0", true, 1400))), std::vector{EventKind::changed});
    const auto removed = table.apply(gone(3));
    ASSERT_EQ(kinds(removed), std::vector{EventKind::removed});
    EXPECT_EQ(removed.front().link.name, "wan0");
    EXPECT_TRUE(table.apply(gone(3)).empty());
    // N12: back under another index.
    EXPECT_EQ(kinds(table.apply(present(9, "wan0"))), std::vector{EventKind::appeared});
}

TEST(LinkTable, ARenamedLinkIsGoneAndNew) {
    LinkTable table;
    (void)table.apply(present(3, "eth1"));
    const auto events = table.apply(present(3, "wan0"));
    ASSERT_EQ(kinds(events), (std::vector{EventKind::removed, EventKind::appeared}));
    EXPECT_EQ(events[0].link.name, "eth1");
    EXPECT_EQ(events[1].link.name, "wan0");
}

TEST(LinkTable, ANewListShowsWhatWasLost) {
    LinkTable table;
    (void)table.apply(present(1, "lo"));
    (void)table.apply(present(2, "lan0"));
    table.begin_dump();
    EXPECT_TRUE(table.apply(present(1, "lo")).empty());
    const auto events = table.apply({Kind::dump_end, {}});
    ASSERT_EQ(kinds(events), std::vector{EventKind::removed});
    EXPECT_EQ(events.front().link.name, "lan0");
}

TEST(LinkTable, HoldsItsLimitAndNotOneMore) {
    LinkTable table;
    for (std::uint32_t index = 1; index <= kLinksMax; ++index) {
        EXPECT_EQ(table.apply(present(index, "v" + std::to_string(index))).size(), 1U);
    }
    EXPECT_TRUE(table.apply(present(kLinksMax + 1, "one-more")).empty());
    EXPECT_EQ(table.size(), kLinksMax);
    (void)table.apply(gone(1));
    EXPECT_EQ(table.apply(present(kLinksMax + 1, "one-more")).size(), 1U);
}

}  // namespace
}  // namespace towpath::port
