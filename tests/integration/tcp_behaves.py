#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""RFC 5382 REQ-1, REQ-3, REQ-8 and N25: for a bound TCP socket mapping is endpoint-independent,
filtering address-and-port-dependent, and two inside endpoints reach each other by their outside ones
after each has spoken to the other.

    a -- lan -- towpath -- router -- stun (198.51.100.1 and .2, ports 7001 and 7002)
"""
from support import B, Lab, Towpath, behaviour, equal, measure


@behaviour
def tcp_behaves():
    with Lab("tcp") as lab:
        measure.start_services(lab, file_bytes=1)
        with Towpath(lab):
            wanted = {"mapping": "EIM", "filtering": "APDF", "hairpin": "after-contact"}
            equal(measure.tcp_behaviour(lab), wanted, "TCP from a")
            equal(measure.tcp_behaviour(lab, "b", B), wanted, "TCP from b")
