// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace towpath::control::cli {
namespace {

std::string rounded(double value, int decimals) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

}  // namespace

std::string grouped(std::uint64_t value) {
    std::string digits = std::to_string(value);
    for (std::size_t end = digits.size(); end > 3; end -= 3) {
        digits.insert(end - 3, " ");
    }
    return digits;
}

std::string bit_rate(double bits_per_s) {
    constexpr std::array kUnits{"b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"};
    std::size_t unit = 0;
    // What would round to 1000 is shown in the next unit.
    while (bits_per_s >= 999.5 && unit + 1 < kUnits.size()) {
        bits_per_s /= 1000;
        ++unit;
    }
    const bool has_decimal = unit > 0 && bits_per_s < 9.95;
    return rounded(bits_per_s, has_decimal ? 1 : 0) + " " + kUnits[unit];
}

std::string duration(std::uint64_t seconds) {
    const std::uint64_t days = seconds / 86400;
    const std::uint64_t hours = seconds / 3600 % 24;
    const std::uint64_t minutes = seconds / 60 % 60;
    const auto two_digits = [](std::uint64_t value) {
        return (value < 10 ? "0" : "") + std::to_string(value);
    };
    if (days > 0) {
        return std::to_string(days) + "d " + std::to_string(hours) + "h";
    }
    if (hours > 0) {
        return std::to_string(hours) + "h" + two_digits(minutes) + "m";
    }
    if (minutes > 0) {
        return std::to_string(minutes) + "m" + two_digits(seconds % 60) + "s";
    }
    return std::to_string(seconds) + "s";
}

std::string percent(double ratio) {
    return rounded(ratio * 100, 0) + "%";
}

std::string per_second(double rate) {
    if (rate >= 100) {
        return grouped(static_cast<std::uint64_t>(std::llround(rate)));
    }
    return rate < 0.05 ? "0" : rounded(rate, 1);
}

std::string binary_bytes(std::uint64_t bytes) {
    constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        return std::to_string(bytes) + " B";
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return rounded(value, 2) + " " + kUnits[unit];
}

std::string long_ago(std::uint64_t seconds) {
    struct Unit {
        std::uint64_t seconds;
        const char* name;
    };
    constexpr std::array kUnits{Unit{31'536'000, "year"}, Unit{86'400, "day"}, Unit{3600, "hour"},
                                Unit{60, "minute"}, Unit{1, "second"}};
    std::string text;
    for (const Unit& unit : kUnits) {
        const std::uint64_t count = seconds / unit.seconds;
        seconds %= unit.seconds;
        if (count != 0) {
            text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + unit.name +
                    (count == 1 ? "" : "s");
        }
    }
    return text.empty() ? "Now" : text + " ago";
}

std::string Table::text() const {
    std::vector<std::size_t> widths(columns_.size());
    for (const auto& cells : rows_) {
        for (std::size_t column = 0; column < cells.size(); ++column) {
            widths[column] = std::max(widths[column], cells[column].size());
        }
    }
    std::string text;
    for (const auto& cells : rows_) {
        std::string line;
        for (std::size_t column = 0; column < cells.size(); ++column) {
            const std::string padding(widths[column] - cells[column].size(), ' ');
            const bool is_right = columns_[column] == Align::right;
            line += (column == 0 ? "" : "  ") + (is_right ? padding : "") + cells[column] +
                    (is_right ? "" : padding);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string Palette::paint(Color color, std::string_view text) const {
    if (!is_colored_) {
        return std::string{text};
    }
    return "\033[" + std::to_string(static_cast<int>(color)) + "m" + std::string{text} + "\033[0m";
}

}  // namespace towpath::control::cli
