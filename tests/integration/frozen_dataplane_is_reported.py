#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A data plane that is stopped, not dead, keeps its connection to control: status, metrics and the log
say within seconds that it does not answer, reload says so at once, and all is well when it goes on.
Then an interface that loses its link: status warns of it and the log says when it went and came.

    a -- lan -- towpath -- router
"""
import os
import signal
import time

from support import QUICK_START, Lab, Towpath, behaviour, check, equal
from lab.gateway import crosses

STOPS, GOES_ON = "the data plane does not answer for", "the data plane answers again"


def log_lines(lab, sentence):
    return sum(sentence in line for line in lab.log("gateway.log").splitlines())


def status(towpath):
    done = towpath.client("status")
    return done.returncode, done.stdout


def freeze(lab, towpath):
    dataplane = towpath.pid_of("towpathd")
    os.kill(dataplane, signal.SIGSTOP)
    try:
        # A stated 3 s without an answer, a poll each second, and a busy machine.
        lab.wait_for("status to say that nothing answers",
                     lambda: "data plane: not answering for " in status(towpath)[1], 8, pause=0.2)
        equal(status(towpath)[0], 1, "exit code of status")
        check("towpath_up 0\n" in towpath.client("metrics").stdout, "towpath_up is 0")
        towpath.write(QUICK_START + "local: {allow: [{from: lan, protocol: tcp, port: 22}]}\n")
        begin = time.monotonic()
        done = towpath.client("reload")
        check(time.monotonic() - begin < 3, "reload answers at once")
        equal(done.returncode, 3, f"exit code of reload: {done}")
        check("the data plane does not answer" in done.stderr and "not in force" in done.stderr,
              f"reload: {done}")
        equal((log_lines(lab, STOPS), log_lines(lab, GOES_ON)), (1, 0), "log lines")
    finally:
        os.kill(dataplane, signal.SIGCONT)
    lab.wait_for("status to say that it forwards", lambda: status(towpath)[0] == 0, 5, pause=0.1)
    lab.wait_for("the configuration that was read meanwhile",
                 lambda: log_lines(lab, "generation 2 applied") == 1, 5)
    check(crosses(lab), "packets cross again")
    equal((log_lines(lab, STOPS), log_lines(lab, GOES_ON)), (1, 1), "log lines")
    check("towpath_up 1\n" in towpath.client("metrics").stdout, "towpath_up is 1")
    equal(towpath.pid_of("towpathd"), dataplane, "the data plane's pid")


def lose_link(lab, towpath):
    lab.must("router", "ip", "link", "set", "gw0", "down")
    lab.wait_for("a warning of wan", lambda: "WARN  wan is down" in status(towpath)[1], 5, 0.2)
    equal(status(towpath)[0], 0, "exit code while lan is up")
    lab.must("router", "ip", "link", "set", "gw0", "up")
    lab.wait_for("no warning", lambda: "wan is down" not in status(towpath)[1], 5, 0.2)
    equal((log_lines(lab, "interface wan went down"), log_lines(lab, "interface wan is up again"),
           log_lines(lab, "interface lan")), (1, 1, 0), "log lines of interfaces")


@behaviour
def frozen_dataplane_is_reported():
    with Lab("frozen") as lab:
        with Towpath(lab) as towpath:
            freeze(lab, towpath)
            lose_link(lab, towpath)
