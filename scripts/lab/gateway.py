# SPDX-License-Identifier: BSD-3-Clause
"""What can stand in the gateway's place: the kernel's masquerade, or Towpath."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from .topology import A, LAN_ADDRESS, ROUTER, WAN_ADDRESS, Lab, LabError

ROOT = Path(__file__).resolve().parents[2]

# The quick-start configuration of README.md, word for word.
QUICK_START = """\
version: 1
interfaces:
  lan: {match: {name: lan0}, driver: af_packet, addresses: [10.77.1.1/24]}
  wan: {match: {name: wan0}, driver: af_packet, addresses: [192.0.2.10/24]}
routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}
nat: {inside: [lan], outside: wan, pool: [wan], filtering: {udp: endpoint-independent, tcp: address-and-port-dependent}}
"""


def build_folder():
    return Path(os.environ.get("TOWPATH_BUILD", ROOT / "build" / "release"))


def program(name):
    """A built binary by its name, wherever the build put it."""
    found = [path for path in build_folder().rglob(name)
             if path.is_file() and os.access(path, os.X_OK)]
    if not found:
        raise LabError(f"{name} is not built in {build_folder()} (set TOWPATH_BUILD)")
    return str(found[0])


def crosses(lab, host="a", target=ROUTER):
    return lab.run(host, "ping", "-c1", "-W1", "-n", target, timeout=5).returncode == 0


class Masquerade:
    """nftables `masquerade random,fully-random`: the hard NAT that managed gateways are like."""

    name = "kernel masquerade"

    def __init__(self, lab):
        self.lab = lab

    def start(self):
        lab = self.lab
        lab.must("gateway", "ip", "address", "add", f"{LAN_ADDRESS}/24", "dev", "lan0")
        lab.must("gateway", "ip", "address", "add", f"{WAN_ADDRESS}/24", "dev", "wan0")
        lab.must("gateway", "ip", "route", "add", "default", "via", ROUTER)
        lab.must("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        lab.masquerade("gateway", "wan0")
        lab.wait_for("the kernel's masquerade", lambda: crosses(lab), 10)

    def stop(self):
        """Leaves the namespace as Towpath wants it: no address, no forwarding, no conntrack."""
        lab = self.lab
        lab.must("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        lab.must("gateway", "nft", "flush", "ruleset")
        for interface in ("lan0", "wan0"):
            lab.must("gateway", "ip", "address", "flush", "dev", interface)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class FullCone(Masquerade):
    """The kernel as an easy NAT for host a alone: what reaches the outside address goes to a. It
    proves that the probes can tell an easy NAT from a hard one."""

    name = "kernel full cone"

    def start(self):
        super().start()
        rules = f"""
            flush ruleset
            table ip easy {{
                chain prerouting {{
                    type nat hook prerouting priority dstnat;
                    ip daddr {WAN_ADDRESS} dnat to {A}
                }}
                chain postrouting {{
                    type nat hook postrouting priority srcnat;
                    oifname "wan0" snat to {WAN_ADDRESS}
                    oifname "lan0" ip saddr {A} snat to {WAN_ADDRESS}
                }}
            }}"""
        self.lab.must("gateway", "sh", "-c", "printf %s \"$0\" | nft -f -", rules)


class Towpath:
    """`towpath run` in the gateway's namespace; the kernel there holds no address."""

    name = "Towpath"

    def __init__(self, lab: Lab, config=QUICK_START, label="gateway"):
        self.lab = lab
        self.label = label
        self.config = lab.folder / f"{label}.yaml"
        self.run_dir = lab.folder / f"{label}.run"
        self.state_dir = lab.folder / f"{label}.state"
        self.tool_folder = lab.folder / f"{label}.wireguard"  # what `wg` finds at /run/wireguard
        self.process = None
        self.write(config)

    def write(self, config):
        self.config.write_text(config, encoding="utf-8")

    # -- life ------------------------------------------------------------------------------

    def launch(self):
        """Starts it and waits for nothing."""
        self.process = self.lab.spawn(
            "gateway", *self.beside_tool(program("towpath"), "run", "--config", self.config,
                                         "--run-dir", self.run_dir, "--state-dir",
                                         self.state_dir), log=f"{self.label}.log")
        return self.process

    def beside_tool(self, *argv):
        """A command in a mount namespace where /run/wireguard is ours: no other lab is there."""
        self.tool_folder.mkdir(parents=True, exist_ok=True)
        return ["sh", "-c", "mkdir -p /run/wireguard && mount --bind \"$0\" /run/wireguard && "
                            "exec \"$@\"", self.tool_folder, *argv]

    def wg(self, *words):
        """The stock tool's answer about this gateway; fails as the tool does."""
        done = self.lab.run("gateway", *self.beside_tool("wg", *words))
        if done.returncode != 0:
            raise LabError(f"wg {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def start(self, seconds=20):
        self.launch()
        self.wait_until_it_forwards(seconds)

    def wait_until_it_forwards(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise LabError(f"towpath run ended with {self.process.returncode}:\n{self.words()}")
            if crosses(self.lab):
                return
        raise LabError(f"towpath does not forward after {seconds} s:\n{self.words()}")

    def stop(self, seconds=10):
        """SIGTERM to `towpath run`; its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            # `ip netns exec` became the program itself, so this is its own pid.
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            self.process.kill()
            raise LabError(f"towpath run did not end within {seconds} s of SIGTERM") from late

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def words(self, lines=25):
        return "\n".join(self.lab.log(f"{self.label}.log").splitlines()[-lines:])

    # -- its parts ---------------------------------------------------------------------------

    def pid_of(self, name):
        """The pid of one of our processes (`towpathd`, `towpath-control`), 0 when there is none."""
        done = subprocess.run(["ip", "netns", "pids", self.lab.namespace("gateway")],
                              capture_output=True, text=True, check=False, timeout=10)
        for pid in map(int, done.stdout.split()):
            try:
                running = os.readlink(f"/proc/{pid}/exe")
            except OSError:
                continue
            if os.path.basename(running) == name:
                return pid
        return 0

    # -- the client --------------------------------------------------------------------------

    def client(self, *words, timeout=15):
        return self.lab.run("gateway", program("towpath"), "--run-dir", self.run_dir, *words,
                            timeout=timeout)

    def json(self, *words):
        done = self.client(*words, "--json")
        if done.returncode != 0:
            raise LabError(f"towpath {' '.join(words)}: {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def figure(self, key):
        """The sum of every number called `key` in what status and drops say."""
        return sum(part for verb in ("status", "drops")
                   for part in _figures(self.json(verb), key))

    def drops(self):
        """Total drops by reason; reasons that never counted are absent or zero."""
        return {row["reason"]: int(row["total"]) for row in self.json("drops")["drops"]}


def _figures(value, key):
    """Every number under a key of that name, however deep."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name == key and isinstance(part, (int, float)):
                yield part
            else:
                yield from _figures(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _figures(part, key)
