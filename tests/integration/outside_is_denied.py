#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N18: from outside the box answers echo and nothing else, a private destination is not reached, and
nothing unsolicited reaches an inside host; the kernel behind the ports stays silent (N9).

    a -- lan -- towpath -- router (with a route to 10.77.1.0/24) -- stun
"""
import socket

from support import (A, LAN_ADDRESS, WAN_ADDRESS, Lab, Towpath, behaviour, counted, equal, measure,
                     received, socket_in)


@behaviour
def outside_is_denied():
    with Lab("deny") as lab:
        lab.must("router", "ip", "route", "add", "10.77.1.0/24", "via", WAN_ADDRESS)
        with Towpath(lab) as towpath:
            equal(measure.ping(lab, "stun", WAN_ADDRESS, interval=0.3)["received"], 5,
                  "echo of the outside address")
            equal(measure.ping(lab, "a", LAN_ADDRESS)["received"], 5, "echo of the inside address")
            equal(measure.ping(lab, "stun", A, count=2)["received"], 0, "echo of a private host")
            for target in ((WAN_ADDRESS, 22), (A, 22)):
                caller = socket_in(lab, "stun", socket.SOCK_STREAM, timeout_s=1.5)
                try:
                    caller.connect(target)
                    answered = "connected"
                except ConnectionRefusedError:
                    answered = "refused"
                except OSError:
                    answered = "silence"
                equal(answered, "silence", f"TCP to {target}")
            listener = socket_in(lab, "a", address=A, port=5353, timeout_s=0.5)
            socket_in(lab, "stun").sendto(b"unsolicited", (A, 5353))
            socket_in(lab, "stun").sendto(b"unsolicited", (WAN_ADDRESS, 5353))
            equal(received(listener), None, "what an inside listener received")
            counted(lab, towpath, "inbound_no_mapping", 2)
