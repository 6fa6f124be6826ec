# SPDX-License-Identifier: BSD-3-Clause
"""The two cables that everything is measured on, and what can stand between them.

    a 10.77.1.11 ---- lan0 10.77.1.1  gateway  192.0.2.10 wan0 ---- 192.0.2.1 router

The generator sends at a and receives at the router; there, behind the generator's tap, its frames
are dropped, so that the far end's own IP stack costs nothing in any row.
"""

import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from lab import gateway, topology  # noqa: E402  (needs the path above)

HOSTS = ("a", "gateway", "router")
PROBE_PORT = 9000
# Where the gateway works; the generator stays on core 0.
GATEWAY_CORE = 1


class Cables(topology.Lab):
    """Namespaces, cables and clean-up as in every lab, with nothing else on the way."""

    def up(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._up = True
        topology._ACTIVE.add(self.id)
        self._record(os.getpid())
        for host in HOSTS:
            topology.system("ip", "netns", "add", self.namespace(host))
            self.must(host, "sysctl", "-qw", *topology.SYSCTLS)
            self.must(host, "ip", "link", "set", "lo", "up")
        self._lay(("a", "eth0", (f"{topology.A}/24",)), ("gateway", "lan0", ()))
        self._lay(("gateway", "wan0", ()), ("router", "gw0", (f"{topology.ROUTER}/24",)))
        self.must("a", "ip", "route", "add", "default", "via", topology.LAN_ADDRESS)
        self.must("router", "ip", "route", "add", "10.77.1.0/24", "via", topology.WAN_ADDRESS)
        self.rules("router", f"""
            table netdev sink {{
                chain ingress {{
                    type filter hook ingress device "gw0" priority 0;
                    udp dport {PROBE_PORT} drop
                }}
            }}""")
        self.spawn("router", "iperf3", "-s", log="iperf3.log")

    def rules(self, host, text):
        self.must(host, "sh", "-c", "printf %s \"$0\" | nft -f -", text)

    def gateway_mac(self):
        shown = self.must("gateway", "ip", "-j", "link", "show", "dev", "lan0")
        return json.loads(shown)[0]["address"]

    def steer_to(self, core):
        """Receive packet steering of the gateway's cables to one core; None is the default: the
        core that sends does the kernel's work."""
        mask = format(0 if core is None else 1 << core, "x")
        for interface in ("lan0", "wan0"):
            self.must("gateway", "sh", "-c",
                      f"echo {mask} > /sys/class/net/{interface}/queues/rx-0/rps_cpus")


class Kernel:
    """The kernel forwards between the cables; with `rules`, through nftables."""

    def __init__(self, cables, rules="", core=None):
        self.cables, self.rules, self.core = cables, rules, core

    def __enter__(self):
        cables = self.cables
        for address, interface in ((topology.LAN_ADDRESS, "lan0"), (topology.WAN_ADDRESS, "wan0")):
            cables.must("gateway", "ip", "address", "add", f"{address}/24", "dev", interface)
        cables.must("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        cables.steer_to(self.core)
        if self.rules:
            cables.rules("gateway", self.rules)
        cables.wait_for("the kernel", lambda: gateway.crosses(cables), 10)
        return self

    def __exit__(self, *_):
        cables = self.cables
        cables.must("gateway", "nft", "flush", "ruleset")
        cables.must("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        cables.steer_to(None)
        for interface in ("lan0", "wan0"):
            cables.must("gateway", "ip", "address", "flush", "dev", interface)


MASQUERADE = """
    table ip nat {
        chain postrouting {
            type nat hook postrouting priority srcnat;
            oifname "wan0" masquerade
        }
    }"""
INGRESS_DROP = """
    table netdev baseline {
        chain ingress {
            type filter hook ingress device "lan0" priority 0;
            drop
        }
    }"""


class IngressDrop:
    """What the generator alone costs: its frames end at the gateway's first interface."""

    def __init__(self, cables):
        self.cables = cables

    def __enter__(self):
        self.cables.rules("gateway", INGRESS_DROP)
        return self

    def __exit__(self, *_):
        self.cables.must("gateway", "nft", "flush", "ruleset")


def towpath(cables, driver):
    config = gateway.QUICK_START.replace("driver: af_packet", f"driver: {driver}")
    return gateway.Towpath(cables, f"{config}dataplane: {{cores: {GATEWAY_CORE}}}\n", driver)
