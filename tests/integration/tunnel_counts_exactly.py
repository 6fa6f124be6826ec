#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ten pings through a fresh tunnel cost exactly what the protocol says, by the counters of both ends
and on the wire, whoever begins; the latest handshake has a time (wireguard.md section 19 number 1).

    a -- lan -- towpath (wg0) -- router (tcpdump) -- web (wireguard-go)
"""
import time

from support import A, STATISTICS_AGE_S, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, Outer, endpoint, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

INITIATION, RESPONSE, KEEPALIVE = 148, 92, 32
PINGS = 10 * 128  # 84 bytes, padded to 96, and 32 around them


def ten_pings(lab, begins):
    private, public = key_pair()
    client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",))
    quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES,
                                            endpoint(WEB) if begins == "gateway" else None)])
    with Towpath(lab, gateway_config(quick)) as towpath, client, Outer(lab) as wire:
        client.configure([peer(public, ["0.0.0.0/0"],
                               endpoint(WAN_ADDRESS) if begins == "web" else None)], PORT)
        client.route("10.77.1.0/24")
        host, target = ("web", A) if begins == "web" else ("a", PEER_ADDRESS)
        done = lab.run(host, "ping", "-n", "-c10", "-i0.02", "-W2", target)
        check(" 10 received" in done.stdout, f"{done.stdout}{towpath.drops()}")
        time.sleep(0.5)
        row = client.dump()[0]
        check(abs(time.time() - int(row["latest_handshake"])) < 10, f"latest handshake: {row}")
        received, sent = int(row["receive_bytes"]), int(row["transmit_bytes"])
        time.sleep(STATISTICS_AGE_S)
        ours = towpath.client("wg", "show", "wg0", "dump").stdout.splitlines()[-1].split("\t")
        equal([int(word) for word in ours[5:7]], [sent, received], "our counters and the peer's")
        check(abs(int(ours[4]) - int(row["latest_handshake"])) <= 1, f"our handshake: {ours}")
    on_wire = {side: sum(length for source, length, _ in wire.messages()
                         if source == endpoint(address))
               for side, address in (("web", WEB), ("gateway", WAN_ADDRESS))}
    equal({"web": sent, "gateway": received}, on_wire, "the peer's counters and the wire")
    responder = "gateway" if begins == "web" else "web"
    equal(on_wire[responder], RESPONSE + PINGS, f"bytes of the responder, {responder}")
    check(on_wire[begins] in (INITIATION + PINGS, INITIATION + PINGS + KEEPALIVE),
          f"bytes of the initiator, {begins}: {on_wire[begins]}")


@behaviour
def tunnel_counts_exactly():
    with Lab("cnt") as lab:
        for begins in ("web", "gateway"):
            ten_pings(lab, begins)
