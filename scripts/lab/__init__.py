# SPDX-License-Identifier: BSD-3-Clause
"""A small internet in network namespaces, with a place for a gateway in it.

    topology   the namespaces, their cables, addresses and static services
    gateway    what can stand in the gateway's place: the kernel's masquerade, or Towpath
    measure    what real programs say after they crossed it
"""
