#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The `tap` driver on both sides, each bridged to a cable by the kernel: endpoint-independent UDP, a
file intact; a netdev that somebody deletes is made again; and the netdevs gone at the end.

    a -- lan0 [bridge - taplan | towpath | tapwan - bridge] wan0 -- router -- stun, web
"""
import re

from support import QUICK_START, Lab, Towpath, behaviour, check, equal, measure

CONFIG = (QUICK_START.replace("{name: lan0}", "{name: taplan}")
          .replace("{name: wan0}", "{name: tapwan}").replace("af_packet", "tap"))


def bridged(lab, tap, cable, number):
    """A bridge believes that the address of its port is its own: the netdev gets another one than
    Towpath speaks with."""
    for words in (("link", "set", tap, "address", f"02:00:5e:00:53:{number:02x}"),
                  ("link", "add", f"br-{cable}", "type", "bridge", "forward_delay", "0"),
                  ("link", "set", tap, "master", f"br-{cable}"),
                  ("link", "set", cable, "master", f"br-{cable}"),
                  ("link", "set", tap, "up"), ("link", "set", f"br-{cable}", "up")):
        lab.must("gateway", "ip", *words)


@behaviour
def tap_carries_it():
    with Lab("tap") as lab:
        measure.start_services(lab, file_bytes=1 << 20)
        towpath = Towpath(lab, CONFIG)
        towpath.launch()
        lab.wait_for("a status", lambda: towpath.client("status").returncode == 0, 15)
        rows = {row["name"]: row for row in towpath.json("interfaces")["interfaces"]}
        equal({row["driver"] for row in rows.values()}, {"tap"}, "the drivers")
        bridged(lab, "taplan", "lan0", 1)
        bridged(lab, "tapwan", "wan0", 2)
        towpath.wait_until_it_forwards(10)
        seen = measure.udp_behaviour(lab)
        equal((seen["mapping"], seen["filtering"]), ("EIM", "EIF"), "UDP")
        equal(measure.fetch(lab)["words"], "same", "the file")
        lab.must("gateway", "ip", "link", "delete", "taplan")
        lab.wait_for("taplan, made again", lambda: lab.run(
            "gateway", "ip", "link", "show", "dev", "taplan").returncode == 0, 5)
        lab.must("gateway", "ip", "link", "delete", "br-lan0")
        bridged(lab, "taplan", "lan0", 1)
        towpath.wait_until_it_forwards(10)
        equal(towpath.stop(), 0, "towpath run")
        left = re.findall(r"\btap(?:lan|wan)\b", lab.must("gateway", "ip", "-o", "link"))
        check(not left, f"netdevs are left: {left}")
