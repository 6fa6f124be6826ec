#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N9, `adopt-address: true`: the kernel's address leaves the port while Towpath holds it and is back
afterwards, also when the data plane was killed in between.

    a -- lan0 (kernel: 10.77.1.1/24) towpath wan0 -- router
"""
import os
import re
import signal

from support import LAN_ADDRESS, QUICK_START, Lab, Towpath, behaviour, check, equal

CONFIG = QUICK_START.replace("{name: lan0}, ", "{name: lan0}, adopt-address: true, ")


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
        towpath = Towpath(lab, CONFIG)
        towpath.start()
        equal(kernel_addresses(), [], "while it is held")
        dataplane = towpath.pid_of("towpathd")
        os.kill(dataplane, signal.SIGKILL)
        lab.wait_for("another data plane",
                     lambda: towpath.pid_of("towpathd") not in (0, dataplane), 5)
        towpath.wait_until_it_forwards(10)
        equal(kernel_addresses(), [], "held again after kill -9")
        equal(towpath.stop(), 0, "towpath run")
        equal(kernel_addresses(), [given], "after the end")
        check(not list(towpath.run_dir.glob("adopted-*")), "nothing is left to give back")
