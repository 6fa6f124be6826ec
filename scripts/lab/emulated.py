# SPDX-License-Identifier: BSD-3-Clause
"""A machine of its own under QEMU's software emulation, in one of the lab's namespaces: Debian's
kernel, busybox, and the programs and modules that are put into its initial file system. Its network
devices are virtio-net, bridged to interfaces of the namespace.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from .gateway import ROOT
from .topology import LabError, system

CACHE = ROOT / "build" / "machine"

_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
chmod 755 /
mkdir -p /dev/pts /dev/shm /dev/hugepages /run /tmp /var
ln -s /run /var/run
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
ip link set lo up
for module in {modules}; do insmod /modules/$module.ko || echo "machine: no $module"; done
{commands}
echo "machine: ended with $?"
poweroff -f
"""


def why_not():
    """Why such a machine cannot be made here; empty when it can."""
    missing = [name for name in ("qemu-system-x86_64", "cpio", "busybox", "modinfo")
               if shutil.which(name) is None]
    if missing:
        return f"no {' '.join(missing)}: scripts/packages install pci"
    if not list(CACHE.glob("root/boot/vmlinuz-*")):
        try:
            _fetch_kernel()
        except (LabError, OSError) as wrong:
            return f"Debian's kernel cannot be downloaded: {str(wrong).splitlines()[0]}"
    return ""


def install_packages():
    """What makes such machines; a failure shows in why_not()."""
    subprocess.run([str(ROOT / "scripts" / "packages"), "install", "pci"], check=False, timeout=300,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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


def kernel_version():
    return next(CACHE.glob("root/boot/vmlinuz-*")).name.removeprefix("vmlinuz-")


def _libraries(path):
    words = system("ldd", str(path))
    return {Path(found) for found in re.findall(r"(/\S+\.so\S*) \(0x", words)}


class EmulatedMachine:
    """One machine on `host`; `label` names its folder and its console's log."""

    def __init__(self, lab, host, label):
        self.lab, self.host, self.label = lab, host, label
        self.folder = lab.folder / f"machine-{label}"
        self.root = self.folder / "root"
        self.process = None
        self._bridged = []

    # -- its file system -----------------------------------------------------------------------

    def prepare(self):
        """An empty root with busybox. Where Debian's merged /usr makes /lib a link, so is ours."""
        for name in ("bin", "proc", "sys", "dev", "etc", "modules", "usr/lib", "usr/lib64"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in ("lib", "lib64"):
            (self.root / name).symlink_to(f"usr/{name}")
        self.add(shutil.which("busybox"), "/bin/busybox")

    def add(self, source, target):
        """A symbolic link stays one: EAL would load a second copy of a library as another one."""
        target = self.root / str(target).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        real = Path(source).resolve()
        if Path(source).is_symlink() and not target.exists():
            target.symlink_to(real)
            target = self.root / str(real).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy2(real, target)

    def add_libraries(self, paths):
        """Those that programs, or libraries that they load, are linked with."""
        for library in set().union(*map(_libraries, paths)):
            self.add(library, library)

    def add_modules(self, names, others=None):
        """Kernel modules with what they depend on; the names in the order in which they are loaded.
        `others`: {file name: path} of modules that Debian's kernel has not."""
        files = {path.name: path for path in (CACHE / "root").rglob("*.ko")} | (others or {})
        ordered = []

        def take(name):
            # A module's file may be spelled with either sign.
            path = next((files[f"{spelling}.ko"] for spelling in
                         (name, name.replace("_", "-"), name.replace("-", "_"))
                         if f"{spelling}.ko" in files), None)
            if path is None:
                raise LabError(f"Debian's kernel has no module {name}")
            if path.stem in ordered:
                return
            for needed in system("modinfo", "-F", "depends", str(path)).strip().split(","):
                if needed:
                    take(needed)
            self.add(path, f"/modules/{path.name}")
            ordered.append(path.stem)

        for name in names:
            take(name)
        return ordered

    def pack(self, modules, commands):
        """The initial file system, which loads the modules and runs the commands; its file."""
        init = self.root / "init"
        init.write_text(_INIT.format(modules=" ".join(modules), commands=commands),
                        encoding="ascii")
        init.chmod(0o755)
        archive = self.folder / "initrd"
        with open(archive, "wb") as target:
            names = b"\0".join(os.fsencode(path.relative_to(self.root))
                               for path in self.root.rglob("*"))
            packed = subprocess.run(["cpio", "-o0", "-H", "newc", "--quiet"], cwd=self.root,
                                    input=names, stdout=target, stderr=subprocess.PIPE, timeout=120,
                                    check=False)
        if packed.returncode != 0:
            raise LabError(f"cpio: {packed.stderr.decode(errors='replace')}")
        return archive

    # -- life ------------------------------------------------------------------------------

    def bridged(self, interface, slot, mac, more=""):
        """QEMU's options for a device that is bridged to the namespace's interface."""
        self._bridged.append(interface)
        for words in (("link", "add", f"br-{interface}", "type", "bridge", "forward_delay", "0"),
                      ("tuntap", "add", f"tap-{interface}", "mode", "tap"),
                      ("link", "set", f"tap-{interface}", "master", f"br-{interface}"),
                      ("link", "set", interface, "master", f"br-{interface}"),
                      ("link", "set", f"tap-{interface}", "up"),
                      ("link", "set", f"br-{interface}", "up")):
            self.lab.must(self.host, "ip", *words)
        return ["-netdev", f"tap,id={interface},ifname=tap-{interface},script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev={interface},addr={slot},mac={mac},romfile={more}"]

    def boot(self, archive, options, memory_mb, kernel_words=""):
        """Software emulation, everywhere the same: nested KVM hangs on some hosts."""
        self.process = self.lab.spawn(
            self.host, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp",
            "2", "-m", memory_mb, "-nographic", "-nodefaults", "-no-reboot", "-serial", "stdio",
            "-kernel", next(CACHE.glob("root/boot/vmlinuz-*")), "-initrd", archive, "-append",
            f"console=ttyS0 quiet panic=-1 {kernel_words}", *options, log=f"{self.label}.log")

    def is_running(self):
        """An error with the console's last words when it has ended."""
        if self.process.poll() is not None:
            raise LabError(f"the machine ended:\n{self.words()}")
        return True

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for interface in self._bridged:
            self.lab.run(self.host, "ip", "link", "del", f"tap-{interface}")
            self.lab.run(self.host, "ip", "link", "del", f"br-{interface}")
        self._bridged.clear()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, seconds=120):
        raise NotImplementedError

    def words(self, lines=25):
        return "\n".join(self.lab.log(f"{self.label}.log").splitlines()[-lines:])
