// SPDX-License-Identifier: BSD-3-Clause
// A hash index from keys to entries: buckets of one cache line with twelve one-byte signatures and
// twelve entry numbers. Knows no keys: the caller compares. One writer, any number of readers.
//
// A full bucket sends what comes after it to the next one and counts it, so that a reader goes on
// only where something went by. An insert looks at kProbeMax buckets; sized by bucket_count(), that
// never fails below the stated number of entries (tests/unit/nat/bucket_index_test.cc).
#pragma once

#include <emmintrin.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/nat/mapping.h"
#include "dataplane/wire/assertion.h"

namespace towpath::nat {

class BucketIndex {
public:
    static constexpr std::size_t kSlots = 12;
    static constexpr std::size_t kProbeMax = 64;
    // Of a number in a bucket: the entry is unpublished, its place not yet free.
    static constexpr EntryIndex kUnpublished = EntryIndex{1} << 31U;

    struct alignas(64) Bucket {
        // Signatures 0 to 7; signatures 8 to 11 and, above them, how many entries went by.
        std::array<std::atomic<std::uint64_t>, 2> words{};
        std::array<std::atomic<EntryIndex>, kSlots> entries{};
    };
    static_assert(sizeof(Bucket) == 64);

    // Seven and a half entries per bucket of twelve.
    [[nodiscard]] static constexpr std::size_t bucket_count(std::size_t entries) noexcept {
        return entries * 2 / 15 + kProbeMax;
    }

    BucketIndex() = default;
    BucketIndex(Bucket* buckets, std::size_t count) noexcept
        : buckets_{buckets}, home_count_{static_cast<std::uint32_t>(count - kProbeMax)} {}

    void prefetch(std::uint32_t hash) const noexcept { __builtin_prefetch(home(hash)); }

    // The first entry whose signature fits, without looking at it: what to fetch next. May be wrong
    // or none.
    [[nodiscard]] EntryIndex guess(std::uint32_t hash) const noexcept {
        const Bucket& bucket = *home(hash);
        for (unsigned hits = matches(bucket, hash); hits != 0; hits &= hits - 1) {
            const EntryIndex entry =
                bucket.entries[static_cast<std::size_t>(std::countr_zero(hits))].load(
                    std::memory_order_acquire);
            if (entry != kNoEntry && entry < kUnpublished) {
                return entry;
            }
        }
        return kNoEntry;
    }

    // The published entry for which `is_it(entry)` holds, or kNoEntry.
    template <class Predicate>
    [[nodiscard]] EntryIndex find(std::uint32_t hash, const Predicate& is_it) const noexcept {
        const Bucket* bucket = home(hash);
        for (std::size_t probe = 0; probe < kProbeMax; ++probe, ++bucket) {
            for (unsigned hits = matches(*bucket, hash); hits != 0; hits &= hits - 1) {
                const auto slot = static_cast<std::size_t>(std::countr_zero(hits));
                const EntryIndex entry = bucket->entries[slot].load(std::memory_order_acquire);
                if (entry != kNoEntry && entry < kUnpublished && is_it(entry)) {
                    return entry;
                }
            }
            if (passed_by(*bucket) == 0) {
                break;
            }
        }
        return kNoEntry;
    }

    // Writer only, as all below. False when kProbeMax buckets are full.
    [[nodiscard]] bool insert(std::uint32_t hash, EntryIndex entry) noexcept {
        Bucket* bucket = home(hash);
        for (std::size_t probe = 0; probe < kProbeMax; ++probe, ++bucket) {
            for (std::size_t slot = 0; slot < kSlots; ++slot) {
                if (bucket->entries[slot].load(std::memory_order_relaxed) != kNoEntry) {
                    continue;
                }
                for (Bucket* before = home(hash); before != bucket; ++before) {
                    add_passed_by(*before, 1);
                }
                set_signature(*bucket, slot, signature(hash));
                bucket->entries[slot].store(entry, std::memory_order_release);
                return true;
            }
        }
        return false;
    }
    // Readers that come now do not find it.
    void unpublish(std::uint32_t hash, EntryIndex entry) noexcept {
        locate(hash, entry)->store(entry | kUnpublished, std::memory_order_release);
    }
    void republish(std::uint32_t hash, EntryIndex entry) noexcept {
        locate(hash, entry | kUnpublished)->store(entry, std::memory_order_release);
    }
    // Frees the place of an unpublished entry.
    void erase(std::uint32_t hash, EntryIndex entry) noexcept {
        Bucket* found = nullptr;
        locate(hash, entry | kUnpublished, &found)->store(kNoEntry, std::memory_order_release);
        for (Bucket* before = home(hash); before != found; ++before) {
            add_passed_by(*before, -1);
        }
    }

private:
    [[nodiscard]] static std::uint8_t signature(std::uint32_t hash) noexcept {
        return static_cast<std::uint8_t>(hash);
    }
    [[nodiscard]] Bucket* home(std::uint32_t hash) const noexcept {
        return buckets_ + (std::uint64_t{hash} * home_count_ >> 32U);
    }
    [[nodiscard]] static unsigned matches(const Bucket& bucket, std::uint32_t hash) noexcept {
        const __m128i signatures =
            _mm_set_epi64x(static_cast<long long>(bucket.words[1].load(std::memory_order_relaxed)),
                           static_cast<long long>(bucket.words[0].load(std::memory_order_relaxed)));
        const __m128i wanted = _mm_set1_epi8(static_cast<char>(signature(hash)));
        return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(signatures, wanted))) &
               0xFFFU;
    }
    [[nodiscard]] static std::uint32_t passed_by(const Bucket& bucket) noexcept {
        return static_cast<std::uint32_t>(bucket.words[1].load(std::memory_order_relaxed) >> 32U);
    }
    static void add_passed_by(Bucket& bucket, int amount) noexcept {
        const std::uint64_t word = bucket.words[1].load(std::memory_order_relaxed);
        const std::uint64_t count = (word >> 32U) + static_cast<std::uint64_t>(amount);
        bucket.words[1].store((word & 0xFFFFFFFFU) | count << 32U, std::memory_order_relaxed);
    }
    static void set_signature(Bucket& bucket, std::size_t slot, std::uint8_t value) noexcept {
        std::atomic<std::uint64_t>& word = bucket.words[slot / 8];
        const unsigned shift = static_cast<unsigned>(slot % 8) * 8;
        const std::uint64_t cleared =
            word.load(std::memory_order_relaxed) & ~(std::uint64_t{0xFF} << shift);
        word.store(cleared | std::uint64_t{value} << shift, std::memory_order_relaxed);
    }
    // The place of an entry that is there; anything else is a bug.
    [[nodiscard]] std::atomic<EntryIndex>* locate(std::uint32_t hash, EntryIndex number,
                                                  Bucket** found = nullptr) noexcept {
        Bucket* bucket = home(hash);
        for (std::size_t probe = 0; probe < kProbeMax; ++probe, ++bucket) {
            for (std::atomic<EntryIndex>& entry : bucket->entries) {
                if (entry.load(std::memory_order_relaxed) == number) {
                    if (found != nullptr) {
                        *found = bucket;
                    }
                    return &entry;
                }
            }
        }
        assertion_failed("the entry is in the index", __FILE__, __LINE__);
    }

    Bucket* buckets_ = nullptr;
    std::uint32_t home_count_ = 1;
};

}  // namespace towpath::nat
