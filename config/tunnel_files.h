// SPDX-License-Identifier: BSD-3-Clause
// The files that a `wireguard:` section names: private and preshared keys, and wg-quick files.
#pragma once

#include "config/file.h"
#include "config/reading.h"

namespace towpath::config {

// Fills every tunnel of the reading from its files; what is wrong with one is a diagnostic.
void read_tunnel_files(Reading& reading, const ReadFile& read);

}  // namespace towpath::config
