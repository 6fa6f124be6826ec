# SPDX-License-Identifier: BSD-3-Clause
"""Towpath in a machine of its own, with PCI network devices in the gateway's place (decisions.md
N24). QEMU runs in the gateway's namespace; its two virtio-net devices are bridged to lan0 and wan0.
In the machine: Debian's kernel, busybox, the built binaries, and the libraries they need.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from .gateway import QUICK_START, ROOT, crosses, program
from .topology import LabError, system

CACHE = ROOT / "build" / "machine"
LAN_DEVICE, WAN_DEVICE = "0000:00:02.0", "0000:00:03.0"
CONFIG = QUICK_START.replace("name: lan0", f'pci: "{LAN_DEVICE}"').replace(
    "name: wan0", f'pci: "{WAN_DEVICE}"').replace("af_packet", "pci")

# In the order in which they are loaded.
MODULES = ("uio", "uio_pci_generic", "irqbypass", "vfio", "vfio_virqfd", "vfio_iommu_type1",
           "vfio-pci-core", "vfio-pci", "tun")
# The parts of DPDK that a virtio machine needs; the rest would only make it bigger.
DPDK_PARTS = ("librte_bus_pci", "librte_bus_vdev", "librte_mempool_ring", "librte_net_virtio")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
chmod 755 /
mkdir -p /dev/pts /dev/shm /dev/hugepages /run /tmp /var
ln -s /run /var/run
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mount -t hugetlbfs hugetlbfs /dev/hugepages
ip link set lo up
for module in {modules}; do insmod /modules/$module.ko || echo "machine: no $module"; done
for device in {devices}; do
    echo {driver} > /sys/bus/pci/devices/$device/driver_override
    echo $device > /sys/bus/pci/drivers_probe
    echo "machine: $device $(cat /sys/bus/pci/devices/$device/vendor) \\
$(readlink /sys/bus/pci/devices/$device/driver)"
done
echo "machine: iommu groups $(ls /sys/kernel/iommu_groups | wc -l), \\
hugepages $(cat /proc/sys/vm/nr_hugepages)"
{command}
echo "machine: ended with $?"
poweroff -f
"""


def why_not():
    """Why this machine cannot be made here; empty when it can."""
    missing = [name for name in ("qemu-system-x86_64", "cpio", "busybox")
               if shutil.which(name) is None]
    if missing:
        return f"no {' '.join(missing)}: scripts/packages install pci"
    if not list(CACHE.glob("root/boot/vmlinuz-*")):
        try:
            _fetch_kernel()
        except (LabError, OSError) as wrong:
            return f"Debian's kernel cannot be downloaded: {str(wrong).splitlines()[0]}"
    return ""


def _fetch_kernel():
    """Debian's current kernel package, unpacked and not installed: this host keeps its own."""
    CACHE.mkdir(parents=True, exist_ok=True)
    depends = system("apt-cache", "depends", "linux-image-amd64")
    name = re.search(r"Depends: (linux-image-\S+)", depends)
    if name is None:
        raise LabError("apt knows no linux-image-amd64: apt-get update")
    system("apt-get", "-qq", "download", name.group(1), cwd=CACHE)
    unpacked = CACHE / "root.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    for package in CACHE.glob("linux-image-*.deb"):
        system("dpkg-deb", "-x", str(package), str(unpacked))
        package.unlink()
    unpacked.rename(CACHE / "root")


def igb_uio_module():
    """igb_uio for the machine's kernel: compiled from Debian's dpdk-kmods-dkms against the headers
    of that kernel, in our own folder. LabError when a package or the compiler cannot be had."""
    module = CACHE / "igb_uio" / "igb_uio.ko"
    if module.is_file():
        return module
    version = next(CACHE.glob("root/boot/vmlinuz-*")).name.removeprefix("vmlinuz-")
    work = CACHE / "igb_uio.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    headers = f"linux-headers-{version}"
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


def _libraries(path):
    words = system("ldd", str(path))
    return {Path(found) for found in re.findall(r"(/\S+\.so\S*) \(0x", words)}


class TowpathMachine:
    """Stands in the gateway's place like gateway.Towpath, on `driver` (a kernel driver's name)."""

    def __init__(self, lab, driver, config=CONFIG):
        self.lab = lab
        self.name = f"Towpath on {driver}"
        self.driver = driver
        self.config = config
        self.folder = lab.folder / f"machine-{driver}"
        self.process = None

    # -- its file system -----------------------------------------------------------------------

    def _add(self, source, target):
        """A symbolic link stays one: EAL would load a second copy of a library as another one."""
        target = self.folder / "root" / str(target).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        real = Path(source).resolve()
        if Path(source).is_symlink() and not target.exists():
            target.symlink_to(real)
            target = self.folder / "root" / str(real).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy2(real, target)

    def _build(self):
        root = self.folder / "root"
        for name in ("bin", "proc", "sys", "dev", "etc", "modules"):
            (root / name).mkdir(parents=True, exist_ok=True)
        self._add(shutil.which("busybox"), "/bin/busybox")
        modules = {path.name: path for path in (CACHE / "root").rglob("*.ko")}
        names = list(MODULES)
        if self.driver == "igb_uio":
            names.append(self.driver)
            modules["igb_uio.ko"] = igb_uio_module()
        for name in names:
            self._add(modules[f"{name}.ko"], f"/modules/{name}.ko")
        parts = [Path(program(name)) for name in ("towpath", "towpathd", "towpath-control")]
        for part in parts:
            self._add(part, f"/bin/{part.name}")
        # EAL loads every driver in the one folder that was compiled in.
        drivers = next(Path("/usr/lib/x86_64-linux-gnu/dpdk").glob("pmds-*"))
        for path in drivers.iterdir():
            if path.name.split(".")[0] in DPDK_PARTS:
                self._add(path, path)
                parts.append(path)
        # Where Debian's merged /usr makes /lib a link, so must ours be.
        (root / "usr" / "lib").mkdir(parents=True, exist_ok=True)
        (root / "usr" / "lib64").mkdir(parents=True, exist_ok=True)
        for name in ("lib", "lib64"):
            (root / name).symlink_to(f"usr/{name}")
        for library in set().union(*map(_libraries, parts)):
            self._add(library, library)
        (root / "etc" / "towpath.yaml").write_text(self.config, encoding="utf-8")
        init = root / "init"
        init.write_text(INIT.format(
            modules=" ".join(names), devices=f"{LAN_DEVICE} {WAN_DEVICE}", driver=self.driver,
            command="/bin/towpath run --config /etc/towpath.yaml"), encoding="ascii")
        init.chmod(0o755)
        archive = self.folder / "initrd"
        with open(archive, "wb") as target:
            names = b"\0".join(os.fsencode(path.relative_to(root)) for path in root.rglob("*"))
            packed = subprocess.run(["cpio", "-o0", "-H", "newc", "--quiet"], cwd=root, input=names,
                                    stdout=target, stderr=subprocess.PIPE, timeout=120, check=False)
        if packed.returncode != 0:
            raise LabError(f"cpio: {packed.stderr.decode(errors='replace')}")
        return archive

    # -- life ------------------------------------------------------------------------------

    def _bridge(self, interface):
        for words in (("link", "add", f"br-{interface}", "type", "bridge", "forward_delay", "0"),
                      ("tuntap", "add", f"tap-{interface}", "mode", "tap"),
                      ("link", "set", f"tap-{interface}", "master", f"br-{interface}"),
                      ("link", "set", interface, "master", f"br-{interface}"),
                      ("link", "set", f"tap-{interface}", "up"),
                      ("link", "set", f"br-{interface}", "up")):
            self.lab.must("gateway", "ip", *words)

    def _device(self, interface, slot, mac):
        # vfio-pci needs the emulated IOMMU to translate for the device, which only its modern form
        # asks for.
        behind = ",disable-legacy=on,iommu_platform=on" if self.driver == "vfio-pci" else ""
        return ["-netdev", f"tap,id={interface},ifname=tap-{interface},script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev={interface},addr={slot},mac={mac},romfile={behind}"]

    def start(self, seconds=120):
        """Software emulation, everywhere the same: nested KVM hangs on some hosts."""
        archive = self._build()
        kernel = next(CACHE.glob("root/boot/vmlinuz-*"))
        for interface in ("lan0", "wan0"):
            self._bridge(interface)
        iommu = ["-machine", "q35,kernel-irqchip=split", "-device",
                 "intel-iommu,intremap=on,caching-mode=on"]
        self.process = self.lab.spawn(
            "gateway", "qemu-system-x86_64", *iommu, "-accel", "tcg,thread=multi", "-cpu", "max",
            "-smp", "2", "-m", "2048", "-nographic", "-nodefaults", "-no-reboot", "-serial",
            "stdio", "-kernel", kernel, "-initrd", archive, "-append",
            "console=ttyS0 quiet panic=-1 intel_iommu=on hugepages=512",
            *self._device("lan0", 2, "52:54:00:00:00:02"),
            *self._device("wan0", 3, "52:54:00:00:00:03"), log=f"{self.driver}.log")
        self.lab.wait_for(f"forwarding through {self.name}: {self.words()}", self._forwards, seconds)

    def _forwards(self):
        if self.process.poll() is not None:
            raise LabError(f"the machine ended:\n{self.words()}")
        return crosses(self.lab)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for interface in ("lan0", "wan0"):
            self.lab.run("gateway", "ip", "link", "del", f"tap-{interface}")
            self.lab.run("gateway", "ip", "link", "del", f"br-{interface}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def words(self, lines=25):
        return "\n".join(self.lab.log(f"{self.driver}.log").splitlines()[-lines:])
