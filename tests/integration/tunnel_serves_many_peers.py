#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Twenty-four peers at once on two workers: all of them begin at the same moment, a second later all ping
both ways, nothing is mixed up and nothing is lost afterwards; TCP over several of them in parallel.
Both sides of a pair do not begin at the same instant here: that is in the limits of subnet-router.md.

    a -- lan -- towpath (wg0; cores 0 and 1) -- router -- web (24 times wireguard-go)
"""
import os
import subprocess
import time

from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal, measure, skip
from lab.tunnels import Outer, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

PEERS = 24


def address(number):
    return f"10.99.0.{number + 10}"


def start_peers(lab, public):
    """One interface per peer, each with a routing table of its own, chosen by the source."""
    clients = [UserSpacePeer(lab, "web", f"wg{number}", addresses=(f"{address(number)}/32",))
               for number in range(PEERS)]
    for number, client in enumerate(clients):
        client.start()
        client.configure([peer(public, ["10.77.1.0/24"], endpoint(WAN_ADDRESS))],
                         PORT + 1 + number)
        table = 200 + number
        lab.must("web", "ip", "route", "add", "10.77.1.0/24", "dev", client.name, "table", table)
        lab.must("web", "ip", "rule", "add", "from", address(number), "lookup", table)
    return clients


def ping_all(lab, count, interval, head_start_s=0):
    """Every peer pings a, and a every peer, so much later: the replies of each."""
    options = ("-n", "-q", "-c", count, "-i", interval, "-W", "5")
    asked = {}
    for host in ("web", "a"):
        for number in range(PEERS):
            words = (address(number),) if host == "a" else ("-I", address(number), A)
            asked[host, number] = lab.spawn(host, "ping", *options, *words, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, text=True)
        if host == "web":
            time.sleep(head_start_s)
    return {key: process.communicate(timeout=30)[0] for key, process in asked.items()}


@behaviour
def tunnel_serves_many_peers():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        skip("one core: two workers need two")
    with Lab("many") as lab:
        private, public = key_pair()
        clients = start_peers(lab, public)
        quick = write_quick(lab, private, [
            peer(client.public, [f"{address(number)}/32"], endpoint(WEB, PORT + 1 + number))
            for number, client in enumerate(clients)])
        config = gateway_config(quick, more=f"dataplane: {{cores: [{cores[0]}, {cores[1]}]}}\n")
        lab.spawn("a", "iperf3", "-s", log="iperf3.log")
        with Towpath(lab, config) as towpath, Outer(lab) as wire:
            first = ping_all(lab, 5, 1, head_start_s=1)
            silent = [key for key, words in first.items() if " 0 received" in words]
            equal(silent, [], f"who heard nothing: {towpath.drops()}\n{towpath.words()}")
            again = ping_all(lab, 20, 0.1)
            lossy = {key: words for key, words in again.items() if " 20 received" not in words}
            equal(lossy, {}, f"who lost something: {towpath.drops()}")
            rate = measure.iperf(lab, "-B", address(0), "-P", "4", host="web", target=A,
                                 seconds=2)["gbps"]
            check(rate > 0.02, f"TCP: {rate} Gbit/s")
            up = sum(int(client.dump()[0]["latest_handshake"]) > 0 for client in clients)
            equal(up, PEERS, "peers with a session")
        nonces = wire.nonces()
        equal(len(nonces) - len(set(nonces)), 0, f"nonces sent twice, of {len(nonces)}")
