// SPDX-License-Identifier: BSD-3-Clause
#include "config/load.h"

#include <algorithm>
#include <tuple>

#include "config/document.h"
#include "config/parse.h"
#include "config/tunnel_files.h"
#include "config/validate.h"

namespace towpath::config {
namespace {

Loaded refused(std::string text) {
    Loaded loaded;
    loaded.diagnostics.push_back({Severity::error, {}, std::move(text)});
    return loaded;
}

void take_device_mtus(Reading& reading, const FindDevice& find) {
    for (Interface& interface : reading.config.interfaces) {
        const std::optional<Device> device =
            reading.locations.contains("interfaces." + interface.name + ".mtu") ? std::nullopt
                                                                                : find(interface);
        if (device) {
            interface.mtu_bytes = default_mtu_bytes(interface, *device);
        }
    }
}

Loaded read_all(std::string_view text, const ReadFile& read, const FindDevice& find) {
    Document document = read_document(text);
    Loaded loaded;
    loaded.diagnostics = std::move(document.diagnostics);
    if (!document.root) {
        return loaded;
    }
    Reading reading = parse(*document.root);
    read_tunnel_files(reading, read);
    if (find) {
        take_device_mtus(reading, find);
    }
    const std::vector<Diagnostic> broken = validate(reading, find);
    loaded.config = std::move(reading.config);
    loaded.diagnostics.insert(loaded.diagnostics.end(), reading.diagnostics.begin(),
                              reading.diagnostics.end());
    loaded.diagnostics.insert(loaded.diagnostics.end(), broken.begin(), broken.end());
    std::stable_sort(loaded.diagnostics.begin(), loaded.diagnostics.end(),
                     [](const Diagnostic& a, const Diagnostic& b) {
                         return std::tie(a.file, a.position) < std::tie(b.file, b.position);
                     });
    return loaded;
}

}  // namespace

bool Loaded::is_valid() const noexcept {
    return std::none_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
        return diagnostic.severity == Severity::error;
    });
}

std::string to_string(const Diagnostic& diagnostic, std::string_view file) {
    std::string text{diagnostic.file.empty() ? file : std::string_view{diagnostic.file}};
    if (diagnostic.position.line != 0) {
        text += ":" + std::to_string(diagnostic.position.line) + ":" +
                std::to_string(diagnostic.position.column);
    }
    text += diagnostic.severity == Severity::error ? ": error: " : ": warning: ";
    return text + diagnostic.text;
}

std::string to_string(const std::vector<Diagnostic>& diagnostics, std::string_view file) {
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics) {
        text += to_string(diagnostic, file) + "\n";
    }
    return text;
}

Loaded load_text(std::string_view text, const ReadFile& read, const FindDevice& find) {
    Loaded loaded = read_all(text, read, find);
    // What was read stands between what the reading needed, which is gone now: a page of memory
    // with one peer's prefixes in it is a page. The copy stands together.
    loaded.config = Config{loaded.config};
    return loaded;
}

Loaded load_file(const std::string& path, const FindDevice& find) {
    const auto file = read_file(path, kFileBytesMax);
    if (!file) {
        return refused(file.error().substr(1));
    }
    return load_text(file->text, read_file, find);
}

}  // namespace towpath::config
