#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N10: the addresses of an interface change by `towpath reload`. The host's TAP stays the same netdev;
the new address is answered and the host speaks from it; an address that stays is never away; mappings
and forwarding go on.

    a -- lan -- lan (host's programs) / lan0 towpath wan0 -- router -- stun
"""
import re
import subprocess

from support import (A, LAN_ADDRESS, QUICK_START, STUN, Lab, Towpath, behaviour, check, equal,
                     measure, outside_endpoint, socket_in, start_flow_server)

OTHER = "10.77.1.2"
PINGS = 200


def with_addresses(*addresses):
    listed = ", ".join(f"{address}/24" for address in addresses)
    return QUICK_START.replace(f"[{LAN_ADDRESS}/24]", f"[{listed}]")


def netdev(lab):
    """(index, addresses) of the host's TAP."""
    shown = lab.must("gateway", "ip", "-4", "address", "show", "dev", "lan")
    return int(shown.split(":", 1)[0]), re.findall(r"inet (\S+)/24", shown)


@behaviour
def address_change_keeps_the_host():
    with Lab("addresses") as lab:
        start_flow_server(lab)
        with Towpath(lab) as towpath:
            inside = socket_in(lab, "a", address=A)
            endpoint = outside_endpoint(inside)
            index, addresses = netdev(lab)
            equal(addresses, [LAN_ADDRESS], "the host's addresses at the start")

            def change(*wanted):
                towpath.write(with_addresses(*wanted))
                done = towpath.client("reload")
                equal(done.returncode, 0, f"towpath reload: {done.stdout}{done.stderr}")
                equal(netdev(lab), (index, list(wanted)), "index and addresses of the host's TAP")
                check("tp-lan" not in lab.must("gateway", "ip", "link"), "it has another name")
                routes = lab.must("gateway", "ip", "route", "show", "10.77.1.0/24")
                check("dev lan" in routes, f"the host's route to inside hosts: {routes}")

            def works(address):
                lab.must("a", "ip", "route", "replace", "default", "via", address)
                equal(outside_endpoint(inside), endpoint, f"the mapping with {address}")
                equal(measure.ping(lab, "a", address)["received"], 5, f"a pings {address}")
                said = lab.run("gateway", "ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, "-I",
                               address, A).stdout
                check("3 received" in said, f"the host pings a from {address}: {said}")
                equal(measure.ping(lab, "gateway", STUN)["received"], 5, "the host pings outside")

            change(OTHER)
            works(OTHER)
            change(LAN_ADDRESS)
            works(LAN_ADDRESS)
            # The first address of a network goes, the second stays.
            change(LAN_ADDRESS, OTHER)
            pings = lab.spawn("a", "ping", "-n", "-q", "-c", PINGS, "-i", 0.02, "-W", 2, OTHER,
                              stdout=subprocess.PIPE, text=True)
            change(OTHER)
            said, _ = pings.communicate(timeout=30)
            check(f"{PINGS} received" in said, f"an address that stayed was away: {said}")
            works(OTHER)
