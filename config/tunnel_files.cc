// SPDX-License-Identifier: BSD-3-Clause
#include "config/tunnel_files.h"

#include <cstring>
#include <utility>

#include "config/tunnel_scalar.h"
#include "config/wg_quick.h"

namespace towpath::config {
namespace {

// The contents of a file, gone from memory when they are no longer needed.
class SecretText {
public:
    explicit SecretText(std::string text) : text_{std::move(text)} {}
    ~SecretText() { ::explicit_bzero(text_.data(), text_.size()); }
    SecretText(const SecretText&) = delete;
    SecretText& operator=(const SecretText&) = delete;
    [[nodiscard]] std::string_view view() const noexcept { return text_; }

private:
    std::string text_;
};

class Reader {
public:
    Reader(Reading& reading, const ReadFile& read) : reading_{reading}, read_{read} {}

    void fill(Tunnel& tunnel) {
        const std::string path = "wireguard." + tunnel.name;
        if (!tunnel.config_file.empty()) {
            fill_from_file(tunnel, path);
            return;
        }
        if (!tunnel.private_key_file.empty()) {
            fill_key(tunnel.private_key, tunnel.private_key_file, path + ".private-key");
        }
        for (std::size_t index = 0; index < tunnel.peers.size(); ++index) {
            Peer& peer = tunnel.peers[index];
            if (!peer.preshared_key_file.empty()) {
                fill_key(peer.preshared_key, peer.preshared_key_file,
                         path + ".peers[" + std::to_string(index) + "].preshared-key");
            }
        }
    }

private:
    void fill_key(SecretKey& target, const std::string& name, const std::string& path) {
        constexpr std::size_t kKeyFileBytesMax = 256;
        auto file = read_(name, kKeyFileBytesMax);
        if (!file) {
            report(Severity::error, path, name + file.error());
            return;
        }
        const SecretText text{std::move(file->text)};
        if (!file->is_private) {
            report(Severity::error, path,
                   name + " may be read by others than its owner: chmod 600 " + name);
            return;
        }
        std::string_view word = text.view();
        while (!word.empty() &&
               (word.back() == '\n' || word.back() == '\r' || word.back() == ' ')) {
            word.remove_suffix(1);
        }
        auto key = parse_key(word);
        if (!key) {
            report(Severity::error, path, name + key.error());
            return;
        }
        target = SecretKey{*key};
        ::explicit_bzero(key->data(), key->size());
    }

    void fill_from_file(Tunnel& tunnel, const std::string& path) {
        const std::string& name = tunnel.config_file;
        auto file = read_(name, kWgQuickBytesMax);
        if (!file) {
            report(Severity::error, path + ".config", name + file.error());
            return;
        }
        const SecretText text{std::move(file->text)};
        WgQuickFile said = parse_wg_quick(text.view());
        for (Diagnostic& diagnostic : said.diagnostics) {
            diagnostic.file = name;
            reading_.diagnostics.push_back(std::move(diagnostic));
        }
        if (!file->is_private && !said.tunnel.private_key.is_zero()) {
            reading_.diagnostics.push_back({Severity::warning,
                                            {},
                                            "may be read by others than its owner: it holds a key",
                                            name});
        }
        for (const auto& [place, position] : said.locations) {
            reading_.locations[path + "." + place] = position;
            reading_.files[path + "." + place] = name;
        }
        for (const std::string& place : said.failed) {
            reading_.failed.push_back(place.empty() ? path : path + "." + place);
        }
        tunnel.private_key = said.tunnel.private_key;
        tunnel.listen_port = said.tunnel.listen_port;
        tunnel.addresses = std::move(said.tunnel.addresses);
        tunnel.mtu_bytes = said.tunnel.mtu_bytes;
        tunnel.has_routes = said.tunnel.has_routes;
        tunnel.peers = std::move(said.tunnel.peers);
        tunnel.peers.shrink_to_fit();
    }

    void report(Severity severity, const std::string& path, std::string text) {
        const auto found = reading_.locations.find(path);
        reading_.failed.push_back(path);
        reading_.diagnostics.push_back(
            {severity, found == reading_.locations.end() ? Position{1, 1} : found->second,
             std::move(text)});
    }

    Reading& reading_;
    const ReadFile& read_;
};

}  // namespace

void read_tunnel_files(Reading& reading, const ReadFile& read) {
    Reader reader{reading, read};
    for (Tunnel& tunnel : reading.config.tunnels) {
        reader.fill(tunnel);
    }
}

}  // namespace towpath::config
