// SPDX-License-Identifier: BSD-3-Clause
// Any datagrams for a tunnel's port and any packets into it, through the stages open and seal and
// the slice: every packet ends in exactly one lane, every buffer comes back, and what goes on
// satisfies what the stages promise.
//
// Input: steps, each as a mode byte, a length (two bytes, network order) and that many bytes. The
// mode does what a mutation would never get right: seals, computes mac1.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/crypto/hash.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wireguard/allowed_ips.h"
#include "dataplane/wireguard/datagram.h"
#include "dataplane/wireguard/open_stage.h"
#include "dataplane/wireguard/seal_stage.h"
#include "dataplane/wireguard/slice.h"

namespace {

using namespace towpath;
using namespace towpath::wireguard;

constexpr std::uint8_t kIsSealed = 1;  // the bytes are what an authentic datagram carries
constexpr std::uint8_t kOverIpv6 = 2;
constexpr std::uint8_t kHasMac1 = 4;  // of a handshake message
constexpr std::uint8_t kGoesOut = 8;  // the bytes are an inner packet to be sealed
constexpr std::uint8_t kFromElsewhere = 16;
constexpr std::uint8_t kTimePasses = 32;
constexpr std::uint8_t kOldCounter = 64;
constexpr std::uint8_t kUdpLies = 128;  // about its length

constexpr InterfaceId kTunnel{1};
constexpr Port kListenPort{std::uint16_t{51820}};
constexpr std::uint64_t kIndexKey = 99;
constexpr std::size_t kHeadRoom = 128;
constexpr std::size_t kTailRoom = 64;
constexpr std::size_t kLength_max = 2048;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// A box with one peer and one session, which has the same key for both directions.
class Box {
public:
    Box()
        : tables_{std::move(*Tables::create({.peers = 2,
                                             .sessions = 4,
                                             .prefixes = 4,
                                             .workers = 1,
                                             .staged_packets_per_worker = 16},
                                            {kIndexKey, 3}, quiescence_))},
          state_{*tables_, 0, std::move(*crypto::Aead::create()), identification_, released_} {
        interfaces_.count = 2;
        Interface& interface = interfaces_.storage[1];
        interface.id = kTunnel;
        interface.mac = MacAddress{{2, 0, 0, 0, 0, 0x10}};
        interface.mtu_bytes = 1420;
        interface.is_up = true;
        Tunnel& tunnel = tunnels_.storage[1];
        tunnel.allowed_ips = &allowed_;
        tunnel.listen_port = kListenPort;
        tunnel.has_identity = true;
        state_.set_interfaces(&interfaces_, &tunnels_);
        tables_->configure_peer(0, {kTunnel, 25});
        require(allowed_.insert(Ipv4Prefix{Ipv4Address{0x0A000000U}, 8}, 0).has_value());
        require(allowed_.insert(IpPrefix{Ipv6Address{{0x20, 1, 0xD, 0xB8}}, 32}, 0).has_value());
        key_.fill(std::byte{7});
        require(tables_->install({.index = index(),
                                  .remote_index = 1,
                                  .peer = 0,
                                  .owner = 0,
                                  .is_initiator = false,
                                  .birth = now_,
                                  .send_key = key_,
                                  .receive_key = key_}) == InstallResult::installed);
    }

    void step(std::uint8_t mode, std::span<const std::uint8_t> bytes) {
        now_ += (mode & kTimePasses) != 0 ? Duration{std::chrono::seconds{7}} : Duration{1000};
        batch_.clear();
        batch_.clear_spares();
        batch_.add_spare(buffer(0));
        slice(state_, batch_, now_);
        if ((mode & kGoesOut) != 0) {
            require(batch_.admit(outgoing(bytes), Lane::seal));
        } else {
            require(batch_.admit(datagram(mode, bytes), Lane::open));
        }
        open_stage(state_, batch_, now_);
        seal_stage(state_, batch_, now_);
        check();
    }
    void finish() {
        do {
            batch_.clear();
        } while (discard(state_, batch_));
        require(state_.staging.size() == 0);
    }

private:
    static std::uint32_t index() { return crypto::IndexPermutation{kIndexKey}.index_of({1, 0}); }

    // An empty window of a buffer with room for `length_bytes` behind it, to the byte.
    Packet buffer(std::size_t length_bytes) {
        const std::size_t capacity = kHeadRoom + length_bytes + 160 + kTailRoom;
        std::unique_ptr<std::byte[]>& storage =
            storage_.emplace_back(std::make_unique<std::byte[]>(capacity));
        Packet packet;
        packet.buffer = storage.get();
        packet.handle = storage.get();
        packet.head = kHeadRoom;
        packet.capacity = static_cast<std::uint16_t>(capacity);
        return packet;
    }
    Packet outgoing(std::span<const std::uint8_t> bytes) {
        Packet packet = buffer(bytes.size());
        packet.l3 = sizeof(EthernetHeader);
        packet.length = static_cast<std::uint16_t>(packet.l3 + bytes.size());
        packet.capacity = static_cast<std::uint16_t>(packet.head + packet.length + kTailRoom);
        packet.egress = kTunnel;
        std::ranges::copy(std::as_bytes(bytes), packet.bytes().begin() + packet.l3);
        return packet;
    }
    // The datagram ends where its buffer does.
    Packet datagram(std::uint8_t mode, std::span<const std::uint8_t> bytes) {
        const bool is_ipv6 = (mode & kOverIpv6) != 0;
        const bool is_sealed = (mode & kIsSealed) != 0;
        const std::size_t payload_bytes =
            bytes.size() + (is_sealed ? kTransportLength_min_bytes : 0);
        Packet packet = buffer(payload_bytes);
        packet.l3 = sizeof(EthernetHeader);
        packet.l4 = static_cast<std::uint8_t>(packet.l3 + (is_ipv6 ? 40 : 20));
        packet.length = static_cast<std::uint16_t>(packet.l4 + sizeof(UdpHeader) + payload_bytes);
        packet.capacity = static_cast<std::uint16_t>(packet.head + packet.length);
        packet.transport = TransportKind::udp;
        packet.source_port = Port{static_cast<std::uint16_t>((mode & kFromElsewhere) != 0 ? 9 : 8)};
        packet.destination_port = kListenPort;
        packet.data()[packet.l3] = static_cast<std::byte>(is_ipv6 ? 0x60 : 0x45);
        packet.data()[packet.l3 + 1] = static_cast<std::byte>(mode);  // any ECN
        const std::size_t told_bytes = sizeof(UdpHeader) + payload_bytes;
        packet.header<UdpHeader>(packet.l4).length_bytes = be16{static_cast<std::uint16_t>(
            (mode & kUdpLies) != 0 && !bytes.empty() ? told_bytes - 1 + bytes[0] % 3U
                                                     : told_bytes)};
        const std::span<std::byte> payload = packet.bytes().subspan(packet.l4 + sizeof(UdpHeader));
        if (is_sealed) {
            seal(mode, bytes, payload);
        } else {
            std::ranges::copy(std::as_bytes(bytes), payload.begin());
            write_mac1(mode, payload);
        }
        return packet;
    }
    void seal(std::uint8_t mode, std::span<const std::uint8_t> bytes,
              std::span<std::byte> payload) {
        std::byte* const data = payload.data() + sizeof(TransportHeader);
        std::ranges::copy(std::as_bytes(bytes), data);
        const std::uint64_t counter = (mode & kOldCounter) != 0 ? counter_ / 2 : counter_++;
        *header_at<TransportHeader>(payload, 0) = {type_word(MessageType::transport_data),
                                                   le32{index()}, le64{counter}};
        const crypto::AeadPacket packet{data, &seal_key_, counter,
                                        static_cast<std::uint32_t>(bytes.size())};
        std::ranges::copy(key_, seal_key_.bytes().begin());
        state_.aead.seal_batch({&packet, 1});
    }
    void write_mac1(std::uint8_t mode, std::span<std::byte> payload) {
        if ((mode & kHasMac1) == 0 || payload.size() < 2 * kMacLength_bytes) {
            return;
        }
        const std::size_t covered_bytes = payload.size() - 2 * kMacLength_bytes;
        const crypto::Mac mac =
            crypto::keyed_mac(tunnels_[kTunnel].mac1_key, {payload.first(covered_bytes)});
        std::ranges::copy(mac, payload.begin() + static_cast<std::ptrdiff_t>(covered_bytes));
    }

    void check() {
        std::size_t packets = 0;
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            packets += batch_.lane(static_cast<Lane>(lane)).size();
        }
        require(packets == batch_.size());
        require(batch_.lane(Lane::open).empty() && batch_.lane(Lane::seal).empty());
        for (const PacketIndex index : batch_.lane(Lane::drop)) {
            require(batch_[index].verdict != DropReason::none &&
                    batch_[index].verdict < DropReason::count);
        }
        for (const PacketIndex index : batch_.lane(Lane::parse)) {
            const Packet& packet = batch_[index];
            require(packet.ingress == kTunnel && packet.l3 == 0);
            require(std::size_t{packet.head} + packet.length <= packet.capacity);
            const std::uint16_t type = packet.header<EthernetHeader>(0).ether_type.host();
            require(packet.length >= sizeof(EthernetHeader) + (type == kEtherTypeIpv4 ? 20U : 40U));
        }
        for (const PacketIndex index : batch_.lane(Lane::underlay)) {
            const Packet& packet = batch_[index];
            require(std::size_t{packet.head} + packet.length <= packet.capacity);
            const auto payload = udp_payload(packet);
            require(payload && classify(*payload) == MessageType::transport_data);
        }
        ReceivedHandshake received;
        while (tables_->handshakes(0).pop({&received, 1}) == 1) {
            require(classify(received.message()).has_value());
        }
        TunnelEvent event;
        while (tables_->events(0).pop({&event, 1}) == 1) {
            require(event.peer == 0);
        }
    }

    Quiescence quiescence_;
    std::unique_ptr<Tables> tables_;
    AllowedIps allowed_{4, 2, quiescence_};
    InterfaceTable interfaces_;
    TunnelTable tunnels_;
    IdentificationSource identification_{0, 1, 3};
    Counter released_;
    State state_;
    Batch batch_;
    std::vector<std::unique_ptr<std::byte[]>> storage_;
    std::array<std::byte, 32> key_{};
    crypto::Key seal_key_;
    std::uint64_t counter_ = 0;
    Now now_{std::chrono::seconds{100}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    Box box;
    std::span<const std::uint8_t> input{data, size_bytes};
    while (input.size() >= 3) {
        const std::uint8_t mode = input[0];
        const std::size_t wanted = std::size_t{input[1]} << 8U | input[2];
        input = input.subspan(3);
        const std::size_t taken = std::min({wanted, input.size(), kLength_max});
        box.step(mode, input.first(taken));
        input = input.subspan(taken);
    }
    box.finish();
    return 0;
}
