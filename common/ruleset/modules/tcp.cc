// TCP's header. RFC 9293 3.1.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kTcpKeys[] = {
    {.name = "sport", .type = &inet_service, .settable = true, .help = "source port"},
    {.name = "dport", .type = &inet_service, .offset_bits = 16, .settable = true, .help = "destination port"},
    {.name = "sequence", .bits = 32, .offset_bits = 32, .settable = true, .help = "sequence number"},
    {.name = "ackseq", .bits = 32, .offset_bits = 64, .settable = true, .help = "acknowledgement number"},
    {.name = "doff", .bits = 4, .offset_bits = 96, .settable = true, .help = "header length in 32-bit words"},
    {.name = "reserved", .bits = 4, .offset_bits = 100, .settable = true, .help = "reserved bits"},
    {.name = "flags", .type = &tcp_flag, .offset_bits = 104, .settable = true, .help = "flags: syn, ack..."},
    {.name = "window", .bits = 16, .offset_bits = 112, .settable = true, .help = "window"},
    {.name = "checksum", .bits = 16, .offset_bits = 128, .settable = true, .help = "checksum"},
    {.name = "urgptr", .bits = 16, .offset_bits = 144, .settable = true, .help = "urgent pointer"},
};

}  // namespace

const Module tcp_module{.name = "tcp", .form = Form::header, .help = "TCP header",
    .keys = kTcpKeys, .layer = Layer::transport, .above = {.protocol = 6},
    .checksum = 16};

}  // namespace bulkhead::ruleset