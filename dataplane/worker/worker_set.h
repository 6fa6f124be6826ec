// SPDX-License-Identifier: BSD-3-Clause
// All workers of the data plane: their threads, what they share, and how the rest of the process
// talks to them without stopping them. Its functions are for one thread at a time, never a
// worker's.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/worker/worker.h"

namespace towpath::worker {

struct WorkerSetRequest {
    std::vector<unsigned> cores;  // one worker each, 1 to kWorkersMax
    std::vector<PortQueues> ports;
    bool busy_polls = false;
    // With tunnels: a path, or, of automatic, by the thresholds.
    crypto::AeadPath aead = crypto::AeadPath::automatic;
    crypto::AeadThresholds aead_thresholds{};
    ServerBell* bell = nullptr;  // likewise, never null
};

class WorkerSet {
public:
    // `ports`, `pool` and what `pipeline` names outlive the set. No thread runs yet.
    [[nodiscard]] static Outcome<std::unique_ptr<WorkerSet>> create(
        const WorkerSetRequest& request, PortTable& ports, dpdk::PacketPool& pool,
        Quiescence& quiescence, pipeline::PipelineShared pipeline);

    // Stops and joins every worker; packets that stages still hold go back to the pool.
    ~WorkerSet();
    WorkerSet(const WorkerSet&) = delete;
    WorkerSet& operator=(const WorkerSet&) = delete;

    // Starts the threads. They forward nothing before the first publish().
    [[nodiscard]] Outcome<void> start();

    // Makes `generation` the one in force, waits until every worker has let go of the one before
    // (at most a burst, or a sleep's wake-up), and frees that.
    void publish(std::unique_ptr<const pipeline::Generation> generation);
    // Null before the first publish().
    [[nodiscard]] const pipeline::Generation* generation() const noexcept {
        return generation_.get();
    }
    // After a device was put into or taken out of the port table: workers listen anew. Returns when
    // none uses what was taken out.
    void ports_changed();

    // Calls `answer(state, now)` on the thread of `worker`, which owns that state; waits for it.
    template <class Answer>
    void ask(WorkerId worker, Answer&& answer) {
        Worker::StateMailbox::Query query;
        query.argument = &answer;
        query.answer = [](nat::State& state, Now now, void* argument) noexcept {
            (*static_cast<std::remove_reference_t<Answer>*>(argument))(state, now);
        };
        post_and_wait(worker, query);
    }

    [[nodiscard]] std::size_t size() const noexcept { return workers_.size(); }
    [[nodiscard]] const Worker& worker(WorkerId id) const noexcept { return *workers_[id]; }
    // Events of `worker` have one consumer: the caller.
    [[nodiscard]] nat::EventRing& events(WorkerId id) const noexcept {
        return workers_[id]->nat_state().events();
    }
    [[nodiscard]] const std::vector<unsigned>& cores() const noexcept { return cores_; }
    // After something was put where `worker` looks for it.
    void wake(WorkerId worker) noexcept { doorbells_[worker].ring(); }
    [[nodiscard]] const TscClock& clock() const noexcept { return clock_; }
    [[nodiscard]] const QueuePlan& plan() const noexcept { return plan_; }

private:
    WorkerSet(const WorkerSetRequest& request, std::vector<Doorbell> doorbells, PortTable& ports,
              dpdk::PacketPool& pool, Quiescence& quiescence, pipeline::PipelineShared pipeline,
              std::vector<crypto::Aead> aeads);
    void post_and_wait(WorkerId worker, Worker::StateMailbox::Query& query);
    void wait_for_quiescence();
    void release_held();

    std::vector<unsigned> cores_;
    bool busy_polls_;
    TscClock clock_;
    QueuePlan plan_;
    HandoffMesh mesh_;
    std::vector<Doorbell> doorbells_;
    dpdk::PacketPool& pool_;
    Quiescence& quiescence_;
    pipeline::PipelineShared pipeline_;
    std::unique_ptr<const pipeline::Generation> generation_;
    std::atomic<const pipeline::Generation*> published_{nullptr};
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::uint32_t> ports_version_{0};
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::thread> threads_;
};

}  // namespace towpath::worker
