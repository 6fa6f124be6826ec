// SPDX-License-Identifier: BSD-3-Clause
// The compiled XDP program (filter.bpf.c) as an ELF object, put into the binary by the build so
// that no file has to be found at run time.
#pragma once

#include <span>

namespace towpath::port {

extern const std::span<const unsigned char> kFilterObject;

}  // namespace towpath::port
