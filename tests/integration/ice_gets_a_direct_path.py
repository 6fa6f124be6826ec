#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two libnice agents with a STUN server and no relay: behind the kernel's random masquerade on both
sides they find no path; with Towpath in its place on one side they do.

    a -- lan -- kernel masquerade, then towpath -- router -- hard (masquerade random) -- c
                                                      \\- stun
"""
# timeout_s: 120
from support import Lab, Masquerade, Towpath, behaviour, check, equal, measure


@behaviour
def ice_gets_a_direct_path():
    with Lab("ice") as lab:
        measure.start_services(lab, file_bytes=1)
        with Masquerade(lab):
            equal(measure.ice(lab)["direct"], False, "direct path through the kernel's masquerade")
        with Towpath(lab):
            for host in ("a", "b"):
                found = measure.ice(lab, host)
                check(found["direct"], f"no direct path between {host} and c: {found}")
