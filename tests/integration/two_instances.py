#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""N16: two instances on one machine, each in its own namespace and run directory, do not meet: both
forward, and one ends without the other noticing.

    a -- lan -- towpath -- router      (twice, with the same addresses)
"""
from support import Lab, Towpath, behaviour, check, equal, measure
from lab.gateway import crosses


class Second(Lab):
    """A lab with another id in the same process."""

    def __init__(self):
        super().__init__("inst")
        self.id += "b"
        self.folder = self.folder.with_name(self.id)


@behaviour
def two_instances():
    with Lab("inst") as one, Second() as other:
        with Towpath(other) as second:
            with Towpath(one) as first:
                equal((measure.ping(one)["received"], measure.ping(other)["received"]), (5, 5),
                      "replies through both")
                check(first.pid_of("towpathd") != second.pid_of("towpathd"), "two data planes")
            check(not crosses(one), "the first is gone")
            equal(measure.ping(other)["received"], 5, "replies through the second")
