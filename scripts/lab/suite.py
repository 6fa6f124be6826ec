# SPDX-License-Identifier: BSD-3-Clause
"""The traffic that every tunnel has to carry (wireguard.md section 19 number 2): floods of pings,
TCP one way and the other, UDP as fast as it goes, a TCP stream per core; in both families."""

import os
import re
import time

from . import measure
from .topology import LabError

FLOOD = 500


def flood(lab, host, target):
    """Every one of a flood of pings is answered, but for one in a hundred."""
    words = lab.run(host, "ping", "-f", "-q", "-n", "-c", FLOOD, "-W", "2", target).stdout
    found = re.search(r"(\d+) received", words)
    received = int(found.group(1)) if found else 0
    if received < FLOOD * 0.99:
        raise LabError(f"flood from {host} to {target}: {received} of {FLOOD} answered: {words}")


def transfer(lab, *options, host, target, seconds):
    """measure.iperf, tried again for a while: the server closes its socket between two runs."""
    for _ in range(3):
        try:
            return measure.iperf(lab, *options, host=host, target=target, seconds=seconds)
        except LabError:
            time.sleep(0.5)
    return measure.iperf(lab, *options, host=host, target=target, seconds=seconds)


def carry(lab, pairs, seconds=1, near="a", far="web"):
    """{what: Gbit/s}. `pairs` are addresses of the two hosts; `far` runs iperf3 -s."""
    rates = {}
    for near_address, far_address in pairs:
        flood(lab, near, far_address)
        flood(lab, far, near_address)
        family = "IPv6" if ":" in far_address else "IPv4"
        for what, options in (("TCP", ()), ("TCP back", ("-R",)),
                              ("TCP parallel", ("-P", os.cpu_count() or 1)),
                              ("UDP", ("-u", "-b", "0")), ("UDP back", ("-u", "-b", "0", "-R"))):
            found = transfer(lab, *options, host=near, target=far_address, seconds=seconds)
            if found["bytes"] < 100_000:
                raise LabError(f"{what} to {far_address}: {found['bytes']} bytes in {seconds} s")
            rates[f"{what}, {family}"] = found["gbps"]
    return rates
