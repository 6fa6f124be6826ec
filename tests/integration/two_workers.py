#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two workers behave as one (ST-7, N11): many flows over both, none lost, none remapped, mapping and
filtering as with one, TCP intact.

    a, b -- lan -- towpath (cores 0 and 1) -- router -- stun, web
"""
# timeout_s: 150
import os

from support import (QUICK_START, Lab, Towpath, behaviour, equal, measure, sequence, skip, start_echo)


@behaviour
def two_workers():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        skip("one core: two workers need two")
    config = QUICK_START + f"dataplane: {{cores: [{cores[0]}, {cores[1]}]}}\n"
    with Lab("two") as lab:
        measure.start_services(lab, file_bytes=32 << 20)
        start_echo(lab)
        with Towpath(lab, config) as towpath:
            account = sequence(lab, 2000, 4, flows=400)()
            equal((account["lost"], account["remapped"]), (0, 0), f"lost, remapped in {account}")
            seen = measure.udp_behaviour(lab)
            equal((seen["mapping"], seen["filtering"]), ("EIM", "EIF"), "UDP")
            equal(measure.tcp_behaviour(lab).get("mapping"), "EIM", "TCP mapping")
            measure.iperf(lab, "-P", "8", seconds=3)
            equal(measure.fetch(lab)["words"], "same", "the file")
            equal([core["core"] for core in towpath.json("status")["cores"]], cores[:2],
                  "the workers' cores")
