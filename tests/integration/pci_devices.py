#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N24: the pci driver on virtio-net devices bound to uio_pci_generic, to igb_uio and to vfio-pci
(emulated IOMMU), in a machine of its own under software emulation: ping, and 10 MB over HTTP intact by
checksum.

    a -- lan -- lan0 [bridge - QEMU 0000:00:02.0 | towpath | 0000:00:03.0 - bridge] wan0 -- router -- web
"""
# timeout_s: 420
from support import Lab, LabError, behaviour, check, equal, measure, skip
from lab.emulated import install_packages, why_not
from lab.machine import TowpathMachine, igb_uio_module


def drivers():
    """igb_uio is not in Debian's kernel: where its source or the headers cannot be had it is left
    out, and that is said."""
    try:
        igb_uio_module()
        return "uio_pci_generic", "igb_uio", "vfio-pci"
    except (LabError, OSError) as wrong:
        print(f"igb_uio was not tried: {str(wrong).splitlines()[0]}")
        return "uio_pci_generic", "vfio-pci"


@behaviour
def pci_devices():
    install_packages()
    reason = why_not()
    if reason:
        skip(reason)
    with Lab("pci") as lab:
        measure.start_services(lab, file_bytes=10_000_000)
        for driver in drivers():
            with TowpathMachine(lab, driver) as machine:
                check(f"0000:00:03.0 0x1af4 ../../../bus/pci/drivers/{driver}" in machine.words(99),
                      f"the devices are bound to {driver}: {machine.words(99)}")
                seen = measure.ping(lab, interval=0.2)
                equal(seen["received"], 5, f"replies through {driver}")
                equal(measure.fetch(lab, seconds=120)["words"], "same", f"10 MB through {driver}")
                print(f"{driver}: round trip {seen['rtt_ms']:.2f} ms under software emulation")
