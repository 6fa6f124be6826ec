// SPDX-License-Identifier: BSD-3-Clause
// Capture files (pcap, microsecond time stamps, Ethernet) for tests that replay and capture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

namespace towpath::builders {

using CapturedFrames = std::vector<std::vector<std::byte>>;

inline void write_capture(const std::filesystem::path& path, const CapturedFrames& frames) {
    std::ofstream file{path, std::ios::binary};
    const auto put = [&file](const auto& value) {
        file.write(reinterpret_cast<const char*>(&value), sizeof value);
    };
    put(std::array<std::uint32_t, 6>{0xA1B2C3D4, 0x00040002, 0, 0, 65535, 1});
    for (const auto& frame : frames) {
        const auto length = static_cast<std::uint32_t>(frame.size());
        put(std::array<std::uint32_t, 4>{1, 0, length, length});
        file.write(reinterpret_cast<const char*>(frame.data()), length);
    }
}

inline CapturedFrames read_capture(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    file.seekg(24);
    CapturedFrames frames;
    std::array<std::uint32_t, 4> header{};
    while (file.read(reinterpret_cast<char*>(header.data()), sizeof header)) {
        frames.emplace_back(header[2]);
        file.read(reinterpret_cast<char*>(frames.back().data()), header[2]);
    }
    return frames;
}

}  // namespace towpath::builders
