#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""`towpath reload` and SIGHUP under traffic lose no packet (N23), the new configuration is in force
afterwards, and what cannot be applied live is said, not applied.

    a -- lan -- towpath -- router -- web, stun
"""
# timeout_s: 150
import signal

from support import (QUICK_START, Lab, Towpath, behaviour, check, equal, loss_free, measure,
                     start_echo)

CHANGED = QUICK_START.replace("udp: endpoint-independent", "udp: address-and-port-dependent")


@behaviour
def reload_loses_nothing():
    with Lab("reload") as lab:
        measure.start_services(lab, file_bytes=1)
        start_echo(lab)
        with Towpath(lab) as towpath:
            pid = towpath.pid_of("towpathd")

            def reload():
                towpath.write(CHANGED)
                done = towpath.client("reload")
                equal(done.returncode, 0, f"towpath reload: {done.stdout}{done.stderr}")

            loss_free(lab, reload, towpath)
            equal(measure.udp_behaviour(lab)["filtering"], "APDF", "filtering after the reload")
            towpath.write(QUICK_START)
            loss_free(lab, lambda: towpath.process.send_signal(signal.SIGHUP), towpath)
            equal(measure.udp_behaviour(lab)["filtering"], "EIF", "filtering after SIGHUP")
            towpath.write(QUICK_START.replace("nat: {", "nat: {limits: {mappings: 4096}, "))
            done = towpath.client("reload")
            equal(done.returncode, 1, f"something was held back: {done}")
            check("not applied: nat.limits" in done.stderr, f"and it is named: {done.stderr}")
            equal(towpath.pid_of("towpathd"), pid, "the data plane's pid")
