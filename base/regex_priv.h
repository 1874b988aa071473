/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parser of regular expressions (regex_parse.c) and their automata (regex.c). */
#ifndef DEP_REGEX_PRIV_H
#define DEP_REGEX_PRIV_H

#include "base/charset.h"
#include "base/err.h"

#define REGEX_MAX_NODES 20000
#define REGEX_MAX_GROUPS 64 /* nested */
#define REGEX_MAX_SETS 256
#define REGEX_INF UINT32_MAX

enum re_kind {
	RE_EMPTY,
	RE_SET,
	RE_CAT,
	RE_ALT,
	RE_REPEAT,
	RE_BEGIN,
	RE_END,
	RE_WORD,
	RE_NOT_WORD
};

/* A node of the syntax tree; children and siblings by index, 0: none (node 0 is never used). */
struct re_node {
	enum re_kind kind;
	uint32_t set; /* RE_SET: which */
	uint32_t min, max;
	uint32_t first, last, next;
};

struct re_tree {
	struct re_node *node;
	uint32_t n, cap;
	struct charset set[REGEX_MAX_SETS];
	uint32_t n_sets;
	uint32_t root;
};

/* Fills *t, which must be zero; free it also after a failure. */
int re_parse(struct re_tree *t, const char *pattern, size_t n, struct err *err);
void re_tree_free(struct re_tree *t);

#endif
