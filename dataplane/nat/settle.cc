// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/settle.h"

#include <algorithm>

#include "dataplane/nat/reset.h"
#include "dataplane/nat/rewrite.h"
#include "dataplane/packet/mss.h"

namespace towpath::nat {

namespace {

constexpr std::uint32_t kResetsPerSecond = 100;
constexpr std::uint16_t kHeaders_bytes = sizeof(Ipv4Header) + sizeof(TcpHeader);

// No room for what the packet asked for (nat-behaviour.md 2, decision 1; 16.1).
void refuse(ExhaustionIcmp answer, Batch& batch, PacketIndex index, DropReason reason) noexcept {
    constexpr auto kUnreachable = static_cast<std::uint8_t>(IcmpType::destination_unreachable);
    switch (answer) {
        case ExhaustionIcmp::host_unreachable:
            batch.reject(index, reason, kUnreachable, kIcmpHostUnreachable);
            return;
        case ExhaustionIcmp::admin_prohibited:
            batch.reject(index, reason, kUnreachable, kIcmpAdministrativelyProhibited);
            return;
        case ExhaustionIcmp::silent:
            break;
    }
    batch.drop(index, reason);
}

}  // namespace

void settle(Translator& translator, Batch& batch, PacketIndex index, const Verdict& verdict,
            WorkerId owner, Lane resume, std::uint32_t now_s) noexcept {
    Packet& packet = batch[index];
    switch (verdict.fate) {
        case Fate::hand_off:
            batch.hand_off(index, owner, resume);
            return;
        case Fate::refuse:
            refuse(translator.policy->exhaustion_icmp, batch, index, verdict.reason);
            return;
        case Fate::reset:
            if (packet.fragment == FragmentKind::whole &&
                translator.resets.take(now_s, kResetsPerSecond, kResetsPerSecond)) {
                turn_into_reset(packet);
                translator.counters.resets_sent.add();
                batch.put(index, Lane::route);
                return;
            }
            break;
        case Fate::drop:
        case Fate::translate:
            break;
    }
    batch.drop(index, verdict.reason);
}

void lower_mss(Translator& translator, Packet& packet) noexcept {
    const InterfaceTable& interfaces = *translator.interfaces;
    const std::uint16_t mtu_bytes =
        std::min(interfaces[packet.ingress].mtu_bytes, interfaces[packet.egress].mtu_bytes);
    if (mtu_bytes <= kHeaders_bytes) {
        return;
    }
    const auto limit_bytes = static_cast<std::uint16_t>(mtu_bytes - kHeaders_bytes);
    switch (clamp_mss(packet.bytes().subspan(packet.l4), limit_bytes)) {
        case MssResult::lowered:
            translator.counters.mss_clamped.add();
            break;
        case MssResult::malformed:
            translator.counters.mss_malformed.add();
            break;
        case MssResult::unchanged:
            break;
    }
}

}  // namespace towpath::nat
