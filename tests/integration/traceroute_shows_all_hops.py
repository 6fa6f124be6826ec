#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every hop answers, by UDP, ICMP and TCP probes: the gateway itself, and the router beyond it whose
time-exceeded errors come back through the mapping (RFC 5508 REQ-3 to REQ-5).

    a -- lan -- towpath 10.77.1.1 -- router 192.0.2.1 -- web 203.0.113.10
"""
from support import LAN_ADDRESS, ROUTER, WEB, Lab, Towpath, behaviour, equal, measure


@behaviour
def traceroute_shows_all_hops():
    with Lab("trace") as lab:
        measure.start_services(lab, file_bytes=1)
        with Towpath(lab):
            equal(measure.hops(lab), [LAN_ADDRESS, ROUTER, WEB], "hops by UDP")
            for options in (("-I",), ("-T", "-p", str(measure.HTTP_PORT))):
                words = lab.must("a", "traceroute", "-n", "-q", "2", "-w", "1", "-m", "8", *options,
                                 WEB)
                seen = [line.split()[1] for line in words.splitlines()[1:]]
                equal(seen, [LAN_ADDRESS, ROUTER, WEB], f"hops by {options[0]}")
