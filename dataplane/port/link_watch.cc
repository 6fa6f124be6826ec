// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/link_watch.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace towpath::port {
namespace {

constexpr std::size_t kDatagram_bytes = 64 * 1024;
constexpr int kSocketBuffer_bytes = 1 << 20;

Failure cannot_watch(const char* what) {
    return {
        errno == EPERM ? ExitCode::no_permission : ExitCode::failed,
        std::string{"the kernel's links cannot be watched: "} + what + ": " + std::strerror(errno)};
}

}  // namespace

void LinkWatch::CloseSocket::operator()(mnl_socket* socket) const noexcept {
    mnl_socket_close(socket);
}

Outcome<LinkWatch> LinkWatch::open() {
    Socket socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket) {
        return tl::unexpected{cannot_watch("netlink socket")};
    }
    if (mnl_socket_bind(socket.get(), RTMGRP_LINK, MNL_SOCKET_AUTOPID) != 0) {
        return tl::unexpected{cannot_watch("netlink bind")};
    }
    // More room means fewer new lists; the default does too.
    static_cast<void>(::setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVBUF,
                                   &kSocketBuffer_bytes, sizeof kSocketBuffer_bytes));
    return LinkWatch{std::move(socket)};
}

bool LinkWatch::request_dump() {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = RTM_GETLINK;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* body = static_cast<rtgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtgenmsg)));
    body->rtgen_family = AF_UNSPEC;
    table_.begin_dump();
    is_dumping_ = true;
    needs_dump_ = false;
    return mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) >= 0;
}

bool LinkWatch::take(const Callback& callback) {
    alignas(nlmsghdr) static thread_local std::array<std::byte, kDatagram_bytes> buffer;
    const ssize_t length = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (length <= 0) {
        if (length < 0 && errno == ENOBUFS) {
            return false;
        }
        is_broken_ = length == 0 || (errno != EAGAIN && errno != EINTR && errno != ENOSPC);
        return length < 0 && errno != ENOSPC;
    }
    const auto messages =
        parse_link_messages(std::span{buffer}.first(static_cast<std::size_t>(length)));
    if (!messages) {
        is_dumping_ = false;  // its end may have been in there
        return false;
    }
    bool is_whole = true;
    for (const LinkMessage& message : *messages) {
        using Kind = LinkMessage::Kind;
        if (message.kind == Kind::interrupted || message.kind == Kind::refused) {
            is_whole = false;
            is_dumping_ = is_dumping_ && message.kind == Kind::interrupted;
            continue;
        }
        if (message.kind == Kind::dump_end) {
            is_dumping_ = false;
            if (needs_dump_ || !is_whole) {
                continue;  // this list has holes; the next one says what is gone
            }
        }
        for (const LinkEvent& event : table_.apply(message)) {
            callback(event);
        }
    }
    return is_whole;
}

Outcome<void> LinkWatch::run(int stop_descriptor, const Callback& callback) {
    if (!request_dump()) {
        return tl::unexpected{cannot_watch("netlink request")};
    }
    std::array<pollfd, 2> waits{pollfd{mnl_socket_get_fd(socket_.get()), POLLIN, 0},
                                pollfd{stop_descriptor, POLLIN, 0}};
    while (true) {
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
            return tl::unexpected{cannot_watch("poll")};
        }
        if (waits[1].revents != 0) {
            return {};
        }
        if (waits[0].revents != 0 && !take(callback)) {
            needs_dump_ = true;
        }
        if (is_broken_) {
            return tl::unexpected{cannot_watch("netlink receive")};
        }
        if (needs_dump_ && !is_dumping_ && !request_dump() && errno != EBUSY) {
            return tl::unexpected{cannot_watch("netlink request")};
        }
    }
}

}  // namespace towpath::port
