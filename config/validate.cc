// SPDX-License-Identifier: BSD-3-Clause
#include "config/validate.h"

#include "config/derive.h"
#include "config/findings.h"

namespace towpath::config {
namespace {

// Whether `inner` is `outer` or lies inside it.
bool is_within(std::string_view inner, std::string_view outer) {
    return outer.empty() ||
           (inner.starts_with(outer) && (inner.size() == outer.size() ||
                                         inner[outer.size()] == '.' || inner[outer.size()] == '['));
}

}  // namespace

Findings::Place Findings::place_of(std::string_view path) const {
    for (;;) {
        const auto found = reading_.locations.find(path);
        if (found != reading_.locations.end()) {
            const auto file = reading_.files.find(path);
            return {found->second,
                    file == reading_.files.end() ? std::string_view{} : file->second};
        }
        const std::size_t cut = path.find_last_of(".[");
        if (cut == std::string_view::npos) {
            return {{1, 1}, {}};
        }
        path = path.substr(0, cut);
    }
}

bool Findings::is_in_configuration(std::string_view path) const {
    return reading_.locations.contains(path) && !reading_.files.contains(path);
}

bool Findings::is_already_refused(std::string_view path) const {
    for (const std::string& failed : reading_.failed) {
        if (is_within(failed, path) || is_within(path, failed)) {
            return true;
        }
    }
    return false;
}

void Findings::add(Severity severity, std::string_view path, std::string& text) {
    if (!is_already_refused(path)) {
        const Place place = place_of(path);
        diagnostics_.push_back(
            {severity, place.position, std::move(text), std::string{place.file}});
    }
}

std::string element(std::string_view path, std::size_t index) {
    return std::string{path} + "[" + std::to_string(index) + "]";
}

std::vector<Diagnostic> validate(const Reading& reading, const FindDevice& find) {
    Findings findings{reading};
    if (reading.config.dataplane.cores.size() > kCoresMax) {
        findings.error("dataplane.cores", "dataplane.cores lists more than 16 cores");
    }
    check_interfaces(findings);
    if (find) {
        check_devices(findings, find);
    }
    check_routes(findings);
    check_nat(findings);
    check_local(findings);
    check_tunnels(findings);
    return std::move(findings).take();
}

}  // namespace towpath::config
