#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""RFC 4787 REQ-14: a fragmented ping and fragmented UDP datagrams cross both ways, unsolicited ones
from outside to an endpoint-independent mapping included.

    a -- lan -- towpath -- router -- stun, web
"""
import os

from support import (A, STUN_OTHER, WEB, Lab, Towpath, behaviour, equal, measure, outside_endpoint,
                     received, socket_in, start_flow_server)


@behaviour
def fragments_cross():
    with Lab("frag") as lab:
        start_flow_server(lab)
        with Towpath(lab):
            for size in (1473, 3000, 9000):
                equal(measure.ping(lab, size=size)["received"], 5, f"replies to a ping of {size}")
            inside = socket_in(lab, "a", address=A)
            outside = outside_endpoint(inside)
            far, stranger = socket_in(lab, "web", address=WEB), socket_in(lab, "stun",
                                                                        address=STUN_OTHER)
            for size in (1473, 3000, 20000):
                payload = os.urandom(size)
                inside.sendto(payload, far.getsockname())
                equal(received(far), (payload, outside), f"{size} bytes outbound")
                far.sendto(payload, outside)
                equal(received(inside), (payload, far.getsockname()), f"{size} bytes inbound")
                stranger.sendto(payload, outside)
                equal(received(inside), (payload, stranger.getsockname()),
                      f"{size} bytes from a stranger")
