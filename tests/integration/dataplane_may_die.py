#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N15: after `kill -9` of towpathd packets are forwarded again within one second, programmed without
being asked, and a UDP flow comes back on the same outside port by preservation. Three times.

    a -- lan -- towpath -- router -- web (sequence_echo)
"""
import os
import signal
import time

from support import (A, Lab, Towpath, behaviour, check, equal, outside_endpoint, sequence, socket_in,
                     start_echo, start_flow_server)


@behaviour
def dataplane_may_die():
    with Lab("dp") as lab:
        start_echo(lab)
        start_flow_server(lab)
        with Towpath(lab) as towpath:
            inside = socket_in(lab, "a", address=A)
            before = outside_endpoint(inside)
            control = towpath.pid_of("towpath-control")
            for _ in range(3):
                dataplane = towpath.pid_of("towpathd")
                check(dataplane, "the data plane runs")
                account = sequence(lab, 1000, 5)
                time.sleep(2)
                os.kill(dataplane, signal.SIGKILL)
                seen = account()
                print(f"longest silence {seen['longest_silence_ms']:.0f} ms, {seen['lost']} lost")
                check(seen["longest_silence_ms"] <= 1000, f"more than one second: {seen}")
                check(seen["lost"] < 1100, f"more than a second's worth was lost: {seen}")
                check(towpath.pid_of("towpathd") not in (0, dataplane), "a new data plane runs")
            equal(towpath.pid_of("towpath-control"), control, "control's pid")
            equal(outside_endpoint(inside), before, "the outside endpoint")
