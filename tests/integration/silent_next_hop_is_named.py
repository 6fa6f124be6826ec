#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A router to which two static routes lead does not answer ARP: `status` and the log name it and its
routes, and say when it is there.

    a -- lan -- towpath -- router (without 192.0.2.9, then with it) -- web
"""
from support import Lab, Towpath, behaviour, check
from lab.gateway import QUICK_START

CONFIG = QUICK_START.replace(
    "static: [", "static: [{to: 203.0.113.0/26, via: 192.0.2.9}, {to: 198.51.100.0/24, via: 192.0.2.9}, ")
WEB = "203.0.113.10"
HOP = "next hop 192.0.2.9 of 203.0.113.0/26 and 1 more by wan"
DEAD = f"{HOP} does not answer"


def _pings(lab):
    return " 1 received" in lab.run("a", "ping", "-n", "-c", "1", "-W", "1", WEB).stdout


@behaviour
def silent_next_hop_is_named():
    check(CONFIG != QUICK_START, "the configuration has no second router")
    with Lab("silent") as lab:
        towpath = Towpath(lab, CONFIG)
        towpath.launch()
        try:
            lab.wait_for("a status", lambda: "forwarding" in towpath.client("status").stdout, 20)
            check(DEAD not in towpath.client("status").stdout, "said before anybody asked")
            lab.wait_for(f"a status that says {DEAD}",
                         lambda: not _pings(lab) and DEAD in towpath.client("status").stdout, 20)
            hops = towpath.json("status")["dead_next_hops"]
            check(hops == [{"interface": "wan", "address": "192.0.2.9",
                            "routes": "203.0.113.0/26 and 1 more"}], f"dead_next_hops: {hops}")
            lab.must("router", "ip", "address", "add", "192.0.2.9/32", "dev", "gw0")
            lab.wait_for("a status that says nothing of it", lambda: _pings(lab) and DEAD not in
                         towpath.client("status").stdout, 20)
            log = lab.log(f"{towpath.label}.log")
            check(log.count(DEAD) == 1 and log.count(f"{HOP} answers again") == 1, f"log:\n{log}")
        finally:
            towpath.stop()
