// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

namespace towpath::crypto {
namespace {

AeadTimings timings(AeadTimings::ByCount kernel_ns) {
    AeadTimings made;
    made.kernel_ns = kernel_ns;
    made.ipsec_mb_ns.fill(100);
    return made;
}

TEST(Calibration, TheSmallestBatchFromWhichTheKernelWins) {
    static_assert(kCalibrationCounts == std::array<std::uint8_t, 6>{1, 2, 3, 4, 6, 8});
    EXPECT_EQ(packets_min_of(timings({90, 80, 70, 60, 50, 40})), 1);
    EXPECT_EQ(packets_min_of(timings({300, 150, 90, 80, 50, 40})), 3);
    EXPECT_EQ(packets_min_of(timings({300, 150, 110, 105, 101, 99})), 8);
    EXPECT_EQ(packets_min_of(timings({90, 80, 70, 60, 50, 100})), 0);
    EXPECT_EQ(packets_min_of(timings({300, 90, 110, 95, 90, 80})), 4);
}

// A clock that says the limit is over at once: what is not measured keeps the defaults.
TEST(Calibration, EndsWithItsTime) {
    std::uint64_t now_ns = 0;
    const auto thresholds = calibrate_aead([&now_ns] { return now_ns += kCalibrationLimit_ns; });
    ASSERT_TRUE(thresholds.has_value());
    EXPECT_EQ(*thresholds, default_thresholds(best_aead_path()));
}

// A clock that moves by the same at every reading: all batches take the same time, so larger ones
// take less per packet on both sides, and nothing is faster than its equal.
TEST(Calibration, NothingWinsATie) {
    std::uint64_t now_ns = 0;
    const auto thresholds = calibrate_aead([&now_ns] { return ++now_ns; });
    ASSERT_TRUE(thresholds.has_value());
    EXPECT_EQ(*thresholds, AeadThresholds{});
}

TEST(Calibration, TextAndBack) {
    const AeadCalibration made{
        "Some CPU @ 2.00GHz", "0123abcd", AeadPath::avx512_ifma, {{1, 2, 3, 4, 6, 8, 64, 0}}};
    EXPECT_EQ(to_text(made),
              "towpath AEAD thresholds 1\ncpu: Some CPU @ 2.00GHz\nbuild: 0123abcd\n"
              "path: avx512-ifma\npackets: 1 2 3 4 6 8 64 0\n");
    const auto read = parse_aead_calibration(to_text(made));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, made);
}

TEST(Calibration, RefusesOtherText) {
    const std::string good = to_text({"cpu", "build", AeadPath::avx2, {}});
    ASSERT_TRUE(parse_aead_calibration(good).has_value());
    EXPECT_EQ(parse_aead_calibration(""), tl::unexpected{Error::bad_magic});
    EXPECT_EQ(parse_aead_calibration("towpath AEAD thresholds 2" + good.substr(25)),
              tl::unexpected{Error::bad_magic});
    const auto with = [&good](std::string_view from, std::string_view to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    for (const std::string& bad :
         {good + "more\n", good.substr(0, good.size() - 1), with("cpu: ", "cpu:"),
          with("build", "built"), with("avx2", "avx3"), with("0 0", "0  0"), with("0 0", "0 65"),
          with("0 0", "0 -1"), with("0 0", "0"), with("0 0", "0 0 0"), with("0 0", "0 256")}) {
        EXPECT_EQ(parse_aead_calibration(bad), tl::unexpected{Error::bad_value}) << bad;
    }
}

TEST(Calibration, HoldsForOneCpuAndOneProgram) {
    AeadCalibration made{cpu_model(), "build", best_aead_path(), {}};
    EXPECT_TRUE(is_for_this_cpu(made, "build"));
    EXPECT_FALSE(is_for_this_cpu(made, "another build"));
    made.cpu_model += "2";
    EXPECT_FALSE(is_for_this_cpu(made, "build"));
    made.cpu_model = cpu_model();
    made.path = AeadPath::automatic;
    EXPECT_FALSE(is_for_this_cpu(made, "build"));
}

TEST(AeadPath, NamesAndBack) {
    for (const AeadPath path : {AeadPath::automatic, AeadPath::ipsec_mb, AeadPath::avx2,
                                AeadPath::avx512, AeadPath::avx512_ifma}) {
        EXPECT_EQ(parse_aead_path(to_string(path)), path);
    }
    EXPECT_EQ(parse_aead_path("AVX2"), std::nullopt);
    EXPECT_EQ(parse_aead_path(""), std::nullopt);
}

// A packet of a class that never uses the kernel is right as well.
TEST(AeadThresholds, MayBeGiven) {
    for (const std::uint8_t packets_min : std::array<std::uint8_t, 3>{0, 1, 2}) {
        AeadThresholds thresholds;
        thresholds.packets_min.fill(packets_min);
        auto aead = Aead::create(thresholds);
        ASSERT_TRUE(aead.has_value());
        EXPECT_EQ(aead->thresholds(), thresholds);
        const Key key;
        std::array<std::byte, 100 + kTag_bytes> text{};
        const AeadPacket packet{text.data(), &key, 3, 100};
        aead->seal_batch({&packet, 1});
        bool is_authentic = false;
        aead->open_batch({&packet, 1}, {&is_authentic, 1});
        EXPECT_TRUE(is_authentic);
        EXPECT_TRUE(std::all_of(text.begin(), text.begin() + 100,
                                [](std::byte value) { return value == std::byte{}; }));
    }
}

}  // namespace
}  // namespace towpath::crypto
