#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Padding stops at the tunnel's MTU (wireguard.md 10.1; section 19 number 3): over a path for 1359
bytes, an inner packet of 1297 bytes crosses in a tunnel of 1299 and not in one of 1300. What is too
long for the tunnel is told, or cut inside if it may be.

    a -- lan -- towpath (wg0) -- router (drops what is longer than 1359) -- web (wireguard-go)
"""
import re

from support import A, WAN_ADDRESS, Lab, Towpath, behaviour, check
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

NARROW = """
    table ip narrow {
        chain forward {
            type filter hook forward priority filter;
            ip length > 1359 drop
        }
    }"""


def pings(lab, host, target, size, *options):
    return lab.run(host, "ping", "-n", "-c3", "-i0.1", "-W1", "-s", size - 28, *options,
                   target).stdout


def crosses(lab, mtu, passes):
    private, public = key_pair()
    client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",), mtu=mtu)
    quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES)], more=f"MTU = {mtu}\n")
    with Towpath(lab, gateway_config(quick)) as towpath, client:
        client.configure([peer(public, ["0.0.0.0/0"], endpoint(WAN_ADDRESS))], PORT)
        client.route("10.77.1.0/24")
        check(" 3 received" in pings(lab, "web", A, 1000), f"1000 bytes: {towpath.drops()}")
        words = pings(lab, "a", PEER_ADDRESS, 1297, "-M", "do")
        check(f" {3 if passes else 0} received" in words,
              f"1297 bytes in a tunnel of {mtu}: {words}{towpath.drops()}")
        if not passes:
            return
        words = pings(lab, "a", PEER_ADDRESS, mtu + 1, "-M", "do")
        check(re.search(rf"mtu[ =]*{mtu}", words), f"nobody said that the MTU is {mtu}: {words}")
        # From b, which has not heard of that MTU: its pieces are of 1500 bytes.
        words = pings(lab, "b", PEER_ADDRESS, 4000, "-M", "dont")
        check(" 3 received" in words, f"4000 bytes in pieces: {words}{towpath.drops()}")


@behaviour
def tunnel_pads_within_the_mtu():
    with Lab("pad") as lab:
        lab.must("router", "sh", "-c", "printf %s \"$0\" | nft -f -", NARROW)
        crosses(lab, 1299, passes=True)
        crosses(lab, 1300, passes=False)
