// SPDX-License-Identifier: BSD-3-Clause
// What validation finds: a list of diagnostics addressed by path, and the rules that fill it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/devices.h"
#include "config/reading.h"

namespace towpath::config {

class Findings {
public:
    explicit Findings(const Reading& reading) : reading_{reading} {}

    // At the place of `path`, or of the nearest enclosing one that the file has.
    void error(std::string_view path, std::string text) { add(Severity::error, path, text); }
    void warning(std::string_view path, std::string text) { add(Severity::warning, path, text); }

    [[nodiscard]] const Config& config() const noexcept { return reading_.config; }
    [[nodiscard]] std::vector<Diagnostic> take() && { return std::move(diagnostics_); }
    struct Place {
        Position position;
        std::string_view file;  // empty: the configuration itself
    };
    [[nodiscard]] Place place_of(std::string_view path) const;
    // Whether the configuration itself, not a file that it names, has something there.
    [[nodiscard]] bool is_in_configuration(std::string_view path) const;

private:
    void add(Severity severity, std::string_view path, std::string& text);
    [[nodiscard]] bool is_already_refused(std::string_view path) const;

    const Reading& reading_;
    std::vector<Diagnostic> diagnostics_;
};

// "nat.pool", 3 to "nat.pool[3]".
[[nodiscard]] std::string element(std::string_view path, std::size_t index);

void check_interfaces(Findings& findings);
void check_devices(Findings& findings, const FindDevice& find);
void check_routes(Findings& findings);
void check_nat(Findings& findings);
void check_local(Findings& findings);
void check_tunnels(Findings& findings);

}  // namespace towpath::config
