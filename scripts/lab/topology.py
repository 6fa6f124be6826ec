# SPDX-License-Identifier: BSD-3-Clause
"""The topology of the demo and of every integration test.

    a  10.77.1.11 --+                                       +-- stun 198.51.100.1, 198.51.100.2
                    |        gateway            router      |
                   lan ---- lan0  wan0 ------ 192.0.2.1 ----+-- web  203.0.113.10, and .70 behind
                    |  10.77.1.1  192.0.2.10                |        a link with an MTU of 1300
    b  10.77.1.12 --+                                       |
                                                            +-- hard 203.0.113.130 ---- c 10.77.2.11
                                                                (masquerade random,fully-random)

Every name starts with the run's id, so that two runs at once do not meet. What a run started is
found again by the namespaces it lives in and removed by pid and by name: at the end, on a signal,
or (after a SIGKILL) by the next run.
"""

import atexit
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

STATE = Path("/run/towpath-lab")
HOSTS = ("a", "b", "lan", "gateway", "router", "stun", "web", "hard", "c")

A, B, C = "10.77.1.11", "10.77.1.12", "10.77.2.11"
LAN_ADDRESS, WAN_ADDRESS, SECOND_WAN_ADDRESS = "10.77.1.1", "192.0.2.10", "192.0.2.11"
ROUTER = "192.0.2.1"
STUN, STUN_OTHER = "198.51.100.1", "198.51.100.2"
WEB, WEB_NARROW, NARROW_MTU = "203.0.113.10", "203.0.113.70", 1300
HARD = "203.0.113.130"

# (host, interface, addresses) for both ends of each cable. The bridge's ports carry none.
CABLES = (
    (("a", "eth0", (f"{A}/24",)), ("lan", "port-a", ())),
    (("b", "eth0", (f"{B}/24",)), ("lan", "port-b", ())),
    (("gateway", "lan0", ()), ("lan", "port-gw", ())),
    (("gateway", "wan0", ()), ("router", "gw0", (f"{ROUTER}/24",))),
    (("stun", "eth0", (f"{STUN}/24", f"{STUN_OTHER}/24")), ("router", "stun0", ("198.51.100.254/24",))),
    (("web", "eth0", (f"{WEB}/26",)), ("router", "web0", ("203.0.113.1/26",))),
    (("web", "narrow0", (f"{WEB_NARROW}/26",)), ("router", "narrow0", ("203.0.113.65/26",))),
    (("hard", "wan0", (f"{HARD}/26",)), ("router", "hard0", ("203.0.113.129/26",))),
    (("c", "eth0", (f"{C}/24",)), ("hard", "lan0", ("10.77.2.1/24",))),
)
DEFAULT_ROUTES = {
    "a": LAN_ADDRESS,
    "b": LAN_ADDRESS,
    "stun": "198.51.100.254",
    "web": "203.0.113.1",
    "hard": "203.0.113.129",
    "c": "10.77.2.1",
}
FORWARDING = ("router", "hard")

# No reply of a Linux box may be missing because it limits its ICMP; no IPv6 chatter in counters.
SYSCTLS = (
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv4.icmp_msgs_per_sec=100000",
)


_ACTIVE = set()  # ids of the labs that this process has up


class LabError(RuntimeError):
    """The lab could not do what it was asked for; the text is for a person."""


def system(*argv, **options):
    """Runs a command of ours; its failure is an error with its own words."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, **options)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Lab:
    """One run's internet. `with Lab("demo") as lab:` brings it up and always takes it down."""

    def __init__(self, purpose, offloads_on=()):
        if os.geteuid() != 0:
            raise LabError("network namespaces need root")
        self.id = f"tp{purpose[:4]}{os.getpid()}"
        self.purpose = purpose
        self.offloads_on = frozenset(offloads_on)
        self.folder = STATE / self.id
        self.keep = False
        self.processes = []
        self._up = False

    # -- life ------------------------------------------------------------------------------

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupted)
        sweep()
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._up = True
        _ACTIVE.add(self.id)
        self._record(os.getpid())
        atexit.register(self.down)
        for host in HOSTS:
            system("ip", "netns", "add", self.namespace(host))
            self.must(host, "sysctl", "-qw", *SYSCTLS)
            self.must(host, "ip", "link", "set", "lo", "up")
        self.must("lan", "ip", "link", "add", "bridge0", "type", "bridge", "forward_delay", "0")
        self.must("lan", "ip", "link", "set", "bridge0", "up")
        for one, other in CABLES:
            self._lay(one, other)
        self.must("router", "ip", "link", "set", "narrow0", "mtu", str(NARROW_MTU))
        for host, gateway in DEFAULT_ROUTES.items():
            self.must(host, "ip", "route", "add", "default", "via", gateway)
        for host in FORWARDING:
            self.must(host, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        # Answers to connections that came in by the narrow link leave by it.
        self.must("web", "ip", "rule", "add", "from", WEB_NARROW, "lookup", "100")
        self.must("web", "ip", "route", "add", "default", "via", "203.0.113.65", "table", "100")
        self.masquerade("hard", "wan0")

    def down(self):
        """Idempotent: what is gone stays gone, what is left goes. Nothing when `keep` is set."""
        if not self._up:
            return
        self._up = False
        atexit.unregister(self.down)
        _ACTIVE.discard(self.id)
        if self.keep:
            self._record(0)
            return
        remove(self.id)
        for process in self.processes:
            process.poll()  # leaves no zombie

    def _record(self, owner):
        state = {"owner": owner, "started": start_time(owner), "purpose": self.purpose}
        (self.folder / "owner.json").write_text(json.dumps(state), encoding="ascii")

    # -- cables ----------------------------------------------------------------------------

    def _lay(self, one, other):
        system("ip", "link", "add", one[1], "netns", self.namespace(one[0]), "type", "veth",
               "peer", "name", other[1], "netns", self.namespace(other[0]))
        for host, interface, addresses in (one, other):
            self._dress(host, interface, addresses)

    def _dress(self, host, interface, addresses):
        if host not in self.offloads_on:
            self.must(host, "ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off",
                      "gro", "off")
        for address in addresses:
            self.must(host, "ip", "address", "add", address, "dev", interface)
        if host == "lan":
            self.must(host, "ip", "link", "set", interface, "master", "bridge0")
        self.must(host, "ip", "link", "set", interface, "up")

    def cut(self, interface):
        """Removes one of the gateway's interfaces, and with it the far end of its cable."""
        self.must("gateway", "ip", "link", "del", interface)

    def lay_again(self, interface):
        for one, other in CABLES:
            if one[:2] == ("gateway", interface):
                self._lay(one, other)

    # -- running things ----------------------------------------------------------------------

    def namespace(self, host):
        return f"{self.id}-{host}"

    def inside(self, host, argv):
        return ["ip", "netns", "exec", self.namespace(host), *map(str, argv)]

    def run(self, host, *argv, timeout=30, **options):
        """Runs to the end or to the timeout (return code 124, like timeout(1))."""
        try:
            return subprocess.run(self.inside(host, argv), capture_output=True, text=True,
                                  errors="replace", timeout=timeout, check=False,
                                  stdin=subprocess.DEVNULL, **options)
        except subprocess.TimeoutExpired as late:
            words = [part.decode(errors="replace") if isinstance(part, bytes) else part or ""
                     for part in (late.stdout, late.stderr)]
            return subprocess.CompletedProcess(argv, 124, *words)

    def must(self, host, *argv, timeout=30, **options):
        done = self.run(host, *argv, timeout=timeout, **options)
        if done.returncode != 0:
            raise LabError(f"{host}: {' '.join(map(str, argv))}: "
                           f"{done.stderr.strip() or done.stdout.strip() or done.returncode}")
        return done.stdout

    def spawn(self, host, *argv, log=None, **options):
        """Starts something that ends with the lab. Its words go to the file `log` in our folder."""
        if log is not None:
            options.setdefault("stdout", open(self.folder / log, "ab"))
            options.setdefault("stderr", subprocess.STDOUT)
        # A session of its own: an interrupt at the terminal is ours to pass on.
        process = subprocess.Popen(self.inside(host, argv), stdin=subprocess.DEVNULL,
                                   start_new_session=True, **options)
        self.processes.append(process)
        return process

    def log(self, name):
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def masquerade(self, host, interface):
        """The hard NAT: every destination sees another port, and nothing unsolicited is answered
        (an answer would leave a conntrack entry that spoils the next mapping)."""
        rules = f"""
            table ip hard {{
                chain postrouting {{
                    type nat hook postrouting priority srcnat;
                    oifname "{interface}" masquerade random,fully-random
                }}
                chain input {{
                    type filter hook input priority filter;
                    iifname "{interface}" ct state established,related accept
                    iifname "{interface}" icmp type echo-request accept
                    iifname "{interface}" drop
                }}
                chain forward {{
                    type filter hook forward priority filter;
                    iifname "{interface}" ct state established,related accept
                    iifname "{interface}" drop
                }}
            }}"""
        self.must(host, "sh", "-c", "printf %s \"$0\" | nft -f -", rules)

    def wait_for(self, what, condition, seconds, pause=0.05):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(pause)
        raise LabError(f"{what}: not within {seconds} s")


def _interrupted(number, _frame):
    """What is being waited for ends first, so that the way out is not blocked by it."""
    for run_id in _ACTIVE:
        _signal_all(run_id, signal.SIGTERM)
    raise SystemExit(128 + number)


def start_time(pid):
    """When a process started, in the kernel's ticks: pid and this together name it for good."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[19]
    except OSError:
        return ""


def remove(run_id):
    """Ends what lives in a run's namespaces, by pid, and removes them by name."""
    present = _present(run_id)
    for number, patience_s in ((signal.SIGTERM, 2.5), (signal.SIGKILL, 1.0)):
        _signal_all(run_id, number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and any(_pids(name) for name in present):
            time.sleep(0.02)
    for name in present:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False, timeout=30)
    shutil.rmtree(STATE / run_id, ignore_errors=True)


def _present(run_id):
    names = [f"{run_id}-{host}" for host in HOSTS]
    return [name for name in names if Path("/run/netns", name).exists()]


def _signal_all(run_id, number):
    for pid in {pid for name in _present(run_id) for pid in _pids(name)}:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def _pids(namespace):
    done = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True,
                          check=False, timeout=30)
    return [int(word) for word in done.stdout.split()]


def sweep(kept_purpose=None):
    """Removes what runs left behind that were killed; and, if asked, what a run kept on purpose."""
    if not STATE.exists():
        return
    for folder in STATE.iterdir():
        try:
            state = json.loads((folder / "owner.json").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        kept = state["owner"] == 0
        dead = not kept and start_time(state["owner"]) != state["started"]
        if dead or (kept and state["purpose"] == kept_purpose):
            remove(folder.name)
