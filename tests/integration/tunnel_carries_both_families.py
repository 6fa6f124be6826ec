#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A tunnel carries IPv4 and IPv6, over IPv4 and over IPv6, whoever begins: ping and TCP between a
private host and a wireguard-go peer, and to the gateway's own addresses in the tunnel.

    a -- lan -- towpath (wg0) -- router -- web (wireguard-go)
"""
from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal
from lab import suite
from lab.tunnels import (A6, LAN6, PEER6, PEER_ADDRESS, PEER_PREFIXES, TUNNEL6, TUNNEL_ADDRESS,
                         WAN6, WEB6, Outer, endpoint, gateway_config, switch_ipv6_on, write_quick)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer


def reaches(lab, host, address, towpath, size=56):
    if ":" in address and size > 1280:  # the first of an IPv6 sender's may only teach it the MTU
        lab.run(host, "ping", "-n", "-c1", "-W1", "-s", size, address)
    done = lab.run(host, "ping", "-n", "-c3", "-i0.1", "-W2", "-s", size, address)
    check(" 3 received" in done.stdout,
          f"{host} does not reach {address}: {done.stdout}{towpath.drops()}\n{towpath.words()}")


def crosses(lab, outer, begins, with_tcp):
    """One life of the gateway; `begins` is the side that knows the other's endpoint."""
    private, public = key_pair()
    far, near = (WEB6, WAN6) if outer == 6 else (WEB, WAN_ADDRESS)
    client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24", f"{PEER6}/64"))
    quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES,
                                            endpoint(far) if begins == "gateway" else None)])
    with Towpath(lab, gateway_config(quick, dual_stack=True)) as towpath, client, \
            Outer(lab) as wire:
        client.configure([peer(public, ["0.0.0.0/0", "::/0"],
                               endpoint(near) if begins == "web" else None)], PORT)
        client.route("10.77.1.0/24")
        lab.must("web", "ip", "-6", "route", "replace", f"{LAN6}/64", "dev", "wg0")
        pairs = ((A, PEER_ADDRESS), (A6, PEER6))
        if begins == "web":
            for own in (TUNNEL_ADDRESS, TUNNEL6):
                reaches(lab, "web", own, towpath)
        for host_address, peer_address in pairs:
            for host, target in (("a", peer_address), ("web", host_address))[::1 if begins ==
                                                                             "gateway" else -1]:
                reaches(lab, host, target, towpath)
                reaches(lab, host, target, towpath, 2000)
        for _, target in pairs if with_tcp else ():
            for direction in ((), ("-R",)):
                rate = suite.transfer(lab, *direction, host="a", target=target, seconds=1)["gbps"]
                check(rate > 0.01, f"TCP to {target} {direction}: {rate} Gbit/s")
        equal(client.dump()[0]["endpoint"], endpoint(near), "the gateway as the peer sees it")
    equal({source for source, _, _ in wire.messages()}, {endpoint(far), endpoint(near)},
          "who sent outer datagrams")


@behaviour
def tunnel_carries_both_families():
    with Lab("fam") as lab:
        switch_ipv6_on(lab)
        lab.spawn("web", "iperf3", "-s", log="iperf3.log")
        crosses(lab, 6, "web", with_tcp=True)
        crosses(lab, 4, "gateway", with_tcp=False)
        crosses(lab, 6, "gateway", with_tcp=False)
