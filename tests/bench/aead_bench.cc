// SPDX-License-Identifier: BSD-3-Clause
// ChaCha20-Poly1305 per packet on one core, as decisions.md W15 takes it: batch 32, one key, median
// of 11 windows, beside the best of IPsec-MB's job and burst calls over its managers in the same
// run. Then smaller batches, a key per packet, and IMIX. Run it pinned: taskset -c 1 aead_bench
#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "dataplane/crypto/aead.h"
#include "dataplane/crypto/calibration.h"
#include "tests/bench/cpu_model.h"

namespace towpath::crypto {
namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kWindows = 11;
constexpr double kWindow_ns = 3e6;
constexpr std::size_t kStride_bytes = kAeadLength_max + 192;  // a packet and what is around it
constexpr std::array<std::uint32_t, 5> kLengths_bytes{64, 256, 512, 1420, 9000};
constexpr std::array kPaths{AeadPath::automatic, AeadPath::avx2, AeadPath::avx512,
                            AeadPath::avx512_ifma};

// Packets in buffers of their own and keys for them.
class Field {
public:
    Field() : storage_(kBatch * kStride_bytes), keys_(kBatch) {
        for (std::size_t index = 0; index < kBatch; ++index) {
            keys_[index].bytes()[0] = static_cast<std::byte>(index);
        }
    }
    std::span<const AeadPacket> packets(std::span<const std::uint32_t> lengths_bytes,
                                        bool has_many_keys) {
        for (std::size_t index = 0; index < lengths_bytes.size(); ++index) {
            packets_[index] = {storage_.data() + index * kStride_bytes + 64,
                               &keys_[has_many_keys ? index : 0], counter_++, lengths_bytes[index]};
        }
        return {packets_.data(), lengths_bytes.size()};
    }

private:
    std::vector<std::byte> storage_;
    std::vector<Key> keys_;
    std::array<AeadPacket, kBatch> packets_;
    std::uint64_t counter_ = 0;
};

// Median nanoseconds per packet of a call that handles `packets` of them.
template <class Call>
double measure(std::size_t packets, Call&& call) {
    using Clock = std::chrono::steady_clock;
    const auto window = [&](std::size_t calls) {
        const auto start = Clock::now();
        for (std::size_t done = 0; done < calls; ++done) {
            call();
        }
        return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    };
    (void)window(50);
    const double once_ns = window(50) / 50;
    const auto calls = static_cast<std::size_t>(kWindow_ns / once_ns) + 1;
    std::array<double, kWindows> windows{};
    for (double& value : windows) {
        value = window(calls) / static_cast<double>(calls * packets);
    }
    std::sort(windows.begin(), windows.end());
    return windows[kWindows / 2];
}

// IPsec-MB called as its users call it, over each of its managers.
class Library {
public:
    using Init = void (*)(IMB_MGR*);
    explicit Library(Init init) : manager_{alloc_mb_mgr(0)} { init(manager_); }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { free_mb_mgr(manager_); }

    void jobs(std::span<const AeadPacket> packets, bool seals) {
        for (std::size_t index = 0; index < packets.size(); ++index) {
            fill(*IMB_GET_NEXT_JOB(manager_), packets[index], index, seals);
            (void)IMB_SUBMIT_JOB_NOCHECK(manager_);
        }
        while (IMB_FLUSH_JOB(manager_) != nullptr) {
        }
        compare(packets, seals);
    }
    void burst(std::span<const AeadPacket> packets, bool seals) {
        std::array<IMB_JOB*, kBatch> jobs{};
        (void)IMB_GET_NEXT_BURST(manager_, static_cast<std::uint32_t>(packets.size()), jobs.data());
        for (std::size_t index = 0; index < packets.size(); ++index) {
            fill(*jobs[index], packets[index], index, seals);
        }
        (void)IMB_SUBMIT_BURST_NOCHECK(manager_, static_cast<std::uint32_t>(packets.size()),
                                       jobs.data());
        compare(packets, seals);
    }

private:
    void fill(IMB_JOB& job, const AeadPacket& packet, std::size_t index, bool seals) {
        auto* const text = reinterpret_cast<std::uint8_t*>(packet.data);
        std::memcpy(nonces_[index].data() + 4, &packet.counter, sizeof packet.counter);
        job.cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
        job.hash_alg = IMB_AUTH_CHACHA20_POLY1305;
        job.cipher_direction = seals ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
        job.chain_order = seals ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
        job.enc_keys = job.dec_keys = packet.key->bytes().data();
        job.key_len_in_bytes = 32;
        job.iv = nonces_[index].data();
        job.iv_len_in_bytes = 12;
        job.src = job.dst = text;
        job.cipher_start_src_offset_in_bytes = job.hash_start_src_offset_in_bytes = 0;
        job.msg_len_to_cipher_in_bytes = job.msg_len_to_hash_in_bytes = packet.length_bytes;
        job.u.CHACHA20_POLY1305.aad = nullptr;
        job.u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
        job.auth_tag_output = seals ? text + packet.length_bytes : tags_[index].data();
        job.auth_tag_output_len_in_bytes = kTag_bytes;
    }
    // Opening ends with the caller's comparison, which belongs to what is measured.
    void compare(std::span<const AeadPacket> packets, bool seals) {
        for (std::size_t index = 0; !seals && index < packets.size(); ++index) {
            wrong_ +=
                std::memcmp(tags_[index].data(), packets[index].data + packets[index].length_bytes,
                            kTag_bytes) != 0
                    ? 1U
                    : 0U;
        }
    }

    IMB_MGR* manager_;
    std::array<std::array<std::uint8_t, 12>, kBatch> nonces_{};
    std::array<std::array<std::uint8_t, kTag_bytes>, kBatch> tags_{};
    std::uint64_t wrong_ = 0;
};

struct Managers {
    std::vector<std::unique_ptr<Library>> all;
    Managers() {
        all.push_back(std::make_unique<Library>(init_mb_mgr_sse));
        if (is_supported(AeadPath::avx2)) {
            all.push_back(std::make_unique<Library>(init_mb_mgr_avx2));
        }
        if (is_supported(AeadPath::avx512)) {
            all.push_back(std::make_unique<Library>(init_mb_mgr_avx512));
        }
    }
};

double best_of_library(Managers& managers, Field& field, std::span<const std::uint32_t> lengths,
                       bool seals, bool has_many_keys = false) {
    double best_ns = 1e18;
    for (const auto& library : managers.all) {
        best_ns = std::min(best_ns, measure(lengths.size(), [&] {
                               library->jobs(field.packets(lengths, has_many_keys), seals);
                           }));
        best_ns = std::min(best_ns, measure(lengths.size(), [&] {
                               library->burst(field.packets(lengths, has_many_keys), seals);
                           }));
    }
    return best_ns;
}

double of_path(AeadPath path, Field& field, std::span<const std::uint32_t> lengths, bool seals,
               bool has_many_keys = false) {
    Aead aead = *Aead::create(path);
    if (seals) {
        return measure(lengths.size(),
                       [&] { aead.seal_batch(field.packets(lengths, has_many_keys)); });
    }
    // Opened again and again: sealed afresh each time, and what sealing costs is taken off.
    std::array<bool, kBatch> is_authentic{};
    const auto seal = [&] {
        const auto packets = field.packets(lengths, has_many_keys);
        aead.seal_batch(packets);
        return packets;
    };
    const double both_ns = measure(lengths.size(), [&] {
        aead.open_batch(seal(), std::span{is_authentic}.first(lengths.size()));
    });
    return both_ns - measure(lengths.size(), seal);
}

void print_row(Managers& managers, const std::string& label, std::span<const std::uint32_t> lengths,
               bool has_many_keys = false) {
    Field field;
    for (const bool seals : {true, false}) {
        const double library_ns = best_of_library(managers, field, lengths, seals, has_many_keys);
        std::printf("%-16s %-5s %9.1f", label.c_str(), seals ? "seal" : "open", library_ns);
        for (const AeadPath path : kPaths) {
            if (!is_supported(path)) {
                std::printf("               -");
                continue;
            }
            const double path_ns = of_path(path, field, lengths, seals, has_many_keys);
            std::printf("  %8.1f x %.2f", path_ns, path_ns / library_ns);
        }
        double bytes = 0;
        for (const std::uint32_t length : lengths) {
            bytes += length;
        }
        const double automatic_ns =
            of_path(AeadPath::automatic, field, lengths, seals, has_many_keys);
        std::printf("  %7.2f\n", bytes * 8 / static_cast<double>(lengths.size()) / automatic_ns);
        std::fflush(stdout);
    }
}

// What the first start of the data plane would find out.
void print_calibration() {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto thresholds = calibrate_aead([] {
        return static_cast<std::uint64_t>(
            std::chrono::nanoseconds{Clock::now().time_since_epoch()}.count());
    });
    const std::chrono::duration<double, std::milli> taken = Clock::now() - start;
    std::printf(
        "packets from which on %s is used, by length: calibrated %s in %.1f ms, built in %s\n",
        to_string(best_aead_path()), to_string(*thresholds).c_str(), taken.count(),
        to_string(default_thresholds(best_aead_path())).c_str());
}

void print_all() {
    Managers managers;
    std::printf("%s; ns per packet, median of %zu windows; x: to IPsec-MB's best call\n",
                bench::cpu_model().c_str(), kWindows);
    std::printf("%-16s %-5s %9s  %15s %15s %15s %15s  %7s\n", "batch", "", "ipsec-mb", "automatic",
                "avx2", "avx512", "avx512-ifma", "Gbit/s");
    for (const std::uint32_t length : kLengths_bytes) {
        const std::vector<std::uint32_t> lengths(kBatch, length);
        print_row(managers, "32 x " + std::to_string(length), lengths);
    }
    // 7 x 48, 4 x 560, 1 x 1424 bytes, as they come.
    std::vector<std::uint32_t> imix;
    for (std::size_t index = 0; index < 24; ++index) {
        const std::size_t place = index * 5 % 12;
        imix.push_back(place < 7 ? 48 : place < 11 ? 560 : 1424);
    }
    print_row(managers, "IMIX (24)", imix);
    for (const std::size_t count : {1U, 2U, 4U, 8U}) {
        for (const std::uint32_t length : {64U, 512U, 1420U}) {
            print_row(managers, std::to_string(count) + " x " + std::to_string(length),
                      std::vector<std::uint32_t>(count, length));
        }
    }
    for (const std::uint32_t length : {64U, 512U, 1420U}) {
        print_row(managers, "32 keys x " + std::to_string(length),
                  std::vector<std::uint32_t>(kBatch, length), true);
    }
}

}  // namespace
}  // namespace towpath::crypto

int main() {
    towpath::crypto::print_calibration();
    towpath::crypto::print_all();
    return 0;
}
