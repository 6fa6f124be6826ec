// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/drop_reason.h"

#include <gtest/gtest.h>

#include <set>

namespace towpath {
namespace {

TEST(DropReasonText, NamesAreDistinctSnakeCaseAndEachHasASentence) {
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < kDropReasonCount; ++index) {
        const DropReasonText& text = describe(static_cast<DropReason>(index));
        EXPECT_TRUE(names.insert(text.name).second) << text.name;
        EXPECT_EQ(text.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
                  std::string_view::npos)
            << text.name;
        EXPECT_GT(text.help.size(), 20U) << text.name;
        EXPECT_EQ(text.help.back(), '.') << text.name;
    }
}

}  // namespace
}  // namespace towpath
