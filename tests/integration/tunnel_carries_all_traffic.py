#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Floods of pings, TCP both ways, unlimited UDP both ways and parallel TCP cross a tunnel to
wireguard-go, in both families and in one life (wireguard.md section 19 number 2).

    a -- lan -- towpath (wg0) -- router -- web (wireguard-go)
"""
from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, equal
from lab import suite
from lab.tunnels import (A6, LAN6, PEER6, PEER_ADDRESS, PEER_PREFIXES, Outer, endpoint,
                         gateway_config, switch_ipv6_on, write_quick)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer


@behaviour
def tunnel_carries_all_traffic():
    with Lab("suit") as lab:
        switch_ipv6_on(lab)
        lab.spawn("web", "iperf3", "-s", log="iperf3.log")
        private, public = key_pair()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24", f"{PEER6}/64"))
        quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES,
                                                endpoint(WEB))])
        with Towpath(lab, gateway_config(quick, dual_stack=True)) as towpath, client, \
                Outer(lab) as wire:
            client.configure([peer(public, ["0.0.0.0/0", "::/0"], endpoint(WAN_ADDRESS))], PORT)
            client.route("10.77.1.0/24")
            lab.must("web", "ip", "-6", "route", "replace", f"{LAN6}/64", "dev", "wg0")
            for what, gbps in suite.carry(lab, ((A, PEER_ADDRESS), (A6, PEER6))).items():
                print(f"{what}: {gbps:.2f} Gbit/s")
            equal({reason: count for reason, count in towpath.drops().items()
                   if count and reason.startswith(("tunnel_", "seal_", "admit_"))}, {},
                  "drops in the tunnel")
        nonces = wire.nonces()
        equal(len(nonces) - len(set(nonces)), 0, f"nonces sent twice, of {len(nonces)}")
