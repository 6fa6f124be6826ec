// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a configuration: never a crash, and what is said about them is sound. An accepted
// file has no errors, a refused one says why, and what it resolves to stays within the stated
// limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/derive.h"
#include "config/load.h"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// Files that the input names: never those of the machine.
towpath::config::Scalar<towpath::config::FileText> files(const std::string& path, std::size_t) {
    const std::string key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";
    return towpath::config::FileText{
        path.ends_with(".conf") ? "[Interface]\nPrivateKey = " + key : key, true};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
    using namespace towpath::config;  // NOLINT(google-build-using-namespace)
    const std::string_view text{reinterpret_cast<const char*>(data), size_bytes};
    const Loaded loaded = load_text(text, files);
    for (const Diagnostic& diagnostic : loaded.diagnostics) {
        require(!diagnostic.text.empty());
        // Quoted text is printable: one diagnostic is one line.
        require(diagnostic.text.find('\n') == std::string::npos);
        require(diagnostic.position.line == 0 || diagnostic.position.column != 0);
    }
    if (!loaded.is_valid()) {
        require(!loaded.diagnostics.empty());
        return 0;
    }
    const Config& config = loaded.config;
    require(!config.interfaces.empty() && config.interfaces.size() <= kInterfacesMax);
    require(pool_addresses(config).size() <= config.nat.limits.pool_addresses);
    require(nat_sources(config).size() <= kSourcesMax);
    require(!config.nat.is_enabled || !pool_addresses(config).empty());
    for (const StaticRoute& route : config.routes) {
        require(route_interface(config, route).has_value());
    }
    return 0;
}
