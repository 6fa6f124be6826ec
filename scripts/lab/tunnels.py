# SPDX-License-Identifier: BSD-3-Clause
"""What the scripts about tunnels share: the gateway's configuration, IPv6 in the lab, what was seen
on the outer wire.

    a 10.77.1.11 -- lan -- gateway (wg0) -- router -- web (a peer, 203.0.113.10)
      2001:db8:1::2      wan 2001:db8:2::1  2001:db8:2::2,  2001:db8:4::1   2001:db8:4::2
"""

import ipaddress
import struct
import time

from .gateway import QUICK_START
from .wireguard import PORT

TUNNEL_ADDRESS, PEER_ADDRESS = "10.99.0.1", "10.99.0.2"
TUNNEL6, PEER6 = "2001:db8:99::1", "2001:db8:99::2"
LAN6, A6, WAN6, ROUTER6 = "2001:db8:1::1", "2001:db8:1::2", "2001:db8:2::1", "2001:db8:2::2"
WEB_ROUTER6, WEB6 = "2001:db8:4::1", "2001:db8:4::2"
PEER_PREFIXES = (f"{PEER_ADDRESS}/32", f"{PEER6}/128")

_DUAL_STACK = QUICK_START.replace("10.77.1.1/24]", f"10.77.1.1/24, '{LAN6}/64']").replace(
    "192.0.2.10/24]", f"192.0.2.10/24, '{WAN6}/64']").replace(
    "via: 192.0.2.1}", f"via: 192.0.2.1}}, {{to: '::/0', via: '{ROUTER6}'}}")


def write_quick(lab, private, peers, name="wg0", port=PORT,
                addresses=(f"{TUNNEL_ADDRESS}/24", f"{TUNNEL6}/64"), more=""):
    """A wg-quick file of the gateway's; its path."""
    path = lab.folder / f"{name}.conf"
    path.write_text(f"[Interface]\nPrivateKey = {private}\nListenPort = {port}\n"
                    f"Address = {', '.join(addresses)}\n{more}" + "".join(peers), encoding="ascii")
    path.chmod(0o600)
    return path


def gateway_config(*paths, dual_stack=False, more=""):
    """The quick-start configuration with a tunnel of each wg-quick file, named as the file is."""
    names = [path.stem for path in paths]
    text = _DUAL_STACK if dual_stack else QUICK_START
    return text.replace("inside: [lan]", f"inside: [{', '.join(['lan', *names])}]") + more + (
        "wireguard: {" + ", ".join(f"{path.stem}: {{config: {path}}}" for path in paths) + "}\n")


def switch_ipv6_on(lab):
    """IPv6 addresses and routes for a, the router and web; call it before the gateway starts."""
    for host, interface, address, router in (
            ("a", "eth0", A6, LAN6), ("router", "gw0", ROUTER6, None),
            ("router", "web0", WEB_ROUTER6, None), ("web", "eth0", WEB6, WEB_ROUTER6)):
        settings = (f"net.ipv6.conf.{interface}.{name}=0"
                    for name in ("disable_ipv6", "accept_ra", "accept_dad"))
        lab.must(host, "sysctl", "-qw", *settings)
        lab.must(host, "ip", "address", "add", f"{address}/64", "dev", interface, "nodad")
        if router is not None:
            lab.must(host, "ip", "-6", "route", "add", "default", "via", router, "dev", interface)
    lab.must("router", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    # Tunnel devices that are made from here on; without link-local addresses, from which the kernel
    # would ask for routers.
    lab.must("web", "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=0",
             "net.ipv6.conf.default.addr_gen_mode=1")


def endpoint(address, port=PORT):
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


class Outer:
    """UDP datagrams of a port (0: of any) that crossed one of a host's interfaces meanwhile."""

    def __init__(self, lab, host="router", interface="gw0", port=PORT):
        self.lab, self.host, self.interface, self.port = lab, host, interface, port
        self.file = lab.folder / f"{host}-{interface}-{time.monotonic_ns()}.pcap"
        self.process = None

    def __enter__(self):
        log = self.file.with_suffix(".log").name
        # A snapshot is as long as the outer headers and the head of a message.
        self.process = self.lab.spawn(
            self.host, "tcpdump", "-i", self.interface, "-n", "-U", "--immediate-mode", "-s", "96", "-B", "16384", "-w",
            self.file, "udp", *(("and", "port", self.port) if self.port else ()),
            log=log)
        self.lab.wait_for("tcpdump", lambda: "listening" in self.lab.log(log), 5)
        return self

    def __exit__(self, *_):
        time.sleep(0.2)  # what is still in the kernel's buffer
        self.process.terminate()
        self.process.wait(5)

    def messages(self):
        """[(source, length_bytes, message head)] of each datagram; the source as it is written,
        with its port; the length of the UDP payload."""
        return [(source, length, head) for source, _, length, head in self.datagrams()]

    def datagrams(self):
        """The same with the destination as the second."""
        data, found, at = self.file.read_bytes(), [], 24
        while at + 16 <= len(data):
            captured = struct.unpack_from("<I", data, at + 8)[0]
            frame = data[at + 16:at + 16 + captured]
            at += 16 + captured
            if frame[12:14] == b"\x08\x00":
                ends, udp = (frame[26:30], frame[30:34]), 14 + (frame[14] & 15) * 4
            else:
                ends, udp = (frame[22:38], frame[38:54]), 54
            *ports, length = struct.unpack_from(">HHH", frame, udp)
            named = [endpoint(ipaddress.ip_address(address), port)
                     for address, port in zip(ends, ports)]
            found.append((*named, length - 8, frame[udp + 8:]))
        return found

    def nonces(self):
        """(source, receiver index, counter) of every transport message."""
        return [(source, *struct.unpack_from("<IQ", head, 4))
                for source, _, head in self.messages() if head[:4] == b"\x04\0\0\0"]
