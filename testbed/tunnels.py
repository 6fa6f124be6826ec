# SPDX-License-Identifier: BSD-3-Clause
"""Measures what can be the WireGuard gateway between the same cables in one run, and prints ratios to
the best of the others: Towpath, wireguard-go, boringtun, gotatun (decisions.md W17).

    a 10.77.1.11 ---- lan0  gateway (wg0 10.99.0.1)  wan0 ---- 192.0.2.1 router (wg0 10.99.0.2)

The far peer, on the router, is the same program in every row. Processor time is the time on a core
of everything in the three namespaces, by the kernel's account per thread, less the user time of
iperf3 and of the far peer: what other programs of the machine do hardly shows.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import cables as bed
import report
import tunnels_report
from lab import peers, topology, tunnels, wireguard

FAR, NEAR = "10.99.0.2", "10.99.0.1"
DEBIAN = (("wireguard-go", "-f"), ())
MTU = 1420
SMALL_BYTES = 36   # 64 with the headers of UDP and IPv4
LARGE_BYTES = 1360
WARM_UP_S = 1


def far_program():
    """The current wireguard-go where it was built, else the distribution's."""
    return peers.built().get("wireguard-go", DEBIAN)


class UserSpace:
    """A user-space WireGuard in the gateway's place; the kernel forwards."""

    def __init__(self, cables, program, environment, far_key):
        self.cables = cables
        self.peer = wireguard.UserSpacePeer(cables, "gateway", program=program, mtu=MTU,
                                            environment=environment, addresses=(f"{NEAR}/24",))
        self.public, self.far_key = self.peer.public, far_key

    def __enter__(self):
        for address, interface in ((topology.LAN_ADDRESS, "lan0"), (topology.WAN_ADDRESS, "wan0")):
            self.cables.must("gateway", "ip", "address", "add", f"{address}/24", "dev", interface)
        self.cables.must("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.peer.start()
        self.peer.configure([wireguard.peer(self.far_key, [f"{FAR}/32"])], wireguard.PORT)
        return self

    def __exit__(self, *_):
        self.peer.stop()
        self.cables.must("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        for interface in ("lan0", "wan0"):
            self.cables.must("gateway", "ip", "address", "flush", "dev", interface)


class TowpathTunnel:
    """Towpath with one worker on a core of its own."""

    def __init__(self, cables, driver, far_key):
        private, self.public = wireguard.key_pair()
        quick = tunnels.write_quick(cables, private, [wireguard.peer(far_key, [f"{FAR}/32"])],
                                    addresses=(f"{NEAR}/24",), more=f"MTU = {MTU}\n")
        config = tunnels.gateway_config(
            quick, more=f"dataplane: {{cores: {bed.GATEWAY_CORE}}}\n")
        self.towpath = bed.gateway.Towpath(
            cables, config.replace("driver: af_packet", f"driver: {driver}"), f"tunnel-{driver}")

    def __enter__(self):
        self.towpath.start()
        return self

    def __exit__(self, *_):
        self.towpath.stop()


def rows():
    """{name: (title, how to make it from cables and the far peer's key)}"""
    found = {driver: (f"Towpath, {driver}",
                      lambda cables, key, driver=driver: TowpathTunnel(cables, driver, key))
             for driver in ("af_packet", "af_xdp")}
    programs = {"wireguard-go-debian": DEBIAN, **peers.built()}
    for name, (program, environment) in programs.items():
        found[name] = (name, lambda cables, key, program=program, environment=environment:
                       UserSpace(cables, program, environment, key))
    return found


# -- processor time --------------------------------------------------------------------------------

def _pids(cables):
    return {int(pid) for host in bed.HOSTS for pid in subprocess.run(
        ["ip", "netns", "pids", cables.namespace(host)], capture_output=True, text=True,
        check=False, timeout=10).stdout.split()}


def _user_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return int(fields[11]) / 100


def spent(cables, ends):
    """Seconds on a core by process, less the user time of those named in `ends`."""
    found = {}
    for pid in _pids(cables):
        try:
            threads = [int((task / "schedstat").read_text(encoding="ascii").split()[0])
                       for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
            name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            is_end = name == "iperf3" or pid in ends
            found[pid] = sum(threads) / 1e9 - (_user_s(pid) if is_end else 0.0)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


# -- traffic ---------------------------------------------------------------------------------------

def iperf(cables, seconds, *options):
    """What iperf3 has to say at the end. Its server is closed for a moment between two runs."""
    for _ in range(5):
        time.sleep(0.5)
        done = cables.run("a", "iperf3", "-c", FAR, "-t", seconds, "-J", *options,
                          timeout=seconds + 20)
        try:
            found = json.loads(done.stdout)
        except ValueError as wrong:
            raise topology.LabError(f"iperf3: {done.stdout[-300:]}{done.stderr}") from wrong
        if found["end"]:
            return found["end"]
    raise topology.LabError(f"iperf3: {found.get('error')}")


def tcp_gbps(cables, seconds, *options):
    end = iperf(cables, seconds, "-O", WARM_UP_S, *options)
    return end["sum_received"]["bits_per_second"] / 1e9


def udp(cables, seconds, size_bytes):
    """What arrives when as much as possible is offered: (Gbit/s, packets per second)."""
    # Without -O: what is lost of the part that is left out would be counted all the same.
    end = iperf(cables, seconds, "-u", "-b", "0", "-l", size_bytes)["sum"]
    arrived = end["packets"] - end["lost_packets"]
    return arrived * size_bytes * 8 / end["seconds"] / 1e9, arrived / end["seconds"]


def cpu_per_gbit(cables, seconds, gbps, ends):
    """Processor seconds per Gbit of TCP at a load that all rows carry; and what got through."""
    command = cables.inside("a", ["iperf3", "-c", FAR, "-t", seconds + 2, "-b", f"{gbps * 1e9:.0f}",
                                  "-J"])
    time.sleep(1)  # the server closes its socket between two runs
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            pass
        before = spent(cables, ends)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        after = spent(cables, ends)
        carried = process.communicate(timeout=60)[0]
    try:
        carried_gbps = json.loads(carried)["end"]["sum_received"]["bits_per_second"] / 1e9
    except (ValueError, KeyError) as wrong:
        raise topology.LabError(f"iperf3: {carried[-300:]}") from wrong
    used_s = sum(after[pid] - before.get(pid, 0.0) for pid in after)
    return {"carried_gbps": carried_gbps,
            "cpu_s_per_gbit": used_s / seconds / carried_gbps if carried_gbps else 0.0}


def far_peer(cables):
    program, environment = far_program()
    return wireguard.UserSpacePeer(cables, "router", program=program, mtu=MTU,
                                   environment=environment, addresses=(f"{FAR}/24",))


def with_row(cables, make, work):
    """`work(far peer)` while a row stands and its tunnel is up."""
    far = far_peer(cables)
    with make(cables, far.public) as gateway, far:
        far.configure([wireguard.peer(gateway.public, ["10.77.1.0/24", f"{NEAR}/32"],
                                      f"{topology.WAN_ADDRESS}:{wireguard.PORT}", keepalive=5)],
                      wireguard.PORT)
        cables.must("router", "ip", "route", "replace", "10.77.1.0/24", "dev", "wg0")
        cables.wait_for("the tunnel", lambda: bed.gateway.crosses(cables, "a", FAR), 10)
        return work(far)


def first_pass(cables, make, seconds):
    def work(_):
        large_gbps, _ = udp(cables, seconds, LARGE_BYTES)
        _, small_pps = udp(cables, seconds, SMALL_BYTES)
        return {"tcp_gbps": tcp_gbps(cables, seconds), "back_gbps": tcp_gbps(cables, seconds, "-R"),
                "udp_gbps": large_gbps, "small_pps": small_pps}
    return with_row(cables, make, work)


def measured(offloads_on, chosen, seconds):
    """The rows with the offloads of all cables off or on."""
    found, known = {}, rows()
    with bed.Cables("testbed", bed.HOSTS if offloads_on else ()) as cables:
        for name in chosen:
            title, make = known[name]
            print(f"measuring: {title}", file=sys.stderr)
            try:
                found[name] = {"title": title, **first_pass(cables, make, seconds)}
            except (topology.LabError, KeyError) as problem:
                found[name] = {"title": title, "error": str(problem)}
        rates = [row["tcp_gbps"] for row in found.values() if row.get("tcp_gbps", 0) > 0]
        load_gbps = min(rates, default=0.0) / 2
        for name, row in found.items():
            if "error" in row or row["tcp_gbps"] < load_gbps:
                continue
            try:
                row["equal_load"] = with_row(
                    cables, known[name][1], lambda far: cpu_per_gbit(
                        cables, 2 * seconds, load_gbps, {far.process.pid}))
            except topology.LabError as problem:
                print(f"  {problem}", file=sys.stderr)
    return {"rows": found, "load_gbps": load_gbps}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/testbed-tunnels"))
    parser.add_argument("--quick", action="store_true", help="two seconds per figure, offloads off")
    parser.add_argument("--rows", default=",".join(rows()), help=f"some of {', '.join(rows())}")
    words = parser.parse_args()
    chosen = words.rows.split(",")
    if set(chosen) - set(rows()):
        parser.error(f"no such row: {', '.join(set(chosen) - set(rows()))}")
    if peers.missing():
        print(peers.missing(), file=sys.stderr)
    seconds = 2 if words.quick else 5
    results = {"machine": report.machine(), "far": " ".join(far_program()[0]),
               "off": measured(False, chosen, seconds)}
    if not words.quick:
        results["on"] = measured(True, chosen, seconds)
    words.out.mkdir(parents=True, exist_ok=True)
    (words.out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    text = tunnels_report.text(results)
    (words.out / "table.txt").write_text(text, encoding="utf-8")
    print(text)
    tunnels_report.plot(results, words.out)
    return 1 if any("error" in row for row in results["off"]["rows"].values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except topology.LabError as problem:
        print(f"testbed/run --tunnels: {problem}", file=sys.stderr)
        sys.exit(1)
