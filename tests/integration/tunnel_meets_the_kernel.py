#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tunnel with the WireGuard of Linux itself (Debian's kernel in a machine under software
emulation): each side begins sessions, pings of both families and of every size cross both ways, files
arrive intact both ways, iperf3 runs, the session is renewed under way, the peer changes its port. With
TOWPATH_LONG=1 in the environment a flow also crosses the moment at which the kernel renews a session of
its own: 120 s.

    a -- lan -- towpath (wg0) -- router (tcpdump) -- web's place: QEMU, Linux with wireguard.ko
"""
# timeout_s: 360
import hashlib
import os
import re
import time

from support import A, WAN_ADDRESS, WEB, Lab, Towpath, behaviour, check, equal, skip
from lab import suite
from lab.emulated import install_packages, why_not
from lab.kernel_peer import KernelPeer
from lab.tunnels import (A6, LAN6, PEER6, PEER_ADDRESS, PEER_PREFIXES, TUNNEL6, TUNNEL_ADDRESS,
                         Outer, endpoint, gateway_config, switch_ipv6_on, write_quick)
from lab.wireguard import PORT, key_pair, peer, preshared_key

FILE_BYTES = 4 << 20


def out(lab, towpath, *words):
    done = lab.run("a", "ping", "-n", "-c3", "-i0.2", "-W2", *words)
    check(" 3 received" in done.stdout, f"a: {done.stdout}{towpath.drops()}\n{towpath.words()}")


def back(kernel, towpath, target, size=56):
    code, said = kernel.run(f"ping -c 3 -W 2 -s {size} {target}")
    check(code == 0 and " 3 packets received" in said,
          f"the kernel: {said}{towpath.drops()}\n{towpath.words()}")


def cross(lab, kernel, towpath):
    """Both families, both ways, the gateway itself, and packets of the tunnel's MTU and above."""
    for target in (PEER_ADDRESS, PEER6):
        out(lab, towpath, target)
        # The first of an IPv6 sender's may only teach it the MTU.
        lab.run("a", "ping", "-n", "-c1", "-W1", "-s", 3000, target)
        out(lab, towpath, "-s", 3000, target)
    for target in (A, A6, TUNNEL_ADDRESS, TUNNEL6):
        back(kernel, towpath, target)
    for target in (A, A6):
        back(kernel, towpath, target, 3000)
    out(lab, towpath, "-M", "do", "-s", 1420 - 28, PEER_ADDRESS)


def transfer(lab, kernel):
    """A file each way by its SHA-256, and iperf3 each way in both families; what iperf3 says."""
    kernel.must(f"dd if=/dev/urandom of=/tmp/file bs=1024 count={FILE_BYTES // 1024} && "
                "httpd -p 8080 -h /tmp")
    wanted = kernel.must("sha256sum /tmp/file").split()[0]
    copy = lab.folder / "from-kernel"
    lab.must("a", "curl", "-sS", "--max-time", 40, "-o", copy, f"http://{PEER_ADDRESS}:8080/file",
             timeout=45)
    equal(hashlib.sha256(copy.read_bytes()).hexdigest(), wanted, "the file from the kernel")
    lab.spawn("a", "/usr/bin/python3", "-m", "http.server", "--bind", A, "--directory",
              lab.folder, 8080, log="http.log")
    lab.wait_for("a's HTTP server", lambda: ":8080" in lab.run("a", "ss", "-tln").stdout, 10)
    said = kernel.must(f"wget -q -O - http://{A}:8080/{copy.name} | sha256sum", 40)
    equal(said.split()[0], wanted, "the file to the kernel")
    kernel.must("iperf3 -s -D")
    return {f"{name}, {family}": suite.transfer(lab, *options, host="a", target=target,
                                                seconds=2)["gbps"] * 1000
            for family, target in (("IPv4", PEER_ADDRESS), ("IPv6", PEER6))
            for name, options in (("to it", ()), ("from it", ("-R",)))}


def handshake_age(kernel):
    found = re.search(r"\t(\d+)\n", kernel.must("wg show wg0 latest-handshakes"))
    return int(found.group(1)) if found else 0


def renew(lab, kernel, towpath):
    """A session that we begin while packets flow: none of them is lost."""
    before = handshake_age(kernel)
    time.sleep(1.1)  # the kernel tells seconds
    flow = lab.spawn("a", "ping", "-n", "-q", "-c", 60, "-i", "0.05", "-W", "2", PEER_ADDRESS,
                     log="renew.log")
    equal(towpath.client("wg", "rekey", "--all").returncode, 0, "towpath wg rekey")
    lab.wait_for("the kernel's new session", lambda: handshake_age(kernel) > before, 10, 0.3)
    flow.wait(20)
    check(" 60 received" in lab.log("renew.log"), f"pings meanwhile: {lab.log('renew.log')}")


def outlast(kernel):
    """A flow of the kernel's, which began the session and renews it when it is 120 s old."""
    before = handshake_age(kernel)
    code, said = kernel.run(f"ping -q -c 130 -W 2 {A}", 160)
    check(code == 0 and " 130 packets received" in said, f"over the renewal: {said}")
    renewed_s = handshake_age(kernel) - before
    print(f"the kernel's next session {renewed_s} s after the one before")
    check(115 <= renewed_s <= 130, f"renewed after {renewed_s} s")


@behaviour
def tunnel_meets_the_kernel():
    install_packages()
    reason = why_not()
    if reason:
        skip(reason)
    with Lab("kern") as lab, KernelPeer(lab, (f"{PEER_ADDRESS}/24", f"{PEER6}/64")) as kernel:
        print(re.search(r"kernel \S+, wireguard \S+", kernel.words()).group())
        switch_ipv6_on(lab)
        kernel.must("ip route add 10.77.1.0/24 dev wg0")
        kernel.must(f"ip -6 route add {LAN6}/64 dev wg0")
        (private, public), shared = key_pair(), preshared_key()
        quick = write_quick(lab, private, [peer(kernel.public, PEER_PREFIXES, endpoint(WEB),
                                                preshared=shared)])
        ours = {begins: [peer(public, ["0.0.0.0/0", "::/0"], where, preshared=shared)]
                for begins, where in (("we", None), ("it", endpoint(WAN_ADDRESS)))}
        with Towpath(lab, gateway_config(quick, dual_stack=True)) as towpath, Outer(lab) as wire:
            kernel.configure(ours["we"], PORT)
            out(lab, towpath, PEER_ADDRESS)
            cross(lab, kernel, towpath)
            kernel.must(f"wg set wg0 peer {public} remove")
            kernel.configure(ours["it"], PORT)
            back(kernel, towpath, A)
            cross(lab, kernel, towpath)
            if os.environ.get("TOWPATH_LONG"):
                outlast(kernel)
            rates = transfer(lab, kernel)
            renew(lab, kernel, towpath)
            kernel.must(f"wg set wg0 listen-port {PORT + 1}")
            back(kernel, towpath, A)
            out(lab, towpath, PEER_ADDRESS)
            row = towpath.wg("show", "wg0", "dump").splitlines()[1].split("\t")
            equal(row[2], endpoint(WEB, PORT + 1), "where the gateway has the kernel")
        print(", ".join(f"{what} {mbps:.0f}" for what, mbps in rates.items()) + " Mbit/s")
        begun = {source for source, _, head in wire.messages() if head[:1] == b"\x01"}
        check({endpoint(WEB), endpoint(WAN_ADDRESS)} <= begun, f"who began sessions: {begun}")
        nonces = wire.nonces()
        equal(len(nonces) - len(set(nonces)), 0, f"nonces sent twice, of {len(nonces)}")
