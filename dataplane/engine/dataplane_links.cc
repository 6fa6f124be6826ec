// SPDX-License-Identifier: BSD-3-Clause
// Devices that come and go while the data plane runs (decisions.md N10, N12): two threads beside
// the workers see to it.
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "dataplane/engine/dataplane.h"
#include "dataplane/port/link_watch.h"

namespace towpath::engine {
namespace {

// How often devices without a netdev are asked for their link.
constexpr int kLinkPoll_ms = 200;
// How often the host's devices are looked for, in polls: somebody may delete them, and whoever does
// that at once each time is not to keep us busy.
constexpr unsigned kHostPolls = 5;

// DPDK's TAP driver has the kernel signal each packet: those go to the other threads, or nothing
// here would ever wait its time.
void block_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

Outcome<void> Dataplane::watch_links() {
    auto watch = port::LinkWatch::open();
    if (!watch) {
        return tl::unexpected{watch.error()};
    }
    link_stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (link_stop_ < 0) {
        return fail(ExitCode::failed,
                    std::string{"cannot make an event descriptor: "} + std::strerror(errno));
    }
    link_thread_ = std::thread{[this, watcher = std::move(*watch)]() mutable {
        block_signals();
        // Ends with the process or when the kernel closes the socket; interfaces then stay as they
        // are.
        (void)watcher.run(link_stop_, [this](const port::LinkEvent& event) { on_link(event); });
    }};
    poll_thread_ = std::thread{[this] {
        block_signals();
        pollfd stop{.fd = link_stop_, .events = POLLIN, .revents = 0};
        for (unsigned polls = 1; poll(&stop, 1, kLinkPoll_ms) == 0; ++polls) {
            poll_links();
            if (polls % kHostPolls == 0) {
                restore_hosts();
            }
        }
    }};
    return {};
}

void Dataplane::on_link(const port::LinkEvent& event) {
    const std::lock_guard lock{mutex_};
    if (devices_->handle(event)) {
        publish_links();
    }
}

void Dataplane::poll_links() {
    const std::lock_guard lock{mutex_};
    if (devices_->poll_links()) {
        publish_links();
    }
}

void Dataplane::restore_hosts() {
    const std::lock_guard lock{mutex_};
    if (world_number_ == 0) {
        return;
    }
    if (devices_->make_taps_again()) {
        publish_links();
    }
    const bool is_port_missing = devices_->lose_hosts();
    const bool is_tunnel_missing = tunnel_hosts_ != nullptr && tunnel_hosts_->lose_hosts(world_);
    if (is_port_missing || is_tunnel_missing) {
        (void)publish_world();
    }
}

void Dataplane::publish_links() {
    // What control has not fetched is replaced: only the latest state of each port matters.
    link_changes_.clear();
    for (std::size_t id = 0; id < devices_->count(); ++id) {
        contract::LinkChange change;
        change.interface = static_cast<std::uint8_t>(id);
        change.is_up = devices_->facts()[id].is_up ? 1 : 0;
        link_changes_.push_back(change);
    }
    if (world_number_ != 0) {
        (void)publish_world();
    }
}

}  // namespace towpath::engine
