#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The traffic of tunnel_carries_all_traffic with each WireGuard that testbed/peers/build has made, and
a second session that each of them begins: wireguard-go of today, boringtun, gotatun.

    a -- lan -- towpath (wg0) -- router -- web (the peer)
"""
# timeout_s: 150
from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal, skip
from lab import peers, suite
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, Outer, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer


def works(lab, name, program, environment):
    private, public = key_pair()
    client = UserSpacePeer(lab, "web", program=program, environment=environment,
                           addresses=(f"{PEER_ADDRESS}/24",), mtu=1420)
    quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES, endpoint(WEB))])
    with Towpath(lab, gateway_config(quick)) as towpath, client, Outer(lab) as wire:
        sections = [peer(public, ["0.0.0.0/0"], endpoint(WAN_ADDRESS))]
        client.configure(sections, PORT)
        client.route("10.77.1.0/24")
        rates = suite.carry(lab, ((A, PEER_ADDRESS),))
        print(f"{name}: " + ", ".join(f"{what} {gbps:.2f}" for what, gbps in rates.items())
              + " Gbit/s")
        client.stop()
        client.start()
        client.configure(sections, PORT)
        client.route("10.77.1.0/24")
        done = lab.run("web", "ping", "-n", "-c5", "-i0.2", "-W2", A)
        check(" 5 received" in done.stdout, f"{name} anew: {done.stdout}{towpath.drops()}")
    nonces = wire.nonces()
    equal(len(nonces) - len(set(nonces)), 0, f"{name}: nonces sent twice, of {len(nonces)}")
    senders = {source for source, _, head in wire.messages() if head[:1] == b"\x01"}
    check(endpoint(WEB) in senders, f"{name} began no session: {senders}")


@behaviour
def tunnel_works_with_other_peers():
    found = peers.built()
    if not found:
        skip(peers.missing())
    if peers.missing():
        print(peers.missing())
    with Lab("oth") as lab:
        lab.spawn("web", "iperf3", "-s", log="iperf3.log")
        for name, (program, environment) in found.items():
            works(lab, name, program, environment)
