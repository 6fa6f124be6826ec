# SPDX-License-Identifier: BSD-3-Clause
"""What real programs say after they crossed whatever stands in the gateway's place."""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .gateway import program
from .topology import A, B, ROUTER, STUN, STUN_OTHER, WEB, LabError

STUN_PORT, TCP_PORT, TCP_OTHER_PORT, HTTP_PORT = 3478, 7001, 7002, 8080


def start_services(lab, file_bytes=16 << 20):
    """turnserver (RFC 5780), seen_endpoint, iperf3 and an HTTP server with one random file."""
    lab.spawn("stun", "turnserver", "-n", "--stun-only", "--no-tls", "--no-dtls", "--no-cli",
              "-L", STUN, "-L", STUN_OTHER, "--listening-port", STUN_PORT,
              "--log-file", "stdout", "--simple-log", "--pidfile", lab.folder / "turnserver.pid",
              log="turnserver.log")
    lab.spawn("stun", program("seen_endpoint"), STUN, STUN_OTHER, TCP_PORT, TCP_OTHER_PORT,
              log="seen_endpoint.log")
    lab.spawn("web", "iperf3", "-s", log="iperf3.log")
    folder = lab.folder / "www"
    folder.mkdir(exist_ok=True)
    with open("/dev/urandom", "rb") as source:
        (folder / "file").write_bytes(source.read(file_bytes))
    lab.spawn("web", "/usr/bin/python3", "-m", "http.server", "--directory", folder, HTTP_PORT,
              log="http.log")
    for host, port in (("web", 5201), ("web", HTTP_PORT), ("stun", TCP_PORT)):
        lab.wait_for(f"port {port} in {host}", lambda: _listens(lab, host, "-tln", port), 10)
    lab.wait_for("turnserver", lambda: _listens(lab, "stun", "-uln", STUN_PORT), 10)


def _listens(lab, host, flags, port):
    return f":{port} " in lab.run(host, "ss", flags).stdout


# -- behaviour ---------------------------------------------------------------------------------

def udp_behaviour(lab, host="a", address=A):
    """turnutils_natdiscovery's words, shortened: mapping, filtering, hairpin."""
    words = lab.run(host, "turnutils_natdiscovery", "-m", "-f", "-H", "-L", address, STUN,
                    timeout=60).stdout

    def shortened(what):
        found = re.search(rf"NAT with (.+) {what}!", words)
        if found is None:
            return "none" if "No NAT!" in words else "?"
        letters = {"Endpoint Independent": "EI", "Address Dependent": "AD",
                   "Address and Port Dependent": "APD"}
        return letters[found.group(1)] + what[0]

    hairpin = "yes" if "successful hairpinning" in words else "no"
    return {"mapping": shortened("Mapping"), "filtering": shortened("Filtering"),
            "hairpin": hairpin, "words": words}


def tcp_behaviour(lab, host="a", address=A):
    done = lab.run(host, program("tcp_behaviour"), address, STUN, STUN_OTHER, TCP_PORT,
                   TCP_OTHER_PORT, timeout=60)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": done.stderr.strip() or f"exit code {done.returncode}"}


def ice(lab, host="a", far="c", seconds=15):
    """Two libnice agents, one STUN server, no relay: what both of them say."""
    folder = lab.folder / f"ice-{host}-{far}"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()

    def agent(name, peer, role):
        done = lab.run(name, program("ice_agent"), name, peer, folder, STUN, STUN_PORT, role,
                       seconds, timeout=seconds + 10)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {"direct": False, "error": done.stderr.strip()}

    with ThreadPoolExecutor(2) as both:
        one = both.submit(agent, host, far, "controlling")
        other = both.submit(agent, far, host, "controlled")
        return {host: one.result(), far: other.result(),
                "direct": one.result()["direct"] and other.result()["direct"]}


# -- everyday traffic ------------------------------------------------------------------------------

def ping(lab, host="a", target=WEB, count=5, size=56, interval=0.05):
    """Replies of `count` requests, and the mean round trip in milliseconds."""
    words = lab.run(host, "ping", "-n", "-c", count, "-i", interval, "-W", "1", "-s", size, target,
                    timeout=30).stdout
    received = re.search(r"(\d+) received", words)
    mean = re.search(r"= [\d.]+/([\d.]+)/", words)
    return {"sent": count, "received": int(received.group(1)) if received else 0,
            "rtt_ms": float(mean.group(1)) if mean else None}


def hops(lab, host="a", target=WEB):
    """The address of every hop, "*" for one that stayed silent."""
    words = lab.run(host, "traceroute", "-n", "-q", "2", "-w", "1", "-m", "8", target,
                    timeout=60).stdout
    return [line.split()[1] for line in words.splitlines()[1:] if len(line.split()) > 1]


def fetch(lab, host="a", target=WEB, seconds=60):
    """Downloads the HTTP server's file: is it the same by SHA-256?"""
    copy = lab.folder / f"fetched-{host}"
    done = lab.run(host, "curl", "-sS", "--max-time", seconds, "-o", copy,
                   f"http://{target}:{HTTP_PORT}/file", timeout=seconds + 5)
    if done.returncode != 0:
        return {"same": False, "words": done.stderr.strip() or f"exit code {done.returncode}"}
    same = _digest(copy) == _digest(lab.folder / "www" / "file")
    copy.unlink()
    return {"same": same, "words": "same" if same else "differs"}


def _digest(path: Path):
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def iperf(lab, *options, host="a", target=WEB, seconds=None, timeout=60):
    """One iperf3 run; gigabits per second as the receiver counted them, bytes, retransmissions."""
    words = ["iperf3", "-J", "-c", target, "--connect-timeout", "3000", *options]
    if seconds is not None:
        words += ["-t", seconds]
    done = lab.run(host, *words, timeout=timeout)
    try:
        end = json.loads(done.stdout)["end"]
    except (ValueError, KeyError) as wrong:
        raise LabError(f"iperf3: {done.stdout[-400:]} {done.stderr}") from wrong
    if "sum_received" not in end:
        raise LabError(f"iperf3: {json.loads(done.stdout).get('error')}")
    return {"gbps": end["sum_received"]["bits_per_second"] / 1e9,
            "bytes": end["sum_received"]["bytes"],
            "retransmits": end["sum_sent"].get("retransmits", 0)}


__all__ = ["A", "B", "ROUTER", "fetch", "hops", "ice", "iperf", "ping", "start_services",
           "tcp_behaviour", "udp_behaviour"]
