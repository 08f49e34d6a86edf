/* load.h - the first packet to a rule's process: the rule and its limits. */
#pragma once
#include "lab/rule.h"
#include "script/packet.h"

enum { ASY_SOURCE_MAX = 256 << 10 /* bytes of a rule */ };

typedef struct asy_load {
    const char *name, *source;
    size_t len;
    const json_t *options; /* may be NULL */
    const asy_rule_limits *limits;
    uint64_t seed;    /* of the session: math.random */
    const char *data; /* file with prepared data, or NULL */
} asy_load;

/* Appends the LOAD packet. ASY_EARG when the rule is too long. */
asy_err asy_load_packet(const asy_load *l, asy_buf *out);
