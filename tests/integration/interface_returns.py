#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N12: an interface is removed and put back; forwarding returns by itself, mappings stay, neither
process was restarted, the host's own traffic (N10) goes on. First the outside one, then the inside one.

    a -- lan -- lan0 towpath wan0 -- router -- stun
"""
from support import (A, STUN, Lab, Towpath, behaviour, check, equal, measure, outside_endpoint,
                     socket_in, start_flow_server)
from lab.gateway import crosses


def host_reaches(lab, target):
    return measure.ping(lab, "gateway", target, count=2)["received"] == 2


@behaviour
def interface_returns():
    with Lab("iface") as lab:
        start_flow_server(lab)
        with Towpath(lab) as towpath:
            inside = socket_in(lab, "a", address=A)
            before = outside_endpoint(inside)
            pids = towpath.pid_of("towpathd"), towpath.pid_of("towpath-control")
            for interface in ("wan0", "lan0"):
                lab.cut(interface)
                check(not crosses(lab), f"without {interface} nothing crosses")
                gone = f"the device {interface} is gone"
                lab.wait_for(f"a status that says {gone}",
                             lambda what=gone: what in towpath.client("status").stdout, 5)
                warned = towpath.client("check", towpath.config)
                check(f"this machine has no device {interface} now" in warned.stdout and
                      warned.returncode == 0, f"check without {interface}: {warned}")
                lab.lay_again(interface)
                lab.wait_for(f"forwarding with {interface} back", lambda: crosses(lab), 10)
                equal(outside_endpoint(inside), before, f"the mapping after {interface} came back")
                lab.wait_for(f"a status that says nothing of it with {interface} back",
                             lambda: "is gone" not in towpath.client("status").stdout, 5)
                equal(towpath.client("check", towpath.config).stdout, f"{towpath.config}: ok\n",
                      f"check with {interface} back")
                for target in (A, STUN):
                    # The host's side of the port follows the port.
                    lab.wait_for(f"the host's own pings of {target} with {interface} back",
                                 lambda to=target: host_reaches(lab, to), 10)
            equal((towpath.pid_of("towpathd"), towpath.pid_of("towpath-control")), pids, "pids")
