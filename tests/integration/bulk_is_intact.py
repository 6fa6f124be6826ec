#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""1 GiB through iperf3 in each direction, and a file over HTTP that is the same by SHA-256.

    a, b -- lan -- towpath -- router -- web (iperf3, http)
"""
# timeout_s: 240
from support import Lab, Towpath, behaviour, check, equal, measure


@behaviour
def bulk_is_intact():
    with Lab("bulk") as lab:
        measure.start_services(lab, file_bytes=128 << 20)
        with Towpath(lab):
            for direction, options in (("out", ()), ("in", ("-R",))):
                # What is still on its way when iperf3 ends is not in the receiver's count.
                seen = measure.iperf(lab, "-n", "1100M", *options, timeout=100)
                check(seen["bytes"] >= 1 << 30, f"1 GiB {direction}: only {seen}")
                print(f"1 GiB {direction}: {seen['gbps']:.2f} Gbit/s, "
                      f"{seen['retransmits']} retransmissions")
            for host in ("a", "b"):
                equal(measure.fetch(lab, host)["words"], "same", f"the file that {host} fetched")
