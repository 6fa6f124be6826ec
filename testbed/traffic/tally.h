// SPDX-License-Identifier: BSD-3-Clause
// What arrived: each sequence number once, its latency, repetitions and disorder. Sized at the
// start from the number of frames that will be sent; a number beyond that is counted as foreign.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace towpath::testbed {

class Tally {
public:
    explicit Tally(std::size_t sequence_count);
    void take(std::uint32_t sequence, std::uint64_t latency_ns);

    [[nodiscard]] std::uint64_t received() const noexcept { return latencies_ns_.size(); }
    [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
    // Arrived after a later one.
    [[nodiscard]] std::uint64_t disordered() const noexcept { return disordered_; }
    [[nodiscard]] std::uint64_t foreign() const noexcept { return foreign_; }
    // The latency that a fraction (0 to 1) of the received frames did not exceed; 0 for none.
    [[nodiscard]] std::uint64_t latency_quantile_ns(double fraction);
    // The longest run of sequence numbers that never arrived, below `sent`.
    [[nodiscard]] std::uint64_t longest_gap(std::uint64_t sent) const noexcept;

private:
    std::vector<bool> seen_;
    std::vector<std::uint32_t> latencies_ns_;
    std::uint64_t repeated_ = 0;
    std::uint64_t disordered_ = 0;
    std::uint64_t foreign_ = 0;
    std::uint32_t highest_ = 0;
};

}  // namespace towpath::testbed
