// SPDX-License-Identifier: BSD-3-Clause
// Every cell of the table of nat-behaviour.md section 8 that is not a CLOSED or HELD row (M-02).
#include "dataplane/nat/tcp_tracker.h"

#include <gtest/gtest.h>

namespace towpath::nat {
namespace {

using enum SessionState;
constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;
constexpr std::uint8_t kFinAck = kTcpFin | kTcpAck;
constexpr Side kIn = Side::inside;
constexpr Side kOut = Side::outside;

struct Cell {
    SessionState state;
    Side side;
    std::uint8_t flags;
    SessionState next;
    bool restarts;
};

class TcpTable : public testing::TestWithParam<Cell> {};

TEST_P(TcpTable, M02) {
    const Cell& cell = GetParam();
    const TcpStep step = tcp_step(cell.state, cell.side, cell.flags);
    EXPECT_EQ(step.next, cell.next);
    EXPECT_EQ(step.restarts_timer, cell.restarts);
}

INSTANTIATE_TEST_SUITE_P(InitInside, TcpTable,
                         testing::Values(Cell{init_inside, kOut, kTcpSyn, established, true},
                                         Cell{init_inside, kOut, kSynAck, established, true},
                                         Cell{init_inside, kIn, kTcpSyn, init_inside, true},
                                         Cell{init_inside, kOut, kTcpRst, init_inside, false},
                                         Cell{init_inside, kIn, kTcpAck, init_inside, false},
                                         Cell{init_inside, kOut, kFinAck, init_inside, false}));
INSTANTIATE_TEST_SUITE_P(InitOutside, TcpTable,
                         testing::Values(Cell{init_outside, kIn, kTcpSyn, established, true},
                                         Cell{init_outside, kIn, kSynAck, established, true},
                                         Cell{init_outside, kOut, kTcpSyn, init_outside, true},
                                         Cell{init_outside, kIn, kTcpRst, init_outside, false},
                                         Cell{init_outside, kOut, kTcpAck, init_outside, false}));
INSTANTIATE_TEST_SUITE_P(
    Established, TcpTable,
    testing::Values(Cell{established, kIn, kFinAck, fin_inside, true},
                    Cell{established, kOut, kFinAck, fin_outside, true},
                    Cell{established, kIn, kTcpRst, transitory, true},
                    Cell{established, kOut, kTcpRst | kTcpAck, transitory, true},
                    Cell{established, kIn, kTcpAck, established, true},
                    Cell{established, kOut, kTcpAck | kTcpUrg, established, true},
                    Cell{established, kIn, kTcpSyn, established, true}));
INSTANTIATE_TEST_SUITE_P(HalfClosed, TcpTable,
                         testing::Values(Cell{fin_inside, kOut, kFinAck, fin_both, true},
                                         Cell{fin_inside, kIn, kFinAck, fin_inside, true},
                                         Cell{fin_inside, kOut, kTcpAck, fin_inside, true},
                                         Cell{fin_inside, kIn, kTcpRst, transitory, true},
                                         Cell{fin_outside, kIn, kFinAck, fin_both, true},
                                         Cell{fin_outside, kOut, kFinAck, fin_outside, true},
                                         Cell{fin_outside, kIn, kTcpAck, fin_outside, true},
                                         Cell{fin_outside, kOut, kTcpRst, transitory, true}));
INSTANTIATE_TEST_SUITE_P(Closed, TcpTable,
                         testing::Values(Cell{fin_both, kIn, kTcpAck, fin_both, false},
                                         Cell{fin_both, kOut, kTcpRst, fin_both, false},
                                         Cell{fin_both, kIn, kTcpSyn, init_inside, true},
                                         Cell{fin_both, kOut, kTcpSyn, init_outside, true},
                                         Cell{transitory, kIn, kTcpSyn, init_inside, true},
                                         Cell{transitory, kOut, kTcpSyn, init_outside, true},
                                         Cell{transitory, kOut, kTcpRst, transitory, false},
                                         Cell{transitory, kIn, kTcpAck, established, true}));

}  // namespace
}  // namespace towpath::nat
