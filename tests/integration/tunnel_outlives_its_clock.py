#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A gateway whose clock went back by a day over a restart is believed by its peers: the greatest time
stamp that it sent outlives it (decisions.md W20, wireguard.md section 6). Without what is on disk the
peer refuses the call.

    a -- lan -- towpath (wg0) -- router -- web (wireguard-go, which never calls first)
"""
import time

from support import WEB, Lab, Towpath, behaviour, check, equal
from lab.tunnels import PEER_ADDRESS, PEER_PREFIXES, gateway_config, write_quick
from lab.wireguard import PORT, UserSpacePeer, key_pair, peer

HOUR_S, DAY_S = 3600, 24 * 3600
TAI64 = 0x400000000000000A


def answers(lab):
    return lab.run("a", "ping", "-n", "-c1", "-W1", PEER_ADDRESS).returncode == 0


@behaviour
def tunnel_outlives_its_clock():
    with Lab("clock") as lab:
        private, public = key_pair()
        client = UserSpacePeer(lab, "web", addresses=(f"{PEER_ADDRESS}/24",))
        quick = write_quick(lab, private, [peer(client.public, PEER_PREFIXES, f"{WEB}:{PORT}")])
        towpath = Towpath(lab, gateway_config(quick))
        kept = towpath.state_dir / "sent-timestamp"

        def seconds():
            return int(kept.read_text(encoding="ascii")[1:17], 16) - TAI64

        with client:
            client.configure([peer(public, ["0.0.0.0/0"])], PORT)
            client.route("10.77.1.0/24")
            # What a life with a clock that was a day ahead of today's left behind.
            ahead = int(time.time()) + DAY_S
            towpath.state_dir.mkdir(mode=0o700)
            kept.write_text(f"@{ahead + TAI64:016x}00000000\n", encoding="ascii")
            for life in ("first", "second"):
                floor = seconds()
                with towpath:
                    lab.wait_for(f"an answer in the {life} life", lambda: answers(lab), 8)
                    lab.wait_for("the time stamp on disk",
                                 lambda: seconds() >= floor + HOUR_S, 5)
                check(seconds() < floor + HOUR_S + 60, f"{life} life: {seconds() - floor} s ahead")
                equal(oct(kept.stat().st_mode & 0o7777), "0o600", "the file's mode")
            kept.write_text("@nonsense\n", encoding="ascii")
            with towpath:
                for _ in range(8):
                    check(not answers(lab), "the peer believed a smaller time stamp")
                said = lab.log("gateway.log")
                check(f"{kept} does not hold a time stamp" in said, f"nothing is said: {said}")
