// SPDX-License-Identifier: BSD-3-Clause
// A page of metrics while it is being written, and the families that are written elsewhere.
#pragma once

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/tunnel_model.h"

namespace towpath::control::api {

using prometheus::MetricType;
using Labels = std::vector<prometheus::ClientMetric::Label>;

class Page {
public:
    // Starts a family; samples go to the last one started.
    Page& counter(std::string name, std::string help) {
        return family(std::move(name), std::move(help), MetricType::Counter);
    }
    Page& gauge(std::string name, std::string help) {
        return family(std::move(name), std::move(help), MetricType::Gauge);
    }
    Page& sample(double value, Labels labels = {}) {
        prometheus::ClientMetric metric;
        metric.label = std::move(labels);
        if (families_.back().type == MetricType::Counter) {
            metric.counter.value = value;
        } else {
            metric.gauge.value = value;
        }
        families_.back().metric.push_back(std::move(metric));
        return *this;
    }
    [[nodiscard]] std::string text() const {
        return prometheus::TextSerializer{}.Serialize(families_);
    }

private:
    Page& family(std::string name, std::string help, MetricType type) {
        families_.push_back({std::move(name), std::move(help), type, {}});
        return *this;
    }
    std::vector<prometheus::MetricFamily> families_;
};

[[nodiscard]] inline double as_double(std::uint64_t value) {
    return static_cast<double>(value);
}

// Handshakes, and what is known of each tunnel; bytes only if peers are known.
void add_tunnels(Page& page, const std::vector<TunnelModel>& tunnels,
                 const std::optional<std::vector<PeerModel>>& peers);
// A series per peer: as many as there are peers.
void add_peers(Page& page, const std::vector<PeerModel>& peers);

}  // namespace towpath::control::api
