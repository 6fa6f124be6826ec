# SPDX-License-Identifier: BSD-3-Clause
"""WireGuard peers that we did not write, in the lab's namespaces: user-space implementations, each
driven by the stock `wg` tool."""

import subprocess

from .topology import Lab, LabError

PORT = 51820
GATEWAY_ADDRESS = "10.99.0.1"


def key_pair():
    """(private, public) in base64, from the stock tool."""
    private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout
    public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True,
                            check=True).stdout
    return private.strip(), public.strip()


def preshared_key():
    return subprocess.run(["wg", "genpsk"], capture_output=True, text=True,
                          check=True).stdout.strip()


def with_tunnel(lab: Lab, config, private, peers, addresses=(f"{GATEWAY_ADDRESS}/24",)):
    """A configuration of Towpath's with an inside tunnel wg0 besides, made from a wg-quick file."""
    path = lab.folder / "wg0.conf"
    path.write_text(f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n"
                    f"Address = {', '.join(addresses)}\n" + "".join(peers), encoding="ascii")
    path.chmod(0o600)
    return config.replace("inside: [lan]", "inside: [lan, wg0]") + (
        f"wireguard:\n  wg0: {{config: {path}}}\n")


class UserSpacePeer:
    """One interface of a user-space WireGuard. Its control socket lies in a folder of its own that
    is mounted where the tools look, so that two of one name do not meet."""

    def __init__(self, lab: Lab, host, name="wg0", program=("wireguard-go", "-f"), addresses=(),
                 mtu=None, environment=()):
        self.lab, self.host, self.name, self.program = lab, host, name, tuple(program)
        self.addresses, self.mtu = tuple(addresses), mtu
        self.environment = tuple(environment)
        self.private, self.public = key_pair()
        self.folder = lab.folder / f"{host}-{name}.wireguard"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.label = f"{host}-{name}"
        self.process = None

    def _wrapped(self, argv):
        return ["env", *self.environment, "sh", "-c",
                "mkdir -p /run/wireguard && mount --bind \"$0\" /run/wireguard && exec \"$@\"",
                self.folder, *argv]

    def start(self):
        lab = self.lab
        self.process = lab.spawn(self.host, *self._wrapped([*self.program, self.name]),
                                 log=f"{self.label}.log")
        lab.wait_for(f"{self.program[0]} on {self.host}",
                     lambda: (self.folder / f"{self.name}.sock").exists(), 10)
        for address in self.addresses:
            lab.must(self.host, "ip", "address", "add", address, "dev", self.name)
        if self.mtu is not None:
            lab.must(self.host, "ip", "link", "set", self.name, "mtu", self.mtu)
        lab.must(self.host, "ip", "link", "set", self.name, "up")
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(5)
        self.process = None
        (self.folder / f"{self.name}.sock").unlink(missing_ok=True)

    def wg(self, *words):
        """The stock tool's answer."""
        done = self.lab.run(self.host, *self._wrapped(["wg", *words]))
        if done.returncode != 0:
            raise LabError(f"{self.label}: wg {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def configure(self, peers, listen_port=0):
        """Replaces the whole configuration by one with these [Peer] sections."""
        text = f"[Interface]\nPrivateKey = {self.private}\n"
        if listen_port:
            text += f"ListenPort = {listen_port}\n"
        path = self.lab.folder / f"{self.label}.conf"
        path.write_text(text + "".join(peers), encoding="ascii")
        path.chmod(0o600)
        self.wg("setconf", self.name, path)

    def route(self, *prefixes):
        for prefix in prefixes:
            self.lab.must(self.host, "ip", "route", "replace", prefix, "dev", self.name)

    def dump(self):
        """Rows of `wg show NAME dump` behind the interface's own, as dictionaries."""
        columns = ("public_key", "preshared_key", "endpoint", "allowed_ips", "latest_handshake",
                   "receive_bytes", "transmit_bytes", "keepalive")
        lines = self.wg("show", self.name, "dump").splitlines()[1:]
        return [dict(zip(columns, line.split("\t"))) for line in lines]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def peer(public, allowed_ips, endpoint=None, keepalive=0, preshared=None):
    """One [Peer] section."""
    lines = ["[Peer]", f"PublicKey = {public}"]
    if allowed_ips:
        lines.append(f"AllowedIPs = {', '.join(allowed_ips)}")
    if preshared:
        lines.append(f"PresharedKey = {preshared}")
    if endpoint:
        lines.append(f"Endpoint = {endpoint}")
    if keepalive:
        lines.append(f"PersistentKeepalive = {keepalive}")
    return "\n".join(lines) + "\n"
