// SPDX-License-Identifier: BSD-3-Clause
// The packets of one burst and the lane that each is in. A packet is in exactly one lane at any
// time. Packets are not RAII: they leave through an exit lane, and is_conserved() replaces
// destructors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/packet/packet.h"
#include "dataplane/wire/assertion.h"

namespace towpath {

inline constexpr std::size_t kBurstMax = 32;        // received at once
inline constexpr std::size_t kBatchCapacity = 128;  // with what stages release and originate
inline constexpr std::size_t kSparesMax = 16;

using PacketIndex = std::uint8_t;  // into a Batch

class PacketList {
public:
    void push(PacketIndex index) noexcept {
        TOWPATH_DEBUG_ASSERT(size_ < kBatchCapacity);
        indexes_[size_++] = index;
    }
    void clear() noexcept { size_ = 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] PacketIndex operator[](std::size_t position) const noexcept {
        return indexes_[position];
    }
    [[nodiscard]] const PacketIndex* begin() const noexcept { return indexes_.data(); }
    [[nodiscard]] const PacketIndex* end() const noexcept { return indexes_.data() + size_; }

private:
    std::array<PacketIndex, kBatchCapacity> indexes_;
    std::size_t size_ = 0;
};

class Batch {
public:
    // Empties the batch. Spares stay.
    void clear() noexcept {
        size_ = 0;
        originated_count_ = 0;
        for (PacketList& lane : lanes_) {
            lane.clear();
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t room() const noexcept { return kBatchCapacity - size_; }
    [[nodiscard]] Packet& operator[](PacketIndex index) noexcept { return packets_[index]; }
    [[nodiscard]] const Packet& operator[](PacketIndex index) const noexcept {
        return packets_[index];
    }

    // Where the caller writes packets that it then admits; `room()` of them.
    [[nodiscard]] std::span<Packet> free_slots() noexcept {
        return {packets_.data() + size_, room()};
    }
    // Takes the first `count` of free_slots() into `lane`.
    void admit(std::size_t count, Lane lane) noexcept {
        TOWPATH_ASSERT(count <= room());
        for (std::size_t taken = 0; taken < count; ++taken) {
            this->lane(lane).push(static_cast<PacketIndex>(size_++));
        }
    }
    // Takes one packet (released from a hold queue, or handed over) into `lane`. False when full.
    [[nodiscard]] bool admit(const Packet& packet, Lane lane) noexcept {
        if (room() == 0) {
            return false;
        }
        packets_[size_] = packet;
        this->lane(lane).push(static_cast<PacketIndex>(size_++));
        return true;
    }

    [[nodiscard]] PacketList& lane(Lane lane) noexcept {
        return lanes_[static_cast<std::size_t>(lane)];
    }
    [[nodiscard]] const PacketList& lane(Lane lane) const noexcept {
        return lanes_[static_cast<std::size_t>(lane)];
    }
    // A stage reads its own lane from begin to end, puts every index into another, then clears its
    // own.
    void put(PacketIndex index, Lane lane) noexcept { this->lane(lane).push(index); }
    // Cold, as reject(): what leaves this way must not spread through the loops of a stage.
    [[gnu::cold, gnu::noinline]] void drop(PacketIndex index, DropReason reason) noexcept {
        packets_[index].verdict = reason;
        put(index, Lane::drop);
    }
    void hand_off(PacketIndex index, std::uint8_t worker, Lane resume) noexcept {
        packets_[index].target_worker = worker;
        packets_[index].resume = resume;
        put(index, Lane::hand_off);
    }
    // Asks icmp_error_stage to turn the packet into an ICMP error to its source; if that may not be
    // sent (nat-behaviour.md 16.3) the packet is dropped for `reason`. Counts as a drop either way.
    [[gnu::cold, gnu::noinline]] void reject(PacketIndex index, DropReason reason,
                                             std::uint8_t icmp_type, std::uint8_t icmp_code,
                                             std::uint16_t icmp_mtu_bytes = 0) noexcept {
        packets_[index].note_rejection(reason, icmp_type, icmp_code, icmp_mtu_bytes);
        put(index, Lane::icmp_error);
    }
    // The same for an IPv6 packet and ICMPv6 (RFC 4443).
    [[gnu::cold, gnu::noinline]] void reject6(PacketIndex index, DropReason reason,
                                              std::uint8_t icmp_type, std::uint8_t icmp_code,
                                              std::uint16_t icmp_mtu_bytes = 0) noexcept {
        packets_[index].note_rejection(reason, icmp_type, icmp_code, icmp_mtu_bytes);
        put(index, Lane::icmp6_error);
    }

    // Empty buffers for packets that stages originate, filled before the burst by who owns buffers.
    void add_spare(const Packet& packet) noexcept {
        TOWPATH_ASSERT(spare_count_ < kSparesMax);
        spares_[spare_count_++] = packet;
    }
    [[nodiscard]] std::size_t spare_count() const noexcept { return spare_count_; }
    [[nodiscard]] std::span<Packet> spares() noexcept { return {spares_.data(), spare_count_}; }
    void clear_spares() noexcept { spare_count_ = 0; }
    // A packet with an empty window (head room kept), in no lane yet: the caller fills it and puts
    // it into one. Nothing when there is no spare or no room.
    [[nodiscard]] std::optional<PacketIndex> originate() noexcept {
        if (spare_count_ == 0 || room() == 0) {
            return std::nullopt;
        }
        packets_[size_] = spares_[--spare_count_];
        packets_[size_].is_originated = true;
        ++originated_count_;
        return static_cast<PacketIndex>(size_++);
    }

    // Since the last clear().
    [[nodiscard]] std::size_t originated_count() const noexcept { return originated_count_; }

    // Every packet is in exactly one exit lane: what came in has gone out.
    [[nodiscard]] bool is_conserved() const noexcept {
        std::size_t left = 0;
        for (std::size_t exit = static_cast<std::size_t>(Lane::transmit); exit < kLaneCount;
             ++exit) {
            left += lanes_[exit].size();
        }
        return left == size_;
    }

private:
    std::array<Packet, kBatchCapacity> packets_{};
    std::array<PacketList, kLaneCount> lanes_{};
    std::array<Packet, kSparesMax> spares_{};
    std::size_t size_ = 0;
    std::size_t spare_count_ = 0;
    std::size_t originated_count_ = 0;
};

}  // namespace towpath
