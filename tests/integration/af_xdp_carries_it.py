#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The af_xdp driver in the place of af_packet (N8): the same behaviour, traffic intact, the program
gone after `kill -9` and at the end.

    a -- lan -- towpath (af_xdp on both) -- router -- stun, web
"""
# timeout_s: 150
import os
import signal

from support import QUICK_START, WEB, Lab, Towpath, behaviour, check, equal, measure
from lab.gateway import crosses


def has_program(lab, interface):
    return "prog/xdp" in lab.must("gateway", "ip", "link", "show", interface)


@behaviour
def af_xdp_carries_it():
    config = QUICK_START.replace("af_packet", "af_xdp")
    with Lab("xdp") as lab:
        measure.start_services(lab, file_bytes=32 << 20)
        with Towpath(lab, config) as towpath:
            seen = measure.udp_behaviour(lab)
            equal((seen["mapping"], seen["filtering"]), ("EIM", "EIF"), "UDP")
            equal(measure.fetch(lab)["words"], "same", "the file")
            # Identifiers like the host's ports, replies to which stay with the kernel.
            words = lab.run("a", "ping", "-n", "-c2", "-i0.2", "-W2", "-e", 62000, WEB).stdout
            check(" 2 received" in words, f"a pings web as 62000: {words}")
            print(f"iperf3 {measure.iperf(lab, seconds=3)['gbps']:.2f} Gbit/s")
            for interface in ("lan0", "wan0"):
                check(has_program(lab, interface), f"no XDP program on {interface}")
            os.kill(towpath.pid_of("towpathd"), signal.SIGKILL)
            lab.wait_for("forwarding after kill -9", lambda: crosses(lab), 10)
        for interface in ("lan0", "wan0"):
            check(not has_program(lab, interface), f"an XDP program is left on {interface}")
