#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Outer datagrams that arrive in fragments are put together, over IPv4 and over IPv6 (decisions.md
W8): the peer's link carries 1300 bytes, its tunnel 1420.

    a -- lan -- towpath (wg0) -- router -- (1300 bytes) -- web (wireguard-go)
"""
from support import (A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal, received,
                     socket_in)
from lab.tunnels import (PEER_ADDRESS, PEER_PREFIXES, WAN6, WEB6, endpoint, gateway_config,
                         switch_ipv6_on, write_quick)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

NARROW, COUNT, SIZE, LISTENED = 1300, 200, 1360, 7000


def fragments_sent(lab):
    """By the peer's kernel, of both families."""
    words = lab.run("web", "nstat", "-asz", "IpFragCreates", "Ip6FragCreates").stdout.split()
    return sum(int(words[words.index(name) + 1]) for name in ("IpFragCreates", "Ip6FragCreates"))


def arrive(lab, towpath):
    """Datagrams that fill the tunnel, one way."""
    with socket_in(lab, "a", port=LISTENED) as sink, \
            socket_in(lab, "web", address=PEER_ADDRESS) as source:
        source.sendto(b"first", (A, LISTENED))
        check(received(sink) is not None, f"nothing arrives: {towpath.drops()}")
        for number in range(COUNT):
            source.sendto(number.to_bytes(2, "big") * (SIZE // 2), (A, LISTENED))
            text = received(sink)
            check(text is not None, f"datagram {number} is lost: {towpath.drops()}")
            equal(text[0], number.to_bytes(2, "big") * (SIZE // 2), f"datagram {number}")


@behaviour
def tunnel_takes_fragments():
    with Lab("frag") as lab:
        switch_ipv6_on(lab)
        for host, interface in (("router", "web0"), ("web", "eth0")):
            lab.must(host, "ip", "link", "set", interface, "mtu", NARROW)
        for far, near in ((WEB, WAN_ADDRESS), (WEB6, WAN6)):
            private, public = key_pair()
            client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",), mtu=1420)
            quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES, endpoint(far))])
            with Towpath(lab, gateway_config(quick, dual_stack=True)) as towpath, client:
                client.configure([peer(public, ["0.0.0.0/0"], endpoint(near))], PORT)
                client.route("10.77.1.0/24")
                before = fragments_sent(lab)
                arrive(lab, towpath)
                check(fragments_sent(lab) - before >= 2 * COUNT, "the peer sent no fragments")
                if far == WEB:  # the router cuts what we seal
                    done = lab.run("a", "ping", "-n", "-c20", "-i0.02", "-W1", "-M", "do", "-s",
                                   SIZE, PEER_ADDRESS)
                    check(" 20 received" in done.stdout, f"{done.stdout}{towpath.drops()}")
