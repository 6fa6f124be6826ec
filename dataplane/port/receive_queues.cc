// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/receive_queues.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "dataplane/port/file_descriptor.h"

namespace towpath::port {

std::optional<std::uint32_t> count_receive_queues(const std::string& name) noexcept {
    const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ethtool_channels channels{};
    channels.cmd = ETHTOOL_GCHANNELS;
    ifreq request{};
    if (!socket.is_open() || name.size() >= IFNAMSIZ) {
        return std::nullopt;
    }
    std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
    request.ifr_data = reinterpret_cast<char*>(&channels);
    if (::ioctl(socket.number(), SIOCETHTOOL, &request) != 0) {
        return std::nullopt;
    }
    const std::uint32_t queues = channels.rx_count + channels.combined_count;
    return queues == 0 ? std::nullopt : std::optional{queues};
}

}  // namespace towpath::port
