// SPDX-License-Identifier: BSD-3-Clause
// Numbers and tables as an operator reads them: digits in groups of three, rates and times in units
// that fit, columns that line up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace towpath::control::cli {

// 1 204 991
[[nodiscard]] std::string grouped(std::uint64_t value);
// 3.8 Gb/s
[[nodiscard]] std::string bit_rate(double bits_per_s);
// 12d 4h, 4h11m, 2m05s, 9s
[[nodiscard]] std::string duration(std::uint64_t seconds);
// 11%
[[nodiscard]] std::string percent(double ratio);
// 3.5, 0
[[nodiscard]] std::string per_second(double rate);

// 1.23 KiB, as `wg show` has it
[[nodiscard]] std::string binary_bytes(std::uint64_t bytes);
// "1 minute, 3 seconds ago", "Now": likewise
[[nodiscard]] std::string long_ago(std::uint64_t seconds);

enum class Align : std::uint8_t { left, right };

// Rows of cells in columns two spaces apart; the last column is not padded. Cells count in bytes:
// what is shown is ASCII.
class Table {
public:
    explicit Table(std::vector<Align> columns) : columns_{std::move(columns)} {}
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    [[nodiscard]] std::string text() const;

private:
    std::vector<Align> columns_;
    std::vector<std::vector<std::string>> rows_;
};

enum class Color : std::uint8_t { red = 31, green = 32, yellow = 33, bold = 1 };

// Plain text unless colours are wanted.
class Palette {
public:
    explicit Palette(bool is_colored) : is_colored_{is_colored} {}
    [[nodiscard]] std::string paint(Color color, std::string_view text) const;

private:
    bool is_colored_;
};

}  // namespace towpath::control::cli
