#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""RFC 4787 REQ-9: b is reached from a by b's outside endpoint, sees a's outside endpoint as the
source, and its answer comes back from the endpoint that a sent to. N18: by its inside address b is
reached without translation.

    a --+
        +-- lan -- towpath -- router -- stun (flow_server tells outside endpoints)
    b --+
"""
from support import (A, B, Lab, Towpath, behaviour, equal, outside_endpoint, received, socket_in,
                     start_flow_server)


@behaviour
def hairpin_between_two_hosts():
    with Lab("hair") as lab:
        start_flow_server(lab)
        with Towpath(lab):
            one, other = socket_in(lab, "a", address=A), socket_in(lab, "b", address=B)
            one_outside, other_outside = outside_endpoint(one), outside_endpoint(other)
            one.sendto(b"question", other_outside)
            equal(received(other), (b"question", one_outside), "what b received")
            other.sendto(b"answer", one_outside)
            equal(received(one), (b"answer", other_outside), "what a received")
            # A third socket, which never spoke to anybody: its mapping is made by the hairpin.
            new = socket_in(lab, "a", address=A)
            new.sendto(b"first", other_outside)
            words, source = received(other) or (None, None)
            equal(words, b"first", "what b received from a new socket")
            other.sendto(b"back", source)
            equal(received(new), (b"back", other_outside), "what the new socket received")
            equal(outside_endpoint(new), source, "the new socket's outside endpoint")
