#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N5: `towpath nat lookup` lists the remotes of a mapping where sessions exist, at most 64 of them, says
how many there are, and says of other mappings that it does not know.

    a -- lan -- towpath -- router -- stun (listens on TCP 7600 only)
"""
import socket

from support import (A, QUICK_START, STUN, Lab, Towpath, behaviour, check, equal, socket_in)

PORT, LISTENING, LISTED = 5000, 7600, 64


def connect(lab, to):
    """From port 5000 of a, whatever else is connected from there."""
    caller = socket_in(lab, "a", socket.SOCK_STREAM, A, PORT)
    try:
        caller.connect((STUN, to))
    except ConnectionRefusedError:
        check(to != LISTENING, "the listener refuses")
    return caller


def looked_up(towpath, protocol):
    mapping = towpath.json("nat", "lookup", f"{A}:{PORT}/{protocol}")["mapping"]
    check(mapping is not None, f"there is no {protocol} mapping")
    return mapping


@behaviour
def remotes_are_listed():
    config = QUICK_START.replace("udp: endpoint-independent", "udp: address-dependent")
    with Lab("remotes") as lab:
        listener = socket_in(lab, "stun", socket.SOCK_STREAM, STUN, LISTENING)
        listener.listen()
        with Towpath(lab, config) as towpath:
            callers = [connect(lab, LISTENING)]
            rows = looked_up(towpath, "tcp")["remotes"]
            equal([(row["remote"], row["state"]) for row in rows],
                  [(f"{STUN}:{LISTENING}", "established")], "remotes of one connection")
            # What was refused by the far end is still a session, being opened.
            callers += [connect(lab, 20000 + number) for number in range(LISTED + 5)]
            mapping = looked_up(towpath, "tcp")
            equal((mapping["sessions"], len(mapping["remotes"])), (LISTED + 6, LISTED),
                  "sessions and remotes listed")
            equal(len({row["remote"] for row in mapping["remotes"]}), LISTED, "different remotes")
            words = towpath.client("nat", "lookup", f"{A}:{PORT}/tcp").stdout
            check(f"remotes  {LISTED + 6}, {LISTED} shown\n" in words, f"nat lookup: {words}")
            # Filtering by address remembers addresses.
            datagrams = socket_in(lab, "a", address=A, port=PORT)
            datagrams.sendto(b"one", (STUN, 1000))
            datagrams.sendto(b"two", (STUN, 1001))
            rows = looked_up(towpath, "udp")["remotes"]
            equal([(row["remote"], row["state"]) for row in rows], [(STUN, "permitted")],
                  "remotes that may answer")
            towpath.write(QUICK_START)
            equal(towpath.client("reload").returncode, 0, "towpath reload")
            other = socket_in(lab, "a", address=A, port=PORT + 1)
            other.sendto(b"three", (STUN, 1000))
            words = towpath.client("nat", "lookup", f"{A}:{PORT + 1}/udp").stdout
            check("remotes  not tracked (endpoint-independent)" in words, f"nat lookup: {words}")
            for caller in callers:
                caller.close()
