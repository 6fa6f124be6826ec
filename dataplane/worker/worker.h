// SPDX-License-Identifier: BSD-3-Clause
// One worker: a thread bound to a core that receives, runs the pipeline and sends, to completion.
// It owns its pipeline state; what it shares with other workers is named in WorkerShared. After
// run() begins nothing allocates (decisions.md N12).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/packet/quiescence.h"
#include "dataplane/pipeline/generation.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/worker/dispatch.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/server_bell.h"
#include "dataplane/worker/spin_budget.h"
#include "dataplane/worker/tsc_clock.h"

namespace towpath::worker {

// Written by the worker, read by anyone.
struct WorkerLoad {
    Counter busy_ns;
    Counter idle_ns;
    Counter sleeps;
};

struct WorkerShared {
    DispatchTargets targets;
    Quiescence& quiescence;
    const std::atomic<const pipeline::Generation*>& generation;
    const std::atomic<bool>& is_stopping;
    const std::atomic<std::uint32_t>& ports_version;  // rises when a device came or went
    TscClock clock;
    ServerBell* bell = nullptr;  // rung when the tunnels have something for the server thread
    bool busy_polls = false;
};

class Worker {
public:
    using StateMailbox = Mailbox<nat::State>;

    Worker(WorkerId id, const WorkerShared& shared, pipeline::PipelineShared& pipeline,
           std::optional<crypto::Aead> aead);

    // Until is_stopping. On its own thread, bound to its core by who started it.
    void run() noexcept;
    // After run() has returned: what stages still hold goes back to the pool.
    void discard() noexcept;

    [[nodiscard]] const PipelineCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] const WorkerLoad& load() const noexcept { return load_; }
    [[nodiscard]] const pipeline::Pipeline& pipeline() const noexcept { return pipeline_; }
    [[nodiscard]] StateMailbox& mailbox() noexcept { return mailbox_; }
    [[nodiscard]] nat::State& nat_state() noexcept { return pipeline_.nat_state(); }
    [[nodiscard]] const nat::State& nat_state() const noexcept { return pipeline_.nat_state(); }

private:
    void adopt_generation() noexcept;
    [[nodiscard]] std::size_t turn(Now now) noexcept;
    [[nodiscard]] std::size_t receive_ports(Now now) noexcept;
    [[nodiscard]] std::size_t receive_hosts(Now now) noexcept;
    [[nodiscard]] std::size_t receive_handed_off(Now now) noexcept;
    // How many of the first `count` free slots of the batch stay here; the others are handed off.
    [[nodiscard]] std::size_t distribute(std::size_t count) noexcept;
    void admit_received(InterfaceId interface, std::size_t count, Lane lane) noexcept;
    void process(Now now) noexcept;
    void housekeeping(Now now) noexcept;
    void tell_server() noexcept;
    void refill_spares() noexcept;
    void idle(Now now) noexcept;
    void sleep() noexcept;
    void collect_descriptors();

    WorkerShared shared_;
    PipelineCounters counters_;
    WorkerLoad load_;
    wireguard::Tables* tunnels_;  // null without tunnels
    pipeline::Pipeline pipeline_;
    Dispatch dispatch_;
    StateMailbox mailbox_;
    Batch batch_;
    // Reserved once; a worker that serves more than that would allocate here.
    std::vector<int> found_descriptors_;
    std::vector<pollfd> descriptors_;  // the doorbell, the ports', from first_host_ on the TAPs'
    std::size_t first_host_ = 0;
    Now next_housekeeping_{};
    Now next_look_at_hosts_{};
    Now last_work_{};
    SpinBudget spin_;
    const pipeline::Generation* generation_ = nullptr;
    std::uint32_t ports_version_ = ~std::uint32_t{0};
    bool is_idle_ = false;
    bool can_sleep_ = true;
    WorkerId id_;
};

}  // namespace towpath::worker
