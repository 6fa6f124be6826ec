// SPDX-License-Identifier: BSD-3-Clause
// One ICE agent (libnice, RFC 8445) with a STUN server and no relay. Two of them find each other
// through files in one folder: each writes NAME.sdp and waits for PEER.sdp.
//   ice_agent NAME PEER FOLDER STUN_ADDRESS STUN_PORT controlling|controlled TIMEOUT_S
// Prints one line of JSON: did a direct path open, between which kinds of candidates, and how long
// 20 messages took to come back. Exit code 0 when it did, 1 when not.
#include <glib.h>
#include <nice/agent.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr unsigned kEchoes = 20;

struct Session {
    GMainLoop* loop = nullptr;
    NiceAgent* agent = nullptr;
    guint stream = 0;
    std::string own_file;
    std::string peer_file;
    bool controlling = false;
    bool remote_known = false;
    bool timed_out = false;
    unsigned echoes = 0;    // answers that came back to us
    unsigned answered = 0;  // questions of the peer that we answered
    gint64 first_echo_us = 0;
    double round_trip_ms = 0;
};

const char* kind(const NiceCandidate* candidate) {
    switch (candidate->type) {
        case NICE_CANDIDATE_TYPE_HOST:
            return "host";
        case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
            return "srflx";
        case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
            return "prflx";
        case NICE_CANDIDATE_TYPE_RELAYED:
            return "relay";
    }
    return "unknown";
}

void ask(Session* session) {
    nice_agent_send(session->agent, session->stream, 1, 4, "ask!");
}

void finish_when_both_had_enough(Session* session) {
    if (session->echoes >= kEchoes && session->answered >= kEchoes) {
        g_main_loop_quit(session->loop);
    }
}

void on_receive(NiceAgent* agent, guint stream, guint, guint length, gchar* bytes, gpointer data) {
    auto* session = static_cast<Session*>(data);
    if (length == 4 && std::memcmp(bytes, "ask!", 4) == 0) {
        nice_agent_send(agent, stream, 1, 4, "yes!");
        ++session->answered;
    } else if (length == 4 && std::memcmp(bytes, "yes!", 4) == 0) {
        ++session->echoes;
        if (session->echoes < kEchoes) {
            ask(session);
        } else if (session->echoes == kEchoes) {
            session->round_trip_ms =
                static_cast<double>(g_get_monotonic_time() - session->first_echo_us) / 1000.0 /
                kEchoes;
        }
    }
    finish_when_both_had_enough(session);
}

void on_state(NiceAgent*, guint, guint, guint state, gpointer data) {
    auto* session = static_cast<Session*>(data);
    if (state == NICE_COMPONENT_STATE_READY && session->first_echo_us == 0) {
        session->first_echo_us = g_get_monotonic_time();
        ask(session);
    } else if (state == NICE_COMPONENT_STATE_FAILED) {
        g_main_loop_quit(session->loop);
    }
}

void on_gathered(NiceAgent* agent, guint, gpointer data) {
    auto* session = static_cast<Session*>(data);
    gchar* description = nice_agent_generate_local_sdp(agent);
    // g_file_set_contents renames into place, so the peer never reads half of it.
    g_file_set_contents(session->own_file.c_str(), description, -1, nullptr);
    g_free(description);
}

gboolean look_for_peer(gpointer data) {
    auto* session = static_cast<Session*>(data);
    if (!session->remote_known && g_file_test(session->own_file.c_str(), G_FILE_TEST_EXISTS) != 0) {
        gchar* description = nullptr;
        if (g_file_get_contents(session->peer_file.c_str(), &description, nullptr, nullptr) != 0) {
            session->remote_known = nice_agent_parse_remote_sdp(session->agent, description) > 0;
            g_free(description);
        }
    }
    // A lost question or answer must not end the exchange.
    if (session->first_echo_us != 0 && session->echoes < kEchoes) {
        ask(session);
    }
    return G_SOURCE_CONTINUE;
}

gboolean on_timeout(gpointer data) {
    auto* session = static_cast<Session*>(data);
    session->timed_out = true;
    g_main_loop_quit(session->loop);
    return G_SOURCE_REMOVE;
}

gboolean linger_is_over(gpointer data) {
    g_main_loop_quit(static_cast<GMainLoop*>(data));
    return G_SOURCE_REMOVE;
}

bool report(const Session& session) {
    NiceCandidate* local = nullptr;
    NiceCandidate* remote = nullptr;
    const bool selected =
        nice_agent_get_selected_pair(session.agent, session.stream, 1, &local, &remote) != 0;
    const bool direct = selected && session.echoes >= kEchoes && session.answered >= kEchoes &&
                        local->type != NICE_CANDIDATE_TYPE_RELAYED &&
                        remote->type != NICE_CANDIDATE_TYPE_RELAYED;
    std::array<char, NICE_ADDRESS_STRING_LEN> address{};
    if (selected) {
        nice_address_to_string(&remote->addr, address.data());
    }
    std::printf(
        "{\"direct\": %s, \"local\": \"%s\", \"remote\": \"%s\", \"remote_endpoint\": \"%s:%u\", "
        "\"rtt_ms\": %.3f, \"echoes\": %u, \"timed_out\": %s}\n",
        direct ? "true" : "false", selected ? kind(local) : "none",
        selected ? kind(remote) : "none", address.data(),
        selected ? nice_address_get_port(&remote->addr) : 0, session.round_trip_ms, session.echoes,
        session.timed_out ? "true" : "false");
    return direct;
}

}  // namespace

int main(int count, char** words) {
    if (count != 8) {
        std::fprintf(stderr,
                     "usage: ice_agent NAME PEER FOLDER STUN_ADDRESS STUN_PORT "
                     "controlling|controlled TIMEOUT_S\n");
        return 2;
    }
    Session session;
    session.loop = g_main_loop_new(nullptr, FALSE);
    session.agent =
        nice_agent_new(g_main_loop_get_context(session.loop), NICE_COMPATIBILITY_RFC5245);
    session.own_file = std::string(words[3]) + "/" + words[1] + ".sdp";
    session.peer_file = std::string(words[3]) + "/" + words[2] + ".sdp";
    session.controlling = std::strcmp(words[6], "controlling") == 0;
    g_object_set(session.agent, "stun-server", words[4], "stun-server-port",
                 static_cast<guint>(std::atoi(words[5])), "controlling-mode",
                 static_cast<gboolean>(session.controlling), "upnp", FALSE, "ice-tcp", FALSE,
                 nullptr);
    g_signal_connect(session.agent, "candidate-gathering-done", G_CALLBACK(on_gathered), &session);
    g_signal_connect(session.agent, "component-state-changed", G_CALLBACK(on_state), &session);
    session.stream = nice_agent_add_stream(session.agent, 1);
    nice_agent_set_stream_name(session.agent, session.stream, "application");
    nice_agent_attach_recv(session.agent, session.stream, 1, g_main_loop_get_context(session.loop),
                           on_receive, &session);
    if (nice_agent_gather_candidates(session.agent, session.stream) == 0) {
        std::printf("{\"direct\": false, \"error\": \"no local candidate\"}\n");
        return 1;
    }
    g_timeout_add(100, look_for_peer, &session);
    g_timeout_add(static_cast<guint>(std::atoi(words[7])) * 1000U, on_timeout, &session);
    g_main_loop_run(session.loop);
    const bool direct = report(session);
    std::fflush(stdout);
    if (direct) {
        // The peer may still wait for our last answer.
        g_timeout_add(500, linger_is_over, session.loop);
        g_main_loop_run(session.loop);
    }
    return direct ? 0 : 1;
}
