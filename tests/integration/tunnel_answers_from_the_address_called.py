#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Which of its addresses the gateway sends from: the one that the peer called, in both families; one
that is left when a reload takes that one away (wireguard.md section 14; section 19 numbers 14, 15).

    a -- lan -- towpath (wan: two of each family) -- router (tcpdump) -- web (wireguard-go)
"""
from support import A, WAN_ADDRESS, Lab, Towpath, behaviour, check, equal
from lab.tunnels import (PEER_ADDRESS, PEER_PREFIXES, WAN6, Outer, endpoint, gateway_config,
                         switch_ipv6_on, write_quick)
from lab.wireguard import UserSpacePeer, key_pair, peer

SECOND, SECOND6 = "192.0.2.11", "2001:db8:2::11"


def pings(lab, host, target, towpath):
    done = lab.run(host, "ping", "-n", "-c3", "-i0.1", "-W1", target)
    check(" 3 received" in done.stdout,
          f"{host} to {target}: {done.stdout}{towpath.drops()}\n{towpath.words()}")


def sends_from(lab, towpath, address):
    with Outer(lab) as wire:
        pings(lab, "web", A, towpath)
        pings(lab, "a", PEER_ADDRESS, towpath)
    ours = {source for source, _, _ in wire.messages()
            if source.startswith(("192.0.2.", "[2001:db8:2:"))}
    equal(ours, {endpoint(address)}, "what the gateway sends from")


@behaviour
def tunnel_answers_from_the_address_called():
    with Lab("addr") as lab:
        switch_ipv6_on(lab)
        private, public = key_pair()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",))
        quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES)])
        one = gateway_config(quick, dual_stack=True)
        two = one.replace(f"'{WAN6}/64'", f"{SECOND}/24, '{WAN6}/64', '{SECOND6}/64'")
        with Towpath(lab, two) as towpath, client:
            for address in (WAN_ADDRESS, SECOND6, WAN6, SECOND):
                client.configure([peer(public, ["0.0.0.0/0"], endpoint(address))], 40000)
                client.route("10.77.1.0/24")
                sends_from(lab, towpath, address)
            towpath.write(one)
            done = towpath.client("reload")
            equal(done.returncode, 0, f"reload: {done.stdout}{done.stderr}")
            pings(lab, "a", PEER_ADDRESS, towpath)  # from another address: the peer follows
            sends_from(lab, towpath, WAN_ADDRESS)
            equal(client.dump()[0]["endpoint"], endpoint(WAN_ADDRESS), "whom the peer sends to")
