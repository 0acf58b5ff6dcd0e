// services/cli/help_text.h: what help says below the options: examples, what a run leaves, exit statuses.
#pragma once

namespace bulkhead::cli {

inline constexpr const char* kCommandsHelp = R"(Examples:
  bulkhead replay --in lan=lan.pcap --in wan=wan.pcap --out results
  bulkhead nft -c -f home.nft
  bulkhead COMMAND --help

Exit status: 0 done; 1 it could not be done, and standard error says why.)";

inline constexpr const char* kReplayHelp = R"(Examples:
  a bridge: what comes in by one side leaves by the other
    bulkhead replay --in lan=lan.pcap --in wan=wan.pcap --out results
  a router with a ruleset
    bulkhead replay --in lan=lan.pcap --in wan=wan.pcap --out results --rules home.nft \
      --addr lan=192.0.2.1/24 --addr wan=198.51.100.1/24 --route default,198.51.100.254=wan

Files in the folder of --out, which is emptied of those that a run before it left:
  NAME.pcap       what left by that interface, in order
  drops.pcap      what did not leave
  local.pcap      of a router: what is for itself
  ruleset.nft     with --rules: the ruleset with its counters, as nft lists it
  verdicts.jsonl  a line for each packet: verdict, reason, rule, state, translation
  conntrack.txt   the flow table at the last packet's time, as conntrack -L -o extended prints it

Exit status: 0 done; 1 it could not be done; 2 a capture was bad, and what could be read of it was processed;
130 ended by SIGINT, 143 by SIGTERM, 129 by SIGHUP: what was done until then is in the files.)";

inline constexpr const char* kExplainHelp = R"(Example:
  bulkhead explain --packet wan:20 --in lan=lan.pcap --in wan=wan.pcap --config router.toml --rules home.nft

Exit status: 0 explained; 1 it could not be done, or the capture has no such packet.)";

inline constexpr const char* kStatusHelp = R"(Examples:
  bulkhead status
  bulkhead status --json --run /run/user/1000/bulkhead/replay-4711

Exit status: 0 the instance has answered; 1 there is none, or several, or it does not answer.)";

inline constexpr const char* kStopHelp = R"(Example:
  bulkhead stop --run /run/user/1000/bulkhead/replay-4711

Exit status: 0 the instance has ended; 1 there is none, or several, or it does not answer.)";

inline constexpr const char* kNftHelp = R"(Examples:
  bulkhead nft -c -f home.nft                            check a ruleset
  bulkhead nft --offline -f home.nft list ruleset        list it as nft would
  bulkhead nft --offline -j -f home.nft list chain ip t c

Exit status: 0 all is well; 1 an error, shown as nft shows it.)";

}  // namespace bulkhead::cli
