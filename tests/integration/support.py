# SPDX-License-Identifier: BSD-3-Clause
"""What every integration script needs: the lab, checks that say what was expected, one way to end."""

import ctypes
import functools
import json
import os
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

# Scripts take what they need of the lab from here.
from lab import gateway, measure, topology  # noqa: E402
from lab.gateway import QUICK_START, FullCone, Masquerade, Towpath, program  # noqa: E402,F401
from lab.topology import (A, B, C, HARD, LAN_ADDRESS, ROUTER, STUN, STUN_OTHER,  # noqa: E402,F401
                          WAN_ADDRESS, WEB, WEB_NARROW, Lab, LabError)

SKIP = 77
ECHO_PORT, FLOW_PORT = 9000, 9001
STATISTICS_AGE_S = 1.5  # control's counters are up to a second old


class Failed(Exception):
    """An expectation that did not hold."""


def check(holds, sentence):
    if not holds:
        raise Failed(sentence)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: expected {wanted!r}, got {got!r}")


def skip(reason):
    print(reason)
    sys.exit(SKIP)


def behaviour(function):
    """Runs a script's one function and turns what it says into an exit code."""

    @functools.wraps(function)
    def runs():
        try:
            function()
        except (Failed, LabError) as wrong:
            print(f"{type(wrong).__name__}: {wrong}")
            sys.exit(1)
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stdout)
            sys.exit(1)
        sys.exit(0)

    if function.__module__ == "__main__":
        runs()
    return runs


# -- sockets inside namespaces ---------------------------------------------------------------------

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _enter(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")
    finally:
        os.close(descriptor)


def socket_in(lab, host, kind=socket.SOCK_DGRAM, address="", port=0, timeout_s=3.0, protocol=0):
    """A bound socket that lives in a host's namespace; this process stays where it is."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        _enter(f"/run/netns/{lab.namespace(host)}")
        made = socket.socket(socket.AF_INET, kind, protocol)
    finally:
        _LIBC.setns(home, _CLONE_NEWNET)
        os.close(home)
    # Not for a datagram socket on any port: two of them could then be given the same one.
    if kind == socket.SOCK_STREAM or port != 0:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind != socket.SOCK_RAW:
        made.bind((address, port))
    made.settimeout(timeout_s)
    return made


def received(sock, size=65535):
    """(bytes, sender), or None when nothing came in time."""
    try:
        return sock.recvfrom(size)
    except (TimeoutError, socket.timeout):
        return None


def outside_endpoint(sock):
    """The endpoint that flow_server on STUN sees behind a datagram socket."""
    for _ in range(3):
        sock.sendto(b"seen", (STUN, FLOW_PORT))
        answer = received(sock)
        if answer is not None and len(answer[0]) == 8:
            value = int.from_bytes(answer[0][:4], "little")
            address = socket.inet_ntoa(value.to_bytes(4, "big"))
            return address, int.from_bytes(answer[0][4:], "little")
    raise Failed(f"no answer from {STUN}:{FLOW_PORT}")


def counted(lab, towpath, reason, at_least):
    """Waits until a drop reason has counted so many."""
    lab.wait_for(f"{at_least} drops as {reason}, not {towpath.drops()}",
                 lambda: towpath.drops().get(reason, 0) >= at_least, 5, pause=0.2)


def start_flow_server(lab, processes=1):
    """The kernel deals flows among several processes: one may not hold every descriptor."""
    for number in range(processes):
        log = f"flow_server{number}.log"
        lab.spawn("stun", program("flow_server"), f"{STUN}:{FLOW_PORT}",
                  f"{STUN_OTHER}:{FLOW_PORT}", log=log)
        lab.wait_for("flow_server", lambda name=log: "ready" in lab.log(name), 5)


# -- numbered datagrams ----------------------------------------------------------------------------

def start_echo(lab, log="sequence_echo.log"):
    lab.spawn("web", program("sequence_echo"), f"{WEB}:{ECHO_PORT}", log=log)
    lab.wait_for("sequence_echo", lambda: "ready" in lab.log(log), 5)


def sequence(lab, rate, seconds, flows=8, host="a", address=A):
    """Starts a sender; call the result to wait for its account (a dict)."""
    process = lab.spawn(host, program("sequence_sender"), address, f"{WEB}:{ECHO_PORT}", rate,
                        seconds, flows, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def account():
        words, _ = process.communicate(timeout=seconds + 20)
        try:
            return json.loads(words)
        except ValueError as wrong:
            raise Failed(f"sequence_sender: {words}") from wrong

    return account


def quarter_of_the_loss_free_rate(lab, flows=8):
    """Packets per second (decisions.md N23), by doubling from 4 000 until something is lost."""
    rate = 4000
    while rate <= 128000:
        if sequence(lab, rate * 2, 1, flows)()["lost"] != 0:
            break
        rate *= 2
    return rate // 4


def loss_free(lab, event, towpath, seconds=5, flows=8):
    """N23: numbered datagrams around `event` with nothing lost and no drop counter risen, after a
    run without the event that must be clean too. The account of the run with it. A run that lost
    something counts only if the machine is quiet before and after it; else, up to three times, all
    is measured again, and then the test fails as "machine too noisy"."""
    accounts = []
    for _ in range(3):
        rate = quarter_of_the_loss_free_rate(lab, flows)
        accounts.append(sequence(lab, rate, seconds, flows)())
        if accounts[-1]["lost"] != 0:
            continue
        time.sleep(STATISTICS_AGE_S)
        before = towpath.drops()
        account = sequence(lab, rate, seconds, flows)
        time.sleep(seconds / 2)
        event()
        result = account()
        time.sleep(STATISTICS_AGE_S)
        risen = {name: total - before.get(name, 0) for name, total in towpath.drops().items()
                 if total > before.get(name, 0)}
        if result["lost"] != 0 or risen:
            accounts.append(sequence(lab, rate, seconds, flows)())
            if accounts[-1]["lost"] != 0:
                continue
        print(f"{rate} datagrams/s: {result}")
        equal((result["lost"], result["remapped"], result["duplicated"]), (0, 0, 0),
              f"lost, remapped, duplicated (drop counters rose: {risen})")
        check(not risen, f"drop counters rose: {risen}")
        return result
    raise Failed(f"machine too noisy: without the event: {accounts}")
