#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Keepalives are the data plane's (decisions.md W5): while control is frozen, a peer behind a hard NAT
that forgets after four seconds stays reachable from our side for three times as long, and what is
sent meanwhile is sealed and opened. With TOWPATH_LONG=1 in the environment the NAT forgets after 30 s
and control is frozen for 60 s, as the decision says.

    a -- lan -- towpath (wg0; control stopped) -- router -- hard NAT -- c (wireguard-go)
"""
# timeout_s: 120
import os
import signal
import time

from support import A, WAN_ADDRESS, Lab, Towpath, behaviour, check, equal
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, endpoint, gateway_config, write_quick
from lab.wireguard import UserSpacePeer, key_pair, peer

FROZEN_S, NAT_S, KEEPALIVE_S = (60, 30, 20) if os.environ.get("TOWPATH_LONG") else (12, 4, 1)


def reaches(lab, host, target):
    done = lab.run(host, "ping", "-n", "-c3", "-i0.1", "-W1", target)
    return " 3 received" in done.stdout


@behaviour
def tunnel_outlives_a_frozen_control():
    with Lab("froz") as lab:
        lab.must("hard", "sysctl", "-qw", f"net.netfilter.nf_conntrack_udp_timeout={NAT_S}",
                 f"net.netfilter.nf_conntrack_udp_timeout_stream={NAT_S}")
        private, public = key_pair()
        client = UserSpacePeer(lab, "c", addresses=(f"{PEER_ADDRESS}/24",))
        quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES,
                                                keepalive=KEEPALIVE_S)])
        with Towpath(lab, gateway_config(quick)) as towpath, client:
            client.configure([peer(public, ["0.0.0.0/0"], endpoint(WAN_ADDRESS))])
            client.route("10.77.1.0/24")
            check(reaches(lab, "c", A), f"c to a: {towpath.drops()}\n{towpath.words()}")
            control = towpath.pid_of("towpath-control")
            os.kill(control, signal.SIGSTOP)
            try:
                time.sleep(FROZEN_S)
                check(reaches(lab, "a", PEER_ADDRESS), "a to c while control is frozen")
                check(reaches(lab, "c", A), "c to a while control is frozen")
            finally:
                os.kill(control, signal.SIGCONT)
            lab.wait_for("control", lambda: towpath.client("status").returncode == 0, 10)
            equal(towpath.pid_of("towpath-control"), control, "control's pid")
    print(f"control frozen for {FROZEN_S} s, a NAT that forgets after {NAT_S} s")
