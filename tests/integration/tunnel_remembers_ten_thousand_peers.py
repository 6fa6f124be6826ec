#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What peers without a session cost in memory (decisions.md W16, goal 2 KiB each): the anonymous memory
of both processes with 10 000 peers in a wg-quick file, less that with one. Printed; asserted is only
that all of them are there and that a peer costs less than 3 KiB.

    towpath (wg0), wg in its namespace
"""
import base64
import os
import re
import time
from pathlib import Path

from support import Lab, Towpath, behaviour, check, equal
from lab.tunnels import gateway_config, write_quick
from lab.wireguard import key_pair, peer

PEERS = 10_000
PROCESSES = ("towpathd", "towpath-control")
LIMIT_BYTES = 3072


def address(number):
    return f"10.{99 + number // 65536}.{number // 256 % 256}.{number % 256}/32"


def anonymous_bytes(pid):
    """Memory of its own, in use; not what it shares with files."""
    words = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return 1024 * int(re.search(r"^Anonymous:\s+(\d+) kB", words, re.MULTILINE).group(1))


def used_with(lab, config_of, count):
    """{process: bytes} once the peers are listed."""
    # Any 32 bytes are a public key.
    keys = [base64.b64encode(os.urandom(32)).decode("ascii") for _ in range(count)]
    quick = config_of([peer(key, [address(number)]) for number, key in enumerate(keys)])
    config = gateway_config(quick).replace("inside: [lan, wg0]", "inside: [lan]")
    with Towpath(lab, config) as towpath:
        lab.wait_for(f"{count} peers", lambda: len(
            towpath.wg("show", "wg0", "peers").splitlines()) == count, 20, 0.5)
        equal(set(towpath.wg("show", "wg0", "peers").split()), set(keys), "peers")
        time.sleep(1.5)  # what the listing took goes back to the system within a second
        return {name: anonymous_bytes(towpath.pid_of(name)) for name in PROCESSES}


@behaviour
def tunnel_remembers_ten_thousand_peers():
    with Lab("mem") as lab:
        private, _ = key_pair()

        def config_of(sections):
            return write_quick(lab, private, sections)

        one = used_with(lab, config_of, 1)
        many = used_with(lab, config_of, PEERS)
        each = {name: (many[name] - one[name]) / (PEERS - 1) for name in PROCESSES}
        print(", ".join(f"{name} {used:.0f}" for name, used in each.items())
              + f", together {sum(each.values()):.0f} bytes for a peer without a session")
        check(sum(each.values()) < LIMIT_BYTES, f"bytes for a peer: {each}")
