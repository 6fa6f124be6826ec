// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as handshake messages to a tunnel: never a crash, never more indices than handshakes
// can hold, and nothing of a peer changes unless a message proves who it is from.
//
// Input: records of one byte that says what to do with the bytes after it and one byte that says
// how many there are. Bytes may be laid over a message that is good, so that mutations get past
// mac1.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "control/wireguard/device.h"

namespace {

namespace wg = towpath::control::wireguard;
using towpath::wireguard::Initiation;
using towpath::wireguard::Response;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

class Counting final : public wg::Random {
public:
    void fill(std::span<std::byte> bytes) noexcept override {
        for (std::byte& byte : bytes) {
            byte = static_cast<std::byte>(state_ =
                                              state_ * 6364136223846793005U + 1442695040888963407U);
            state_ ^= state_ >> 29U;
        }
    }

private:
    std::uint64_t state_ = 1;
};

struct End {
    Counting random;
    wg::IndexAllocator indices{3, 8};
    wg::SentFloor floor;
    wg::UnderLoad load;
    wg::SourceLimiter limiter{random};
    wg::Device device{{indices, floor, load, limiter, random}};
    wg::ActionList out;
};

constexpr wg::PeerId kPeer = 1;

void meet(End& end, const towpath::crypto::PublicKey& key, const wg::Moment& moment) {
    wg::PeerSettings settings;
    settings.id = kPeer;
    settings.public_key = key;
    settings.endpoint.address = *towpath::parse_ip_endpoint("192.0.2.1:51820");
    require(end.device.set_peer(std::move(settings), moment, end.out));
}

// A record's bytes over the message, and mac1 made right again: what is behind it is reached.
template <class Message>
Message mutated(const wg::HandshakePacket& good, std::span<const std::uint8_t> bytes,
                const wg::LabelledKeys& receiver) {
    Message message;
    std::memcpy(&message, good.bytes.data(), sizeof message);
    auto* const raw = reinterpret_cast<std::byte*>(&message);
    const std::size_t offset = bytes.empty() ? 0 : 4 + bytes[0] % (sizeof message - 4);
    for (std::size_t i = 1; i < bytes.size() && offset + i - 1 < sizeof message; ++i) {
        raw[offset + i - 1] = static_cast<std::byte>(bytes[i]);
    }
    wg::authenticate(message, receiver, std::nullopt);
    return message;
}

// Two tunnels that know each other; the input is what the second one hears.
class Conversation {
public:
    Conversation() {
        caller_.device.set_identity(caller_.random.secret<32>(), moment_, caller_.out);
        // Not the same bytes again.
        static_cast<void>(callee_.random.number());
        callee_.device.set_identity(callee_.random.secret<32>(), moment_, callee_.out);
        meet(caller_, callee_.device.identity()->public_key(), moment_);
        meet(callee_, caller_.device.identity()->public_key(), moment_);
    }

    void step(std::uint8_t action, std::span<const std::uint8_t> bytes) {
        moment_.now += std::chrono::milliseconds{action};
        moment_.unix_time.nanoseconds =
            (moment_.unix_time.nanoseconds + 40'000'000U) % 1'000'000'000U;
        waiting_ = action % 16 == 9 ? 1000 : 1;
        caller_.out.clear();
        callee_.out.clear();
        switch (action % 4) {
            case 0:
                deliver(std::as_bytes(bytes));
                break;
            case 1:
                call(bytes);
                break;
            case 2:
                be_called(bytes);
                break;
            default:
                callee_.device.wake(moment_, callee_.out);
                break;
        }
        end_sessions(callee_);
        end_sessions(caller_);
        // An initiation of its own that is under way, at most.
        require(callee_.indices.in_use() <= 1 && caller_.indices.in_use() <= 1);
        require(callee_.device.strangers().size() <= wg::Device::kStrangersMax);
    }

private:
    void deliver(std::span<const std::byte> message) {
        callee_.device.on_handshake({message, source_, source_, 0, moment_.now}, waiting_, moment_,
                                    callee_.out);
    }
    void call(std::span<const std::uint8_t> bytes) {
        // Forgets the 5 s limit.
        caller_.device.set_up(false, moment_, caller_.out);
        caller_.device.set_up(true, moment_, caller_.out);
        caller_.out.clear();
        caller_.device.on_handshake_wanted(kPeer, moment_, caller_.out);
        require(caller_.out.size() == 1);
        const auto& sent = std::get<wg::SendHandshake>(caller_.out[0]);
        const auto message =
            mutated<Initiation>(sent.packet, bytes, callee_.device.identity()->keys());
        deliver(std::as_bytes(std::span{&message, 1}));
    }
    void be_called(std::span<const std::uint8_t> bytes) {
        moment_.now += std::chrono::seconds{6};
        callee_.device.on_handshake_wanted(kPeer, moment_, callee_.out);
        if (callee_.out.empty()) {
            return;
        }
        const auto sent = std::get<wg::SendHandshake>(callee_.out[0]).packet;
        caller_.device.on_handshake({sent.view(), source_, source_, 0, moment_.now}, 1, moment_,
                                    caller_.out);
        if (!caller_.out.empty()) {
            const auto& install = std::get<wg::InstallSession>(caller_.out[0]);
            const auto message =
                mutated<Response>(install.packet, bytes, callee_.device.identity()->keys());
            deliver(std::as_bytes(std::span{&message, 1}));
        }
    }
    static void end_sessions(End& end) {
        for (const wg::Action& done : end.out) {
            if (const auto* const install = std::get_if<wg::InstallSession>(&done)) {
                require(end.indices.is_in_use(install->index));
                end.device.on_index_free(install->index);
            }
        }
    }

    const towpath::IpEndpoint source_ = *towpath::parse_ip_endpoint("[2001:db8::1]:51820");
    wg::Moment moment_{towpath::Now{std::chrono::seconds{100}}, {1'800'000'000, 0}};
    End caller_;
    End callee_;
    std::size_t waiting_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    std::span input{data, size_bytes};
    Conversation conversation;
    while (input.size() >= 2) {
        const std::size_t length = std::min<std::size_t>(input[1], input.size() - 2);
        conversation.step(input[0], input.subspan(2, length));
        input = input.subspan(2 + length);
    }
    return 0;
}
