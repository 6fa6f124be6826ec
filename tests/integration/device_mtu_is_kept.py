#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Where no `mtu` is written a device that the network made narrower stays so, and packets above it
are answered; a wider one is set to 1500, and the operator is told.

    a -- lan -- (9000) lan0 towpath wan0 (1400) -- (1400) router -- web
"""
from support import WEB, Lab, Towpath, behaviour, check, equal, measure


def _mtu(lab, device):
    return int(lab.must("gateway", "cat", f"/sys/class/net/{device}/mtu"))


@behaviour
def device_mtu_is_kept():
    with Lab("devmtu") as lab:
        measure.start_services(lab, file_bytes=4 << 20)
        for host, device, mtu_bytes in (("gateway", "wan0", 1400), ("router", "gw0", 1400),
                                        ("gateway", "lan0", 9000)):
            lab.must(host, "ip", "link", "set", device, "mtu", str(mtu_bytes))
        with Towpath(lab) as towpath:
            equal((_mtu(lab, "wan0"), _mtu(lab, "lan0")), (1400, 1500), "the devices' MTUs")
            said = towpath.client("interfaces").stdout
            check("mtu 1400" in said and "mtu 1500" in said, f"interfaces: {said}")
            status = towpath.client("status").stdout
            check("lan: the MTU of lan0 was 9000 and is now 1500" in status, f"status: {status}")
            check("the MTU of wan0" not in status, f"status: {status}")
            words = lab.run("a", "ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s",
                            "1400", WEB).stdout
            check("mtu = 1400" in words or "mtu=1400" in words, f"nobody told of 1400:\n{words}")
            fetched = lab.run("a", "curl", "-s", "-o", "/dev/null", "-w", "%{size_download}", "-m",
                              "20", f"http://{WEB}:{measure.HTTP_PORT}/file")
            equal(fetched.stdout, str(4 << 20), "bytes of a download")
