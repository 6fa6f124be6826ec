// SPDX-License-Identifier: BSD-3-Clause
// What arrives at the gateway of flood_bench: when, in a receive ring that can be full, and the
// frames themselves.
#pragma once

#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/flood_ends.h"
#include "tests/builders/tunnel_gateway.h"

namespace towpath::bench {

using namespace builders;
using wireguard::TransportHeader;

inline constexpr PeerId kPeers = 24;
inline constexpr std::size_t kInner_bytes = 64;

enum class Kind : std::uint8_t { data_in, data_out, flood, handshake, count };
enum class Flood : std::uint8_t { none, bad_mac1, valid_mac1, bad_tag };

inline IpEndpoint far_endpoint(PeerId peer) {
    return {Ipv4Address{0xC633640AU + peer}, kTunnelPort};  // 198.51.100.10 and on
}
inline std::string inner_address(PeerId peer) {
    return "10.99.0." + std::to_string(peer + 10);
}

// What waits to be received, and when more comes. Packets are made when they are taken out.
class ReceiveRing {
public:
    static constexpr std::size_t kDescriptors = 1024;
    struct Stream {
        Duration::rep interval_ps = 0;  // 0: nothing comes
        Duration::rep next_ps = 0;
        std::uint64_t offered = 0;
        std::uint64_t lost = 0;
    };
    void set_rate(Kind kind, double pps, Now now) {
        Stream& one = stream(kind);
        one.interval_ps = pps == 0 ? 0 : static_cast<Duration::rep>(1e12 / pps);
        one.next_ps = now.time_since_epoch().count() * 1000;
    }
    Stream& stream(Kind kind) { return streams_[static_cast<std::size_t>(kind)]; }

    struct Handshake {
        Now at;  // not before that of the one before
        IpEndpoint sender;
        machine::HandshakePacket packet;
    };
    void expect(const Handshake& handshake) { expected_.push_back(handshake); }
    // That of the packet of its kind that take() gave last.
    Handshake take_handshake() {
        const Handshake handshake = received_.front();
        received_.pop_front();
        return handshake;
    }

    // Everything that has arrived by then, in order.
    void advance(Now now) {
        for (; !expected_.empty() && expected_.front().at <= now; expected_.pop_front()) {
            advance_streams(expected_.front().at);
            if (put(Kind::handshake)) {
                received_.push_back(expected_.front());
            }
        }
        advance_streams(now);
    }
    bool put(Kind kind) {
        ++stream(kind).offered;
        if (size_ == kDescriptors) {
            ++stream(kind).lost;
            return false;
        }
        kinds_[(first_ + size_++) % kDescriptors] = kind;
        return true;
    }
    // When the next packet comes; the end of time if none does.
    [[nodiscard]] Now next_arrival() const {
        Duration::rep first_ps = std::numeric_limits<Duration::rep>::max();
        for (const Stream& one : streams_) {
            first_ps = one.interval_ps != 0 ? std::min(first_ps, one.next_ps) : first_ps;
        }
        const Now first{Duration{first_ps / 1000 + 1}};
        return expected_.empty() ? first : std::min(first, expected_.front().at);
    }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    Kind take() {
        const Kind kind = kinds_[first_];
        first_ = (first_ + 1) % kDescriptors;
        --size_;
        return kind;
    }
    // Everything that is still to come comes later.
    void postpone(Duration by) {
        for (Stream& one : streams_) {
            one.next_ps += by.count() * 1000;
        }
        for (Handshake& handshake : expected_) {
            handshake.at += by;
        }
    }
    void forget_streams() {
        for (Stream& one : streams_) {
            one = {};
        }
    }
    void forget() {
        forget_streams();
        expected_.clear();
        received_.clear();
        size_ = 0;
    }

private:
    void advance_streams(Now now) {
        const Duration::rep until = now.time_since_epoch().count() * 1000;
        for (;;) {
            std::size_t first = streams_.size();
            for (std::size_t kind = 0; kind < streams_.size(); ++kind) {
                if (streams_[kind].interval_ps != 0 && streams_[kind].next_ps <= until &&
                    (first == streams_.size() ||
                     streams_[kind].next_ps < streams_[first].next_ps)) {
                    first = kind;
                }
            }
            if (first == streams_.size()) {
                return;
            }
            streams_[first].next_ps += streams_[first].interval_ps;
            static_cast<void>(put(static_cast<Kind>(first)));
        }
    }
    std::array<Stream, static_cast<std::size_t>(Kind::count)> streams_;
    std::deque<Handshake> expected_;
    std::deque<Handshake> received_;  // those in the ring
    std::array<Kind, kDescriptors> kinds_{};
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

// The frames that arrive, made from templates outside of the timed region.
class Traffic {
public:
    // `mac1_key` is the gateway's.
    Traffic(std::vector<std::unique_ptr<FarPeer>>& peers, const crypto::Hash& mac1_key)
        : peers_{peers}, mac1_key_{mac1_key} {
        for (PeerId peer = 0; peer < kPeers; ++peer) {
            const std::string inner = inner_address(peer);
            out_.push_back(udp({.destination = inner, .payload_bytes = kInner_bytes - 28}));
            inner_.push_back(udp(
                {.source = inner, .destination = "10.77.1.2", .payload_bytes = kInner_bytes - 28}));
        }
        for (std::size_t count = 0; count < kMessages; ++count) {
            messages_.emplace_back(random_bytes(sizeof(wireguard::Initiation)));
            *header_at<le32>(std::span<std::byte>{messages_.back()}, 0) =
                wireguard::type_word(wireguard::MessageType::initiation);
        }
    }
    void set_flood(Flood flood) {
        flood_ = flood;
        for (std::vector<std::byte>& message : messages_) {
            if (flood == Flood::valid_mac1) {
                write_mac1(message, mac1_key_);
            }
        }
    }

    Packet make(Kind kind, ReceiveRing& ring, BufferRing& buffers) {
        Packet packet = buffers.next();
        switch (kind) {
            case Kind::data_out:
                copy(packet, out_[next_out_++ % kPeers].bytes());
                packet.ingress = kInside;
                break;
            case Kind::data_in:
                transport(packet, next_in_++ % kPeers);
                break;
            case Kind::handshake: {
                const ReceiveRing::Handshake handshake = ring.take_handshake();
                datagram(packet, handshake.sender, handshake.packet.view());
                break;
            }
            default:
                flood(packet);
        }
        return packet;
    }
    // Seals what transport() left open, as one batch of the peers'.
    void seal() {
        aead_.seal_batch({to_seal_.data(), to_seal_.size()});
        to_seal_.clear();
    }

private:
    static constexpr std::size_t kMessages = 4096;

    static void copy(Packet& packet, std::span<const std::byte> bytes) {
        packet.length = static_cast<std::uint16_t>(bytes.size());
        std::ranges::copy(bytes, packet.bytes().begin());
    }
    // An outer frame around `message`, without a UDP checksum.
    void datagram(Packet& packet, const IpEndpoint& source, std::span<const std::byte> message) {
        const std::size_t payload_bytes = sizeof(UdpHeader) + message.size();
        packet.length = static_cast<std::uint16_t>(34 + payload_bytes);
        packet.ingress = kOutside;
        packet.header<EthernetHeader>(0) = {kOutsideMac, kRouterMac, be16{kEtherTypeIpv4}};
        auto& ip = packet.header<Ipv4Header>(14);
        ip = {};
        ip.version_and_ihl = 0x45;
        ip.total_length_bytes = be16{static_cast<std::uint16_t>(20 + payload_bytes)};
        ip.ttl = 64;
        ip.protocol = 17;
        ip.source = source.address.ipv4().wire();
        ip.destination = kGatewayEndpoint.address.ipv4().wire();
        ip.checksum = full_checksum(packet.bytes().subspan(14, 20));
        packet.header<UdpHeader>(34) = {source.port.wire(), kGatewayEndpoint.port.wire(),
                                        be16{static_cast<std::uint16_t>(payload_bytes)}, be16{}};
        std::ranges::copy(message, packet.bytes().begin() + 42);
    }
    void transport(Packet& packet, PeerId peer) {
        FarPeer& from = *peers_[peer];
        std::array<std::byte, wireguard::kTransportLength_min_bytes + kInner_bytes> message{};
        *header_at<TransportHeader>(std::span<std::byte>{message}, 0) = {
            wireguard::type_word(wireguard::MessageType::transport_data), le32{from.remote_index},
            le64{from.counter}};
        std::ranges::copy(inner_[peer].bytes().subspan(14),
                          message.begin() + sizeof(TransportHeader));
        datagram(packet, from.endpoint(), message);
        to_seal_.push_back({packet.data() + 42 + sizeof(TransportHeader), &from.send_key,
                            from.counter++, static_cast<std::uint32_t>(kInner_bytes)});
    }
    void flood(Packet& packet) {
        const auto drawn = static_cast<std::uint32_t>(random_());
        const IpEndpoint source{Ipv4Address{0xCB007100U + (drawn & 0xFFU)},  // 203.0.113.0/24
                                Port{static_cast<std::uint16_t>(drawn >> 16U | 1U)}};
        if (flood_ != Flood::bad_tag) {
            datagram(packet, source, messages_[next_message_++ % kMessages]);
            return;
        }
        // Of a session that there is, and a counter that nobody has used.
        const FarPeer& victim = *peers_[next_message_++ % kPeers];
        std::array<std::byte, wireguard::kTransportLength_min_bytes + kInner_bytes> message{};
        std::memcpy(message.data(), messages_[drawn % kMessages].data(), message.size());
        *header_at<TransportHeader>(std::span<std::byte>{message}, 0) = {
            wireguard::type_word(wireguard::MessageType::transport_data), le32{victim.remote_index},
            le64{victim.counter + (1U << 20U) + drawn % 4096U}};
        datagram(packet, source, message);
    }
    std::vector<std::byte> random_bytes(std::size_t length_bytes) {
        std::vector<std::byte> bytes(length_bytes);
        std::ranges::generate(bytes, [this] { return static_cast<std::byte>(random_()); });
        return bytes;
    }

    std::vector<std::unique_ptr<FarPeer>>& peers_;
    crypto::Hash mac1_key_;
    std::vector<Frame> out_;
    std::vector<Frame> inner_;
    std::vector<std::vector<std::byte>> messages_;
    std::vector<crypto::AeadPacket> to_seal_;
    crypto::Aead aead_ = std::move(*crypto::Aead::create());
    std::mt19937_64 random_{5};
    Flood flood_ = Flood::none;
    PeerId next_out_ = 0;
    PeerId next_in_ = 0;
    std::size_t next_message_ = 0;
};

}  // namespace towpath::bench
