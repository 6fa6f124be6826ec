#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A way to a peer over IPv6 that is narrower than the tunnel: the router's "packet too big" lowers
that peer's MTU, senders hear of it in turn, what may be cut is cut, and below 1360 bytes outer packets
go in fragments (decisions.md W8).

    a -- lan -- towpath (wg0, MTU 1420) -- router -- (1400, 1300 bytes) -- web (wireguard-go)
"""
from support import Lab, Towpath, behaviour, check
from lab.gateway import crosses
from lab.tunnels import (LAN6, PEER6, PEER_ADDRESS, PEER_PREFIXES, WAN6, WEB6, endpoint,
                         gateway_config, switch_ipv6_on, write_quick)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

FULL = 1420


def ping(lab, target, length, *options, count=3):
    """What ping says of inner packets of that length."""
    headers = 48 if ":" in target else 28
    done = lab.run("a", "ping", "-n", "-c", count, "-i0.2", "-W1", "-s", length - headers, *options,
                   target)
    return done.stdout + done.stderr


def is_narrow(lab, towpath, inner):
    for target, told in ((PEER_ADDRESS, f"mtu = {inner}"), (PEER6, f"mtu={inner}")):
        lab.must("a", "ip", "route", "flush", "cache")
        lab.must("a", "ip", "-6", "route", "flush", "cache")
        check(" 3 received" in ping(lab, target, 1000), f"{target}: {towpath.words()}")
        words = ping(lab, target, FULL, "-M", "do")
        check(told in words, f"{target} through {inner}: the sender heard {words}")
        words = ping(lab, target, inner, "-M", "do")
        check(" 3 received" in words, f"{target}: {inner} bytes: {words}{towpath.drops()}")
    lab.must("a", "ip", "route", "flush", "cache")
    words = ping(lab, PEER_ADDRESS, FULL, "-M", "dont")
    check(" 3 received" in words, f"what may be cut: {words}{towpath.drops()}")


@behaviour
def tunnel_learns_the_path_mtu():
    with Lab("pmtu") as lab:
        switch_ipv6_on(lab)
        for narrow, inner in ((1400, 1320), (1300, 1280)):
            for host, interface in (("router", "web0"), ("web", "eth0")):
                lab.must(host, "ip", "link", "set", interface, "mtu", narrow)
            private, public = key_pair()
            client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24", f"{PEER6}/64"),
                                   mtu=FULL)
            quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES, endpoint(WEB6))])
            with Towpath(lab, gateway_config(quick, dual_stack=True)) as towpath, client:
                client.configure([peer(public, ["0.0.0.0/0", "::/0"], endpoint(WAN6))], PORT)
                client.route("10.77.1.0/24")
                lab.must("web", "ip", "-6", "route", "replace", f"{LAN6}/64", "dev", "wg0")
                lab.wait_for("the tunnel", lambda: crosses(lab, "a", PEER_ADDRESS), 10)
                is_narrow(lab, towpath, inner)
