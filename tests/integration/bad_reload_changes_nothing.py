#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""BAD-CFG: a reload of a broken file is refused with file:line:column and exit code 2, loses no packet
and leaves the running configuration as it was; `towpath check` says the same.

    a -- lan -- towpath -- router -- web, stun
"""
# timeout_s: 120
from support import (QUICK_START, Lab, Towpath, behaviour, check, equal, loss_free, measure,
                     start_echo)

BROKEN = QUICK_START.replace("10.77.1.1/24", "10.77.1.1/33").replace("pool:", "pol:")


@behaviour
def bad_reload_changes_nothing():
    with Lab("bad") as lab:
        measure.start_services(lab, file_bytes=1)
        start_echo(lab)
        with Towpath(lab) as towpath:
            def reload():
                towpath.write(BROKEN)
                done = towpath.client("reload")
                words = done.stdout + done.stderr
                check(done.returncode != 0, f"a broken file was taken: {words}")
                check(f"{towpath.config.name}:3:" in words and f"{towpath.config.name}:6:" in words,
                      f"both errors with their lines: {words}")

            loss_free(lab, reload, towpath)
            equal(towpath.client("check", towpath.config).returncode, 2, "towpath check")
            seen = measure.udp_behaviour(lab)
            equal((seen["mapping"], seen["filtering"]), ("EIM", "EIF"), "the configuration in force")
