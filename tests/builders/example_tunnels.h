// SPDX-License-Identifier: BSD-3-Clause
// Two tunnels with three peers, one of each kind that a screen shows differently. Keys are of the
// right length and of nobody.
#pragma once

#include "tests/builders/fake_api_model.h"

namespace towpath::tests {

inline const std::string kServerKey = "U2VydmVyU2VydmVyU2VydmVyU2VydmVyU2VydmVyU2U=";
inline const std::string kLaptopKey = "TGFwdG9wTGFwdG9wTGFwdG9wTGFwdG9wTGFwdG9wTGE=";
inline const std::string kPhoneKey = "UGhvbmVQaG9uZVBob25lUGhvbmVQaG9uZVBob25lUGg=";
inline const std::string kRouterKey = "Um91dGVyUm91dGVyUm91dGVyUm91dGVyUm91dGVyUm8=";
inline const std::string kPrivateKey = "cHJpdmF0ZXByaXZhdGVwcml2YXRlcHJpdmF0ZXByaXY=";
inline const std::string kPresharedKey = "c2hhcmVkc2hhcmVkc2hhcmVkc2hhcmVkc2hhcmVkc2g=";

inline void fill_with_tunnels(FakeApiModel& model) {
    control::TunnelModel first;
    first.name = "wg0";
    first.public_key = kServerKey;
    first.listen_port = 51820;
    first.mtu_bytes = 1420;
    first.addresses = {"10.99.0.1/24"};
    first.is_running = true;
    first.peers = 2;
    first.peers_up = 1;
    first.handshakes = {{"initiator", "sent", 9}, {"responder", "completed", 7}};
    first.strangers = {{"unknown_key", kRouterKey, "203.0.113.9:51820", 1200, 12}};
    control::TunnelModel second;
    second.name = "wg1";
    second.listen_port = 51821;
    second.mtu_bytes = 1380;
    second.peers = 1;
    model.tunnel_models = {first, second};

    control::PeerModel phone;
    phone.tunnel = "wg0";
    phone.public_key = kPhoneKey;
    phone.state = "no_endpoint";
    phone.reason = "no endpoint is configured and it has not called";
    control::PeerModel laptop;
    laptop.tunnel = "wg0";
    laptop.name = "laptop-ana";
    laptop.public_key = kLaptopKey;
    laptop.has_preshared_key = true;
    laptop.endpoint = "198.51.100.23:41641";
    laptop.allowed_ips = {"10.99.0.2/32", "2001:db8:99::2/128"};
    laptop.handshake_s = 1'795'282'422;
    laptop.handshake_age_s = 63;
    laptop.receive_bytes = 1'288'490'189;
    laptop.transmit_bytes = 980;
    laptop.persistent_keepalive_s = 25;
    laptop.state = "up";
    control::PeerModel router = phone;
    router.tunnel = "wg1";
    router.public_key = kRouterKey;
    router.endpoint = "[2001:db8::7]:51820";
    router.state = "waiting";
    router.reason = "waits for an answer, try 3 of 20";
    model.peer_models = {phone, laptop, router};
    model.tunnel_key_models = {{"wg0", kPrivateKey, {{kPhoneKey, ""}, {kLaptopKey, kPresharedKey}}},
                               {"wg1", "", {{kRouterKey, ""}}}};
}

}  // namespace towpath::tests
