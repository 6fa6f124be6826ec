#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N23: `kill -9` of towpath-control under load loses no packet; it is restarted, adopts what runs,
and the operator's client answers again with the same mappings.

    a -- lan -- towpath -- router -- web (sequence_echo)
"""
import os
import signal

from support import (A, Lab, Towpath, behaviour, check, equal, loss_free, outside_endpoint,
                     socket_in, start_echo, start_flow_server)


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
