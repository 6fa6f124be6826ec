#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A tunnel over IPv6 that carries IPv6: wireguard-go reaches a private host and the host it, errors
come back through the tunnel and into it.

    router (wireguard-go, 2001:db8:9::2) == 2001:db8:2::1 towpath (wg0, 2001:db8:9::1) -- lan -- a
"""
import re

from ipv6_is_routed import A6, LAN6, ROUTER6, WAN6, dress, ping, reaches
from support import Lab, Towpath, behaviour, check, equal
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer, with_tunnel

CONFIG = """\
version: 1
interfaces:
  lan: {match: {name: lan0}, driver: af_packet, addresses: [10.77.1.1/24, 2001:db8:1::1/64]}
  wan: {match: {name: wan0}, driver: af_packet, addresses: [192.0.2.10/24, 2001:db8:2::1/64]}
routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}
nat: {inside: [lan], outside: wan}
"""
FAR, NEAR = "2001:db8:9::2", "2001:db8:9::1"


@behaviour
def tunnel_carries_ipv6():
    with Lab("tun6") as lab:
        lab.must("router", "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=0")
        private, public = key_pair()
        client = UserSpacePeer(lab, "router", addresses=(f"{FAR}/64",))
        config = with_tunnel(lab, CONFIG, private, [peer(client.public, [f"{FAR}/128"])],
                             addresses=("10.99.0.1/24", f"{NEAR}/64"))
        with Towpath(lab, config) as towpath, client:
            dress(lab, "a", "eth0", A6, LAN6)
            dress(lab, "router", "gw0", ROUTER6, WAN6)
            client.configure([peer(public, ["2001:db8:1::/64", "2001:db8:9::/64"],
                                   f"[{WAN6}]:{PORT}")])
            client.route("2001:db8:1::/64")
            reaches(lab, "router", A6)
            reaches(lab, "router", A6, "-s", "1372")
            reaches(lab, "a", FAR)
            reaches(lab, "router", NEAR)
            equal(client.dump()[0]["endpoint"], f"[{WAN6}]:{PORT}", "the endpoint")
            words = lab.must("router", "traceroute", "-6", "-n", "-q", "1", "-w", "1", "-m", "3",
                             A6)
            equal([line.split()[1] for line in words.splitlines()[1:]], [NEAR, A6], "hops")
            words = ping(lab, "a", FAR, "-M", "do", "-s", "1400")
            check(re.search(r"mtu[ =:]*1420", words), f"no packet-too-big came back:\n{words}")
            words = ping(lab, "a", "2001:db8:9::77")
            check("Address unreachable" in words, f"no address-unreachable came back:\n{words}")
            check(towpath.drops().get("ipv6_local_fragment", 0) == 0, "a datagram was in pieces")
