#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A reload changes keys and peers at once: a new private key is in use without a pause, a peer that is
gone is told to who calls it, an endpoint inside of its own allowed IPs harms nobody else
(wireguard.md section 19 numbers 6, 11, 13). A port that a connection through the NAT is using is not
taken from it (decisions.md W9), nor is a network from the interface that has it.

    a -- lan -- towpath (wg0) -- router (tcpdump) -- web (wireguard-go)
"""
import time

from support import (A, LAN_ADDRESS, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal,
                     outside_endpoint, socket_in, start_flow_server)
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, Outer, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

SWALLOWED = "10.99.0.66"
TAKEN = 51999


def pings(lab, host, target, count=3):
    return lab.run(host, "ping", "-n", "-c", count, "-i0.1", "-W1", target).stdout


def reload(towpath):
    done = towpath.client("reload")
    equal(done.returncode, 0, f"reload: {done.stdout}{done.stderr}")


def keeps_the_nats_ports(lab, towpath, private, known):
    start_flow_server(lab)
    with socket_in(lab, "a", port=TAKEN) as sock:
        equal(outside_endpoint(sock), (WAN_ADDRESS, TAKEN), "the outside endpoint")
        write_quick(lab, private, [known], port=TAKEN)
        done = towpath.client("reload")
        words = done.stdout + done.stderr
        equal(done.returncode, 2, f"a reload onto a port in use: {words}")
        check(f"{WAN_ADDRESS}:{TAKEN}/udp is the outside endpoint of {A}:{TAKEN}" in words,
              f"the mapping is not named: {words}")
        equal(towpath.wg("show", "wg0", "listen-port").strip(), str(PORT), "the port in force")
        equal(outside_endpoint(sock), (WAN_ADDRESS, TAKEN), "the mapping afterwards")
    check(" 3 received" in pings(lab, "web", A), f"the tunnel afterwards: {towpath.words()}")
    write_quick(lab, private, [known])
    reload(towpath)


def leaves_networks_alone(lab, towpath, private, known):
    """A peer that claims the private network gets it as a source, not as a route."""
    write_quick(lab, private, [known, peer(key_pair()[1], ["10.77.1.0/24"])])
    done = towpath.client("reload")
    equal(done.returncode, 0, f"reload: {done.stdout}{done.stderr}")
    for words in ("is that of lan, which keeps it", "... added"):
        check(words in done.stdout, f"no word of {words!r}: {done.stdout}")
    check(" 3 received" in pings(lab, "a", PEER_ADDRESS), f"the private network: {towpath.drops()}")
    check(" 3 received" in pings(lab, "a", WEB), f"to the internet: {towpath.drops()}")
    write_quick(lab, private, [known])
    reload(towpath)


@behaviour
def tunnel_follows_reloads():
    with Lab("rel") as lab:
        (first, public), (second, next_public) = key_pair(), key_pair()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",))
        known = peer(client.public, PEER_PREFIXES, endpoint(WEB))
        config = gateway_config(write_quick(lab, first, [known]))
        with Towpath(lab, config) as towpath, client:
            def calls(key):
                client.configure([peer(key, ["0.0.0.0/0"], endpoint(WAN_ADDRESS))], PORT)
                client.route("10.77.1.0/24")

            calls(public)
            check(" 3 received" in pings(lab, "web", A), f"at first: {towpath.words()}")
            write_quick(lab, second, [known])
            reload(towpath)
            begun = time.monotonic()
            calls(next_public)
            for host, target in (("web", A), ("a", PEER_ADDRESS)):
                words = pings(lab, host, target)
                check(" 3 received" in words, f"with the new key, {host}: {words}{towpath.drops()}")
            check(time.monotonic() - begun < 5, "the new key waited for something")
            calls(public)
            check(" 0 received" in pings(lab, "web", A), "the old key still opens")

            calls(next_public)
            check(" 3 received" in pings(lab, "web", A), "the new key again")
            keeps_the_nats_ports(lab, towpath, second, known)
            leaves_networks_alone(lab, towpath, second, known)

            odd = peer(key_pair()[1], [f"{SWALLOWED}/32"], endpoint(SWALLOWED), keepalive=1)
            write_quick(lab, second, [known, odd])
            reload(towpath)
            dataplane = towpath.pid_of("towpathd")
            calls(next_public)
            with Outer(lab) as wire:
                check(" 0 received" in pings(lab, "a", SWALLOWED, 10), "nobody is there")
                check(" 3 received" in pings(lab, "web", A), f"beside it: {towpath.drops()}")
            sent = sum(length for _, length, _ in wire.messages())
            check(sent < 10_000, f"{sent} bytes for 10 pings that cannot arrive")
            equal(towpath.pid_of("towpathd"), dataplane, "the data plane's pid")

            write_quick(lab, second, [])
            reload(towpath)
            words = pings(lab, "a", PEER_ADDRESS)
            check(f"From {LAN_ADDRESS}" in words and "Unreachable" in words, f"no peer: {words}")
