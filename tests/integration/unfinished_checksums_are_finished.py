#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N7: a client that leaves its checksum offload on sends frames whose checksum nobody finished; they
are completed, so UDP and TCP work in both directions.

    a (tx, tso, gso on) -- lan -- towpath -- router -- web
"""
from support import (A, Lab, Towpath, behaviour, check, equal, measure, outside_endpoint, socket_in,
                     start_flow_server)


@behaviour
def unfinished_checksums_are_finished():
    with Lab("offl", offloads_on=("a", "lan")) as lab:
        measure.start_services(lab, file_bytes=4 << 20)
        start_flow_server(lab)
        # Checksums stay with the "hardware"; frames above the MTU would drop as l2_oversize.
        for host, interface in (("a", "eth0"), ("lan", "port-gw"), ("lan", "port-a")):
            lab.must(host, "ethtool", "-K", interface, "tx", "on", "tso", "off", "gso", "off")
        offloads = lab.must("a", "ethtool", "-k", "eth0")
        check("tx-checksumming: on" in offloads, "a's checksum offload is on")
        with Towpath(lab) as towpath:
            outside_endpoint(socket_in(lab, "a", address=A))
            equal(measure.fetch(lab)["words"], "same", "the file")
            measure.iperf(lab, seconds=2)
            lab.wait_for("completed checksums to be counted",
                         lambda: towpath.figure("checksum_completed") > 0, 5, pause=0.2)
