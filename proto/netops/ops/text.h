/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that comes from devices and people is data, whatever it says (spec §2.14 rule 2): characters
 * that steer a terminal or turn the direction of writing are escaped before it goes out. */
#ifndef DEP_NETOPS_TEXT_H
#define DEP_NETOPS_TEXT_H

#include "base/buf.h"

#define TEXT_JSON_LIT(b, s) buf_bytes(b, s, sizeof(s) - 1)

/* Whether cp steers: C0 but tab, LF; DEL, C1; bidirectional controls, zero-width and other
 * invisible format characters. */
bool text_steers(uint32_t cp);
/* A JSON string in quotes, of UTF-8; what steers becomes \uXXXX, so that it reads the same once
 * decoded. */
void text_json(struct buf *b, const char *s, size_t n);
void text_json_str(struct buf *b, const char *s);
/* Copies valid JSON text, with what steers inside its strings as \uXXXX. */
void text_harden(struct buf *b, struct slice json);
/* Plain text: what steers becomes <U+202E>, and with one_line also LF and tab; at most max bytes,
 * then "…". */
void text_plain(struct buf *b, const char *s, size_t n, size_t max, bool one_line);

#endif
