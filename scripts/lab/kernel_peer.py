# SPDX-License-Identifier: BSD-3-Clause
"""The WireGuard of Linux itself as a peer: Debian's kernel in a machine in the place of the host
web, with its address, driven by the stock `wg` through a serial line.

    router -- web0 [bridge - QEMU: eth0 203.0.113.10, wg0]
"""

import re
import shutil
import socket
from pathlib import Path

from .emulated import EmulatedMachine
from .topology import WEB, LabError
from .wireguard import key_pair

MODULES = ("virtio_pci", "virtio_net", "wireguard")
PROGRAMS = ("wg", "iperf3")
WEB_ROUTER, PREFIX_LENGTH = "203.0.113.1", 26

# A shell on the second serial line does what it is told; the console keeps the kernel's words.
COMMANDS = """ip address add {address} dev eth0
ip link set eth0 up
ip route add default via {router}
ip link add wg0 type wireguard
stty -F /dev/ttyS1 raw -echo
echo "machine: kernel $(uname -r), wireguard $(cat /sys/module/wireguard/version)"
sh /dev/ttyS1 > /dev/ttyS1 2>&1"""


class KernelPeer(EmulatedMachine):
    """`with KernelPeer(lab, addresses)` makes wg0 with them there; it has no key yet."""

    def __init__(self, lab, addresses, mtu=1420):
        super().__init__(lab, "web", "kernel-peer")
        self.addresses, self.mtu = tuple(addresses), mtu
        self.private, self.public = key_pair()
        self.line = None
        self._heard = ""

    def start(self, seconds=90):
        self.prepare()
        modules = self.add_modules(MODULES)
        paths = [Path(shutil.which(name)) for name in PROGRAMS]
        for path in paths:
            self.add(path.resolve(), f"/bin/{path.name}")
        self.add_libraries(paths)
        archive = self.pack(modules, COMMANDS.format(address=f"{WEB}/{PREFIX_LENGTH}",
                                                     router=WEB_ROUTER))
        self.lab.must("web", "ip", "address", "flush", "dev", "eth0")
        control = self.folder / "line"
        self.boot(archive, ["-serial", f"unix:{control},server=on,wait=off",
                            *self.bridged("eth0", 2, "52:54:00:00:00:04")], 512)
        self.lab.wait_for(f"QEMU: {self.words()}", control.exists, 10)
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(control))
        self.lab.wait_for("the kernel with WireGuard in the machine",
                          lambda: self.is_running() and "wireguard" in self.words(), seconds)
        for address in self.addresses:
            self.must(f"ip address add {address} dev wg0")
        self.must(f"ip link set wg0 mtu {self.mtu} up")

    def stop(self):
        if self.line is not None:
            self.line.close()
        super().stop()

    def run(self, command, seconds=30):
        """(exit code, output) of a shell command in the machine."""
        self.line.settimeout(seconds)
        self.line.sendall(f"{{ {command}\n}} </dev/null 2>&1; echo \"<<$?>>\"\n".encode("ascii"))
        while True:
            found = re.search(r"<<(\d+)>>\s", self._heard)
            if found:
                said, self._heard = self._heard[:found.start()], self._heard[found.end():]
                return int(found.group(1)), said.replace("\r", "")
            try:
                heard = self.line.recv(65536)
            except TimeoutError as late:
                raise LabError(f"{command} in the machine: not within {seconds} s; "
                               f"{self._heard}{self.words()}") from late
            if not heard:
                raise LabError(f"the machine's line is closed: {self.words()}")
            self._heard += heard.decode("ascii", errors="replace")

    def must(self, command, seconds=30):
        code, said = self.run(command, seconds)
        if code != 0:
            raise LabError(f"{command} in the machine: {code}: {said}")
        return said

    def configure(self, peers, listen_port):
        """Replaces the whole configuration by one with these [Peer] sections."""
        text = (f"[Interface]\nPrivateKey = {self.private}\nListenPort = {listen_port}\n"
                + "".join(peers))
        self.must(f"wg setconf wg0 /proc/self/fd/0 <<'END'\n{text}END")
