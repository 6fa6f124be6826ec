#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The gateway answers where its peer was last heard: on another port, at another address, in the
other family; and does so for a peer whose packets it may not forward (wireguard.md section 19
numbers 4 and 5).

    a -- lan -- towpath (wg0) -- router (tcpdump) -- web (wireguard-go): its endpoint changes
"""
from support import A, STATISTICS_AGE_S, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, counted, equal
from lab.tunnels import (PEER_ADDRESS, WAN6, WEB6, Outer, endpoint, gateway_config, switch_ipv6_on,
                         write_quick)
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

MOVED, ALSO_PEER = "203.0.113.11", "10.99.0.3"


def pings(lab, host, *words):
    return lab.run(host, "ping", "-n", "-c3", "-i0.1", "-W1", *words).stdout


def answers_at(lab, towpath, where, target=PEER_ADDRESS):
    """What a's pings reach, and where the gateway sends it."""
    with Outer(lab, port=0) as wire:
        words = pings(lab, "a", target)
    check(" 3 received" in words, f"a to the peer at {where}: {words}{towpath.drops()}")
    to = {destination for source, destination, _, _ in wire.datagrams()
          if source in (endpoint(WAN_ADDRESS), endpoint(WAN6))}
    equal(to, {where}, "where the gateway sends")


def roams(lab, towpath, client, public):
    check(" 3 received" in pings(lab, "web", A), f"web to a: {towpath.drops()}\n{towpath.words()}")
    answers_at(lab, towpath, endpoint(WEB))
    client.wg("set", "wg0", "listen-port", PORT + 1)
    pings(lab, "web", A)
    answers_at(lab, towpath, endpoint(WEB, PORT + 1))
    lab.must("web", "ip", "address", "add", f"{MOVED}/26", "dev", "eth0")
    lab.must("web", "ip", "route", "replace", "default", "via", "203.0.113.1", "src", MOVED)
    # The source that it remembers for this peer goes with the endpoint.
    client.wg("set", "wg0", "peer", public, "endpoint", endpoint(WAN_ADDRESS))
    pings(lab, "web", A)
    answers_at(lab, towpath, endpoint(MOVED, PORT + 1))
    client.wg("set", "wg0", "peer", public, "endpoint", endpoint(WAN6))
    pings(lab, "web", A)
    answers_at(lab, towpath, endpoint(WEB6, PORT + 1))


@behaviour
def tunnel_roams():
    with Lab("roam") as lab:
        switch_ipv6_on(lab)
        private, public = key_pair()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24", f"{ALSO_PEER}/24"))
        wide = peer(client.public, ["10.99.0.0/24"])
        config = gateway_config(write_quick(lab, private, [wide]), dual_stack=True)
        with Towpath(lab, config) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0"], endpoint(WAN_ADDRESS))], PORT)
            client.route("10.77.1.0/24")
            roams(lab, towpath, client, public)
            # Somebody else gets the address: what comes from it is refused, but heard.
            write_quick(lab, private, [wide, peer(key_pair()[1], [f"{PEER_ADDRESS}/32"])])
            done = towpath.client("reload")
            equal(done.returncode, 0, f"reload: {done.stdout}{done.stderr}")
            lab.wait_for("a fresh count", lambda: True, STATISTICS_AGE_S)
            before = towpath.drops().get("admit_source_not_allowed", 0)
            client.wg("set", "wg0", "listen-port", PORT + 2)
            check(" 0 received" in pings(lab, "web", "-I", PEER_ADDRESS, A), "a refused source")
            counted(lab, towpath, "admit_source_not_allowed", before + 3)
            answers_at(lab, towpath, endpoint(WEB6, PORT + 2), ALSO_PEER)
