#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""RFC 5382 REQ-4 with nat.syn-reject: who connects to an outside port that nobody inside uses hears
nothing for six seconds and then port unreachable, once; if the inside connects meanwhile, the
connection stands and nobody hears anything.

    a -- lan -- towpath -- router -- stun
"""
import errno
import select
import socket
import time

from support import (A, QUICK_START, STUN, WAN_ADDRESS, Lab, Towpath, behaviour, check, counted,
                     equal, received, socket_in)

UNUSED, PUNCHED, FAR = 5555, 6000, 7500


def connecting(lab, host, address, port, to):
    caller = socket_in(lab, host, socket.SOCK_STREAM, address, port)
    caller.setblocking(False)
    result = caller.connect_ex(to)
    check(result in (0, errno.EINPROGRESS), f"connect from {host}: {errno.errorcode.get(result)}")
    return caller


def outcome(caller, seconds):
    """0 when connected, the error's number, or None when nothing came of it in time."""
    _, ready, _ = select.select([], [caller], [], seconds)
    return caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if ready else None


def unreachable_ports(listener):
    """The ports for which `listener`, a raw ICMP socket, has heard port unreachable."""
    ports = []
    listener.settimeout(0.1)
    while (message := received(listener)) is not None:
        icmp = message[0][20:]
        if icmp[:2] == b"\x03\x03":
            ports.append(int.from_bytes(icmp[8 + 20 + 2:8 + 20 + 4], "big"))
    return ports


@behaviour
def unsolicited_syn_hears_late():
    config = QUICK_START.replace("nat: {", "nat: {syn-reject: true, ")
    with Lab("syn") as lab:
        with Towpath(lab, config) as towpath:
            listener = socket_in(lab, "stun", socket.SOCK_RAW, protocol=socket.IPPROTO_ICMP)
            began = time.monotonic()
            refused = connecting(lab, "stun", STUN, 0, (WAN_ADDRESS, UNUSED))
            far = connecting(lab, "stun", STUN, FAR, (WAN_ADDRESS, PUNCHED))
            time.sleep(1.5)
            near = connecting(lab, "a", A, PUNCHED, (STUN, FAR))
            equal((outcome(near, 4), outcome(far, 4)), (0, 0), "simultaneous open")
            equal(outcome(refused, 8), errno.ECONNREFUSED, "the unsolicited connect")
            passed = time.monotonic() - began
            print(f"refused after {passed:.2f} s")
            check(6.0 <= passed < 6.9, f"refused after {passed:.2f} s")
            counted(lab, towpath, "inbound_no_mapping", 2)  # the held one of each flow
            equal(unreachable_ports(listener), [UNUSED], "port unreachable for")
