#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Links of 9000 bytes carry a tunnel of 8940: the whole suite of traffic, and pings that fill it
(wireguard.md section 19 number 2).

    a -- lan -- towpath (wg0, MTU 8940) -- router -- web (wireguard-go); all links of 9000 bytes
"""
from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check
from lab import suite
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

LINK, TUNNEL = 9000, 8940
LINKS = (("a", "eth0"), ("lan", "port-a"), ("lan", "port-gw"), ("lan", "bridge0"),
         ("gateway", "lan0"), ("gateway", "wan0"), ("router", "gw0"), ("router", "web0"),
         ("web", "eth0"))


@behaviour
def tunnel_fills_jumbo_frames():
    with Lab("jumb") as lab:
        for host, interface in LINKS:
            lab.must(host, "ip", "link", "set", interface, "mtu", LINK)
        lab.spawn("web", "iperf3", "-s", log="iperf3.log")
        private, public = key_pair()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",), mtu=TUNNEL)
        quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES, endpoint(WEB))],
                            more=f"MTU = {TUNNEL}\n")
        config = gateway_config(quick).replace("driver: af_packet",
                                               f"driver: af_packet, mtu: {LINK}")
        with Towpath(lab, config) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0"], endpoint(WAN_ADDRESS))], PORT)
            client.route("10.77.1.0/24")
            for host, target in (("a", PEER_ADDRESS), ("web", A)):
                done = lab.run(host, "ping", "-n", "-c3", "-i0.2", "-W1", "-M", "do",
                               "-s", TUNNEL - 28, target)
                check(" 3 received" in done.stdout,
                      f"{host} to {target}: {done.stdout}{towpath.drops()}\n{towpath.words()}")
            for what, gbps in suite.carry(lab, ((A, PEER_ADDRESS),)).items():
                print(f"{what}: {gbps:.2f} Gbit/s")
