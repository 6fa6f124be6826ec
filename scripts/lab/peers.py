# SPDX-License-Identifier: BSD-3-Clause
"""User-space WireGuards that are newer than the distribution's: testbed/peers/build makes them,
each at one version, into a folder outside the tree. Who wants one asks here whether it is there."""

import os
from pathlib import Path

# By name: what follows the program on its command line, before the interface's name, and its
# environment.
ARGUMENTS = {
    "wireguard-go": (("-f",), ()),
    "boringtun-cli": (("-f", "--disable-drop-privileges"), ()),
    "gotatun-cli": (("-f", "--disable-drop-privileges"), ()),
}


def folder():
    return Path(os.environ.get("TOWPATH_PEERS", Path.home() / ".cache" / "towpath-peers"))


def built():
    """{name: (program and arguments, environment)} of those that are there."""
    return {name: ((str(folder() / name), *arguments), environment)
            for name, (arguments, environment) in ARGUMENTS.items()
            if os.access(folder() / name, os.X_OK)}


def missing():
    """A sentence about those that are not there; empty when all are."""
    names = [name for name in ARGUMENTS if name not in built()]
    if not names:
        return ""
    return f"{', '.join(names)} not built: testbed/peers/build makes them (needs Go and cargo)"
