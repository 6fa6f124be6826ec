#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""An inside host that sends to an outside neighbour which answers no ARP hears host unreachable, with
its packet as it sent it although it had been translated.

    a, b -- lan -- towpath -- router        192.0.2.99: nobody
"""
import socket
import time

from support import (A, B, LAN_ADDRESS, Lab, Towpath, behaviour, check, counted, equal, received,
                     socket_in)

NOBODY, PORT, FAR = "192.0.2.99", 5000, 7000


@behaviour
def dead_next_hop_is_told():
    with Lab("dead") as lab:
        with Towpath(lab) as towpath:
            listener = socket_in(lab, "a", socket.SOCK_RAW, timeout_s=6,
                                 protocol=socket.IPPROTO_ICMP)
            # b takes the port first, so that a's cannot be preserved.
            socket_in(lab, "b", address=B, port=PORT).sendto(b"b", (NOBODY, FAR))
            time.sleep(0.2)
            socket_in(lab, "a", address=A, port=PORT).sendto(b"a", (NOBODY, FAR))
            answer = received(listener)
            check(answer is not None, "nothing was heard")
            equal(answer[1][0], LAN_ADDRESS, "who says so")
            icmp = answer[0][20:]
            equal(tuple(icmp[:2]), (3, 1), "type and code")
            quoted, udp = icmp[8:28], icmp[28:36]
            equal((socket.inet_ntoa(quoted[12:16]), socket.inet_ntoa(quoted[16:20])), (A, NOBODY),
                  "quoted addresses")
            equal((int.from_bytes(udp[:2], "big"), int.from_bytes(udp[2:4], "big")), (PORT, FAR),
                  "quoted ports")
            counted(lab, towpath, "neighbor_unreachable", 2)
