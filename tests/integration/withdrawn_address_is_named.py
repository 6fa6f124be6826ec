#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""An address that leaves the pool by a reload takes its mappings with it: the log says how many, and
the host goes on from the address that stays.

    a -- lan -- towpath -- router -- stun
"""
from support import (QUICK_START, Lab, Towpath, behaviour, check, equal, outside_endpoint,
                     socket_in, start_flow_server)

POOL = ("192.0.2.20", "192.0.2.21")


def with_pool(*addresses):
    return QUICK_START.replace("pool: [wan]", f"pool: [{', '.join(addresses)}]")


@behaviour
def withdrawn_address_is_named():
    with Lab("wdraw") as lab:
        start_flow_server(lab)
        with Towpath(lab, with_pool(*POOL)) as towpath, socket_in(lab, "a") as one, \
                socket_in(lab, "a") as other:
            address = outside_endpoint(one)[0]
            equal(outside_endpoint(other)[0], address, "the address that a is paired with")
            pings = sum(row["outside"].startswith(address) for row in
                        towpath.json("nat", "show", "--inside", "10.77.1.11")["mappings"]
                        if row["protocol"] == "icmp")
            (stays,) = set(POOL) - {address}
            towpath.write(with_pool(stays))
            done = towpath.client("reload")
            equal(done.returncode, 0, f"reload: {done.stdout}{done.stderr}")
            said = f"towpathd: {address} leaves the pool: {2 + pings} mappings end"
            check(said in lab.log("gateway.log"), f"not '{said}': {towpath.words()}")
            lab.wait_for("the other address", lambda: outside_endpoint(one)[0] == stays, 10)
