#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N9, `adopt-address: true`: the kernel's address leaves the port while Towpath holds it and is back
afterwards, also when the data plane was killed in between, or everything and then started again. Routes
through it do not come back, and a line at the start names them.

    a -- lan0 (kernel: 10.77.1.1/24) towpath wan0 -- router
"""
import os
import re
import signal
from pathlib import Path

from support import A, LAN_ADDRESS, QUICK_START, Lab, Towpath, behaviour, check, equal

CONFIG = QUICK_START.replace("{name: lan0}, ", "{name: lan0}, adopt-address: true, ")
RANGE = "net.ipv4.ip_local_port_range"


def has_ended(pid):
    """Nothing of it is held any more, by no thread; its parent may have to ask for its exit code."""
    process = Path(f"/proc/{pid}")
    try:
        state = (process / "stat").read_text(encoding="utf-8").rsplit(") ", 1)[1][0]
        return state in "ZX" and len(list((process / "task").iterdir())) == 1
    except OSError:
        return True


def kill_everything(lab, towpath):
    """Nobody is left to restart or to restore anything."""
    pids = [towpath.process.pid, towpath.pid_of("towpath-control"), towpath.pid_of("towpathd")]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)
    towpath.process.wait(5)
    lab.wait_for("the end of all processes", lambda: all(map(has_ended, pids)), 5)


@behaviour
def adopted_addresses_come_back():
    with Lab("adopt") as lab:
        def kernel_addresses():
            shown = lab.must("gateway", "ip", "-o", "-4", "address", "show", "dev", "lan0")
            return re.findall(r"inet (\S+)", shown)

        given = f"{LAN_ADDRESS}/24"
        lab.must("gateway", "ip", "address", "add", given, "dev", "lan0")
        refused = Towpath(lab, QUICK_START, "refused")
        refused.launch()
        equal(refused.process.wait(20), 4, "without adopt-address it is refused")
        equal(kernel_addresses(), [given], "and left alone")
        lab.must("gateway", "ip", "route", "add", "203.0.113.0/24", "via", A)
        port_range = lab.must("gateway", "sysctl", "-n", RANGE).split()
        towpath = Towpath(lab, CONFIG)
        towpath.start()
        check(f"do not come back: 203.0.113.0/24 via {A}" in towpath.words(),
              f"a line at start names the route that is lost: {towpath.words()}")
        equal(kernel_addresses(), [], "while it is held")
        dataplane = towpath.pid_of("towpathd")
        os.kill(dataplane, signal.SIGKILL)
        lab.wait_for("another data plane",
                     lambda: towpath.pid_of("towpathd") not in (0, dataplane), 5)
        towpath.wait_until_it_forwards(10)
        equal(kernel_addresses(), [], "held again after kill -9")
        equal(towpath.stop(), 0, "towpath run")
        equal(kernel_addresses(), [given], "after the end")
        equal(lab.must("gateway", "ip", "route", "show", "203.0.113.0/24"), "", "the lost route")
        check(not list(towpath.run_dir.glob("adopted-*")), "nothing is left to give back")

        def has_filter():
            return "towpath_guard" in lab.must("gateway", "tc", "filter", "show", "dev", "lan0",
                                               "ingress")

        towpath.start()
        kill_everything(lab, towpath)
        equal(kernel_addresses(), [], "after kill -9 of everything")
        check(has_filter(), "the kernel is still kept off the port")
        equal(lab.must("gateway", "sysctl", "-n", RANGE).split(), ["61000", "65535"], "still set")
        towpath.start()
        equal(towpath.stop(), 0, "towpath run that was started again")
        equal(kernel_addresses(), [given], "the next start and its end give the address back")
        check(not has_filter(), "and take the filter away")
        equal(lab.must("gateway", "sysctl", "-n", RANGE).split(), port_range, "the port range")
