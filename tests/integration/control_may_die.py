#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N23: `kill -9` of towpath-control under load loses no packet; it is restarted, adopts what runs,
and the operator's client answers again with the same mappings. The log tells that end from an orderly
one, and says what ran and what there was at the stop.

    a -- lan -- towpath -- router -- web (sequence_echo)
"""
import os
import re
import signal

from support import (A, Lab, Towpath, behaviour, check, equal, loss_free, outside_endpoint,
                     socket_in, start_echo, start_flow_server)


CUT_SHORT = "towpath-control: previous run ended without a stop"


def lines_with(towpath, words):
    return [line for line in towpath.words(100).splitlines() if words in line]


@behaviour
def control_may_die():
    with Lab("ctl") as lab:
        start_echo(lab)
        start_flow_server(lab)
        with Towpath(lab) as towpath:
            inside = socket_in(lab, "a", address=A)
            before = outside_endpoint(inside)
            dataplane, control = towpath.pid_of("towpathd"), towpath.pid_of("towpath-control")
            check(dataplane and control, f"two processes run: {dataplane}, {control}")
            loss_free(lab, lambda: os.kill(towpath.pid_of("towpath-control"), signal.SIGKILL), towpath)
            lab.wait_for("a new control", lambda: towpath.client("status").returncode == 0, 10)
            check(towpath.pid_of("towpath-control") not in (0, control), "control is a new process")
            equal(towpath.pid_of("towpathd"), dataplane, "the data plane's pid")
            equal(outside_endpoint(inside), before, "the mapping from before")
            found = towpath.client("nat", "lookup", f"{before[0]}:{before[1]}/udp").stdout
            check(f"{A}:{inside.getsockname()[1]}" in found, f"nat lookup says: {found}")
            equal(len(lines_with(towpath, CUT_SHORT)), 1, "lines about the killed control")
            lab.wait_for("a line of each control about what runs", lambda: len(lines_with(
                towpath, "on core")) == 2, 5)
            check("lan af_packet inside, wan af_packet outside" in lines_with(towpath, "on core")[0],
                  f"what runs: {towpath.words()}")
        equal(len(lines_with(towpath, "stops: SIGTERM, ran for ")), 1, "lines about the stop")
        stop = lines_with(towpath, "stops: ")[0]
        check(re.search(r"generation 2, mappings [1-9]\d* udp", stop), f"what there was: {stop}")
        with towpath:
            check(not lines_with(towpath, "towpathd: previous run"), "the data plane was stopped")
            equal(len(lines_with(towpath, CUT_SHORT)), 1, "lines of a control that was stopped")
