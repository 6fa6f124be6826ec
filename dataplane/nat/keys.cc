// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/keys.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace towpath::nat {

Outcome<Keys> Keys::random() {
    Keys keys;
    std::array<std::uint64_t, 10> words{};
    // 80 bytes: the kernel gives up to 256 whole or not at all.
    if (getrandom(words.data(), sizeof words, 0) != static_cast<ssize_t>(sizeof words)) {
        return fail(ExitCode::failed,
                    std::string{"the kernel gives no random numbers: "} + std::strerror(errno));
    }
    keys.mapping_hash = {words[0], words[1]};
    keys.session_hash = {words[2], words[3]};
    keys.ownership = words[4];
    keys.pooling = words[5];
    std::memcpy(keys.random_seed.data(), &words[6], sizeof keys.random_seed);
    return keys;
}

}  // namespace towpath::nat
