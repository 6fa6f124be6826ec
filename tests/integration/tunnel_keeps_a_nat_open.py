#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Persistent keepalive (wireguard.md section 19 numbers 9 and 18): with one every second, a peer behind
a hard NAT that forgets after two seconds stays reachable from our side; without, it does not. A
keepalive of ours makes a tunnel come up with nothing to carry.

    a -- lan -- towpath (wg0) -- router -- hard NAT (2 s) -- c (wireguard-go)
                                   |
                                  web (wireguard-go, called by towpath)
"""
import time

from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check
from lab.tunnels import PEER_ADDRESS, Outer, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

FORGOTTEN_S = 5
OTHER = "10.99.0.3"


def reaches(lab, host, target):
    done = lab.run(host, "ping", "-n", "-c2", "-i0.2", "-W1", target)
    return " 2 received" in done.stdout


@behaviour
def tunnel_keeps_a_nat_open():
    with Lab("keep") as lab:
        lab.must("hard", "sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=2",
                 "net.netfilter.nf_conntrack_udp_timeout_stream=2")
        private, public = key_pair()
        client = UserSpacePeer(lab, "c", addresses=(f"{PEER_ADDRESS}/24",))
        called = UserSpacePeer(lab, "web", addresses=(f"{OTHER}/24",))
        quick = write_quick(lab, private, [
            peer(client.public, [f"{PEER_ADDRESS}/32"]),
            peer(called.public, [f"{OTHER}/32"], endpoint(WEB), keepalive=1)])
        with Outer(lab, "web", "eth0") as wire, called, \
                Towpath(lab, gateway_config(quick)) as towpath, client:
            called.configure([peer(public, ["0.0.0.0/0"])], PORT)

            def calls(keepalive):
                client.configure([peer(public, ["0.0.0.0/0"], endpoint(WAN_ADDRESS), keepalive)])
                client.route("10.77.1.0/24")
                check(reaches(lab, "c", A), f"c to a: {towpath.drops()}\n{towpath.words()}")
                time.sleep(FORGOTTEN_S)
                return reaches(lab, "a", PEER_ADDRESS)

            check(calls(1), f"a to c after {FORGOTTEN_S} s with keepalives: {towpath.drops()}")
            check(not calls(0), "without keepalives the NAT should have forgotten")
            check(int(called.dump()[0]["latest_handshake"]) > 0, "the gateway did not call web")
        ours = [length for source, length, _ in wire.messages() if source == endpoint(WAN_ADDRESS)]
        check(ours[0] == 148, f"first of all an initiation: {ours[:5]}")
        check(ours.count(32) >= FORGOTTEN_S, f"keepalives of ours, one a second: {ours}")
        check(set(ours) <= {148, 92, 32}, f"nothing else: {ours}")
