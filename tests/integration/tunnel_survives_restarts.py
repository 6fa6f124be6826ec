#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A tunnel outlives its parts: control killed, the data plane killed, the peer killed; traffic flows
again each time, though only the peer knows where to call, and in all of it no (receiver index, counter) is sent twice: a nonce never repeats
(wireguard.md section 20, "Keys, timers"; decisions.md W1, W2).

    a -- lan -- towpath (wg0) -- router (tcpdump) -- web (wireguard-go)
"""
import os
import signal

from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, Outer, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer


def flows(lab, towpath, what, first="a", count=20):
    """Pings both ways within a few seconds, then with nothing lost. `first` speaks first: a side
    that has a session is right to use it for 15 s before it doubts it."""
    for host, target in sorted((("a", PEER_ADDRESS), ("web", A)), key=lambda row: row[0] != first):
        lab.wait_for(f"{what}: {host} to {target} ({towpath.words()})",
                     lambda: lab.run(host, "ping", "-n", "-c1", "-W1", target).returncode == 0, 10)
        done = lab.run(host, "ping", "-n", "-c", count, "-i", "0.02", "-W1", target)
        check(f" {count} received" in done.stdout, f"{what}: {host} to {target}: {done.stdout}")


def kill(lab, towpath, name):
    before = towpath.pid_of(name)
    os.kill(before, signal.SIGKILL)
    lab.wait_for(f"a new {name}", lambda: towpath.pid_of(name) not in (0, before), 10)


@behaviour
def tunnel_survives_restarts():
    with Lab("rest") as lab:
        private, public = key_pair()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",))
        sections = [peer(public, ["0.0.0.0/0"], f"{WAN_ADDRESS}:{PORT}")]
        quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES)])

        def peer_starts():
            client.start()
            client.configure(sections, PORT)
            client.route("10.77.1.0/24")

        with Towpath(lab, gateway_config(quick)) as towpath, Outer(lab) as wire:
            peer_starts()
            flows(lab, towpath, "at first", first="web")
            sessions = client.dump()[0]["latest_handshake"]
            kill(lab, towpath, "towpath-control")
            flows(lab, towpath, "while control is new")
            equal(client.dump()[0]["latest_handshake"], sessions, "control's death made a handshake")
            lab.wait_for("control", lambda: towpath.client("status").returncode == 0, 10)
            flows(lab, towpath, "with a new control")
            kill(lab, towpath, "towpathd")
            # The peer has nothing to say: who calls it is who remembers where it was.
            lab.wait_for(f"the gateway calls the peer ({towpath.words()})",
                         lambda: client.dump()[0]["latest_handshake"] > sessions, 10)
            flows(lab, towpath, "with a new data plane")
            client.stop()
            peer_starts()
            flows(lab, towpath, "with a new peer", first="web")
        nonces = wire.nonces()
        check(len(nonces) > 200, f"only {len(nonces)} transport messages were seen")
        equal(len(nonces) - len(set(nonces)), 0, f"nonces sent twice, of {len(nonces)}")
        check(len({index for _, index, _ in nonces}) >= 4, "each restart of a side is a new session")
