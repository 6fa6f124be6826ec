# SPDX-License-Identifier: BSD-3-Clause
"""Towpath in a machine of its own, with PCI network devices in the gateway's place (decisions.md
N24). QEMU runs in the gateway's namespace; its two virtio-net devices are bridged to lan0 and wan0.
In the machine: the built binaries and the libraries they need.
"""

import re
import shutil
from pathlib import Path

from .emulated import CACHE, EmulatedMachine, kernel_version
from .gateway import QUICK_START, crosses, program
from .topology import system

LAN_DEVICE, WAN_DEVICE = "0000:00:02.0", "0000:00:03.0"
CONFIG = QUICK_START.replace("name: lan0", f'pci: "{LAN_DEVICE}"').replace(
    "name: wan0", f'pci: "{WAN_DEVICE}"').replace("af_packet", "pci")

MODULES = ("uio", "uio_pci_generic", "vfio", "vfio_iommu_type1", "vfio-pci", "tun")
# The parts of DPDK that a virtio machine needs; the rest would only make it bigger.
DPDK_PARTS = ("librte_bus_pci", "librte_bus_vdev", "librte_mempool_ring", "librte_net_virtio")

COMMANDS = """mount -t hugetlbfs hugetlbfs /dev/hugepages
for device in {devices}; do
    echo {driver} > /sys/bus/pci/devices/$device/driver_override
    echo $device > /sys/bus/pci/drivers_probe
    echo "machine: $device $(cat /sys/bus/pci/devices/$device/vendor) \\
$(readlink /sys/bus/pci/devices/$device/driver)"
done
echo "machine: iommu groups $(ls /sys/kernel/iommu_groups | wc -l), \\
hugepages $(cat /proc/sys/vm/nr_hugepages)"
/bin/towpath run --config /etc/towpath.yaml"""


def igb_uio_module():
    """igb_uio for the machine's kernel: compiled from Debian's dpdk-kmods-dkms against the headers
    of that kernel, in our own folder. LabError when a package or the compiler cannot be had."""
    module = CACHE / "igb_uio" / "igb_uio.ko"
    if module.is_file():
        return module
    work = CACHE / "igb_uio.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    headers = f"linux-headers-{kernel_version()}"
    depends = system("apt-cache", "depends", headers)
    names = re.findall(r"Depends: (linux-(?:headers|kbuild)-\S+)", depends)
    system("apt-get", "-qq", "download", headers, *names, "dpdk-kmods-dkms", cwd=work)
    for package in work.glob("*.deb"):
        system("dpkg-deb", "-x", str(package), str(work))
    sources = work / "usr" / "src"
    tree = sources / headers
    makefile = (tree / "Makefile").read_text(encoding="ascii")
    (tree / "Makefile").write_text(makefile.replace("/usr/src", str(sources)), encoding="ascii")
    driver = next(sources.glob("dpdk-kmods-*"))
    system("make", "-s", "-C", str(tree), f"M={driver}", "modules")
    module.parent.mkdir(exist_ok=True)
    shutil.copy2(driver / module.name, module)
    shutil.rmtree(work)
    return module


class TowpathMachine(EmulatedMachine):
    """Stands in the gateway's place like gateway.Towpath, on `driver` (a kernel driver's name)."""

    def __init__(self, lab, driver, config=CONFIG):
        super().__init__(lab, "gateway", driver)
        self.name = f"Towpath on {driver}"
        self.driver = driver
        self.config = config

    def _build(self):
        self.prepare()
        if self.driver == "igb_uio":
            modules = self.add_modules((*MODULES, "igb_uio"), {"igb_uio.ko": igb_uio_module()})
        else:
            modules = self.add_modules(MODULES)
        parts = [Path(program(name)) for name in ("towpath", "towpathd", "towpath-control")]
        for part in parts:
            self.add(part, f"/bin/{part.name}")
        # EAL loads every driver in the one folder that was compiled in.
        drivers = next(Path("/usr/lib/x86_64-linux-gnu/dpdk").glob("pmds-*"))
        for path in drivers.iterdir():
            if path.name.split(".")[0] in DPDK_PARTS:
                self.add(path, path)
                parts.append(path)
        self.add_libraries(parts)
        (self.root / "etc" / "towpath.yaml").write_text(self.config, encoding="utf-8")
        return self.pack(modules, COMMANDS.format(devices=f"{LAN_DEVICE} {WAN_DEVICE}",
                                                  driver=self.driver))

    def start(self, seconds=120):
        archive = self._build()
        # vfio-pci needs the emulated IOMMU to translate for the device, which only its modern form
        # asks for.
        behind = ",disable-legacy=on,iommu_platform=on" if self.driver == "vfio-pci" else ""
        self.boot(archive, ["-machine", "q35,kernel-irqchip=split", "-device",
                            "intel-iommu,intremap=on,caching-mode=on",
                            *self.bridged("lan0", 2, "52:54:00:00:00:02", behind),
                            *self.bridged("wan0", 3, "52:54:00:00:00:03", behind)],
                  2048, "intel_iommu=on hugepages=512")
        self.lab.wait_for(f"forwarding through {self.name}: {self.words()}",
                          lambda: self.is_running() and crosses(self.lab), seconds)
