#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N9, N10, N18: the box's own programs reach inside and outside through the ports that Towpath holds;
their source ports are those of host-ports, never a mapping's; a service listed in local.allow is
reached from inside and not from outside; at the end the kernel's port range is what it was.

    a -- lan -- lan0 (host's programs, towpath) wan0 -- router -- web
"""
import socket

from support import (A, LAN_ADDRESS, QUICK_START, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check,
                     equal, measure, socket_in)

CONFIG = QUICK_START + "local: {allow: [{from: lan, protocol: tcp, port: 22}]}\n"
RANGE = "net.ipv4.ip_local_port_range"


def answers(lab, host, address):
    caller = socket_in(lab, host, socket.SOCK_STREAM, timeout_s=2)
    try:
        caller.connect((address, 22))
        return caller.recv(5) == b"hello"
    except OSError:
        return False


@behaviour
def host_speaks_for_itself():
    with Lab("host") as lab:
        measure.start_services(lab, file_bytes=1 << 20)
        before = lab.must("gateway", "sysctl", "-n", RANGE).split()
        with Towpath(lab, CONFIG):
            equal(lab.must("gateway", "sysctl", "-n", RANGE).split(), ["61000", "65535"],
                  "the kernel's port range while Towpath runs")
            for target in (A, WEB):
                equal(measure.ping(lab, "gateway", target)["received"], 5, f"the host pings {target}")
            equal(measure.fetch(lab, "gateway")["words"], "same", "the file that the host fetched")
            greeter = socket_in(lab, "gateway", socket.SOCK_STREAM, "0.0.0.0", 22)
            greeter.listen()
            caller = socket_in(lab, "a", socket.SOCK_STREAM)
            caller.connect((LAN_ADDRESS, 22))
            greeter.accept()[0].sendall(b"hello")
            equal(caller.recv(5), b"hello", "what the listed service says to an inside host")
            greeter.settimeout(0.5)
            check(not answers(lab, "stun", WAN_ADDRESS), "the service is reached from outside")
            # Traffic of inside hosts goes on beside it.
            equal(measure.fetch(lab)["words"], "same", "the file that a fetched")
        equal(lab.must("gateway", "sysctl", "-n", RANGE).split(), before, "the port range afterwards")
