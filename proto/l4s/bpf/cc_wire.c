/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds wire.bpf.c at the ingress of an interface, for tests: l4s-cc-wire IFNAME. Prints "ready",
 * then answers each line: "show", "mark N", "drop N", "only CODEPOINT". Ends at the end of its
 * input. */
#include "base/json.h"
#include "proto/l4s/bpf/wire_bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "wire.skel.h"

static void add_codepoints(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key,
			   const unsigned n[4])
{
	yyjson_mut_val *list = json_add_arr(doc, o, key);
	unsigned i;

	for (i = 0; i < 4; i++)
		yyjson_mut_arr_add_uint(doc, list, n[i]);
}

static void show(const struct l4s_wire *w)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	int fd = bpf_map__fd(w->maps.ports);
	uint16_t *from = NULL;
	char *text;
	uint16_t key;

	yyjson_mut_doc_set_root(doc, root);
	while (bpf_map_get_next_key(fd, from, &key) == 0) {
		yyjson_mut_val *o = yyjson_mut_obj(doc);
		struct wire_port p;
		char name[8];

		from = &key;
		if (bpf_map_lookup_elem(fd, &key, &p))
			continue;
		snprintf(name, sizeof(name), "%u", key);
		yyjson_mut_obj_add(root, yyjson_mut_strcpy(doc, name), o);
		add_codepoints(doc, o, "data", p.data);
		add_codepoints(doc, o, "bare", p.bare);
		add_codepoints(doc, o, "syn", p.syn);
		yyjson_mut_obj_add_uint(doc, o, "syn-flags", p.syn_flags);
		yyjson_mut_obj_add_uint(doc, o, "marked", p.marked);
		yyjson_mut_obj_add_uint(doc, o, "dropped", p.dropped);
		yyjson_mut_obj_add_uint(doc, o, "bad-checksum", p.bad_checksum);
		yyjson_mut_obj_add_uint(doc, o, "ece", p.ece);
		yyjson_mut_obj_add_uint(doc, o, "cwr", p.cwr);
	}
	text = yyjson_mut_write(doc, 0, NULL);
	puts(text ? text : "{}");
	free(text);
	yyjson_mut_doc_free(doc);
}

static void answer(struct l4s_wire *w, const char *line)
{
	unsigned n;

	if (sscanf(line, "mark %u", &n) == 1)
		w->bss->mark_every = n;
	else if (sscanf(line, "drop %u", &n) == 1)
		w->bss->drop_every = n;
	else if (sscanf(line, "only %u", &n) == 1)
		w->data->mark_only = n;
	if (!strncmp(line, "show", 4))
		show(w);
	else
		puts("ok");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct l4s_wire *w = l4s_wire__open_and_load();
	struct bpf_link *link = NULL;
	char line[128];

	if (w && argc > 1)
		link = bpf_program__attach_tcx(w->progs.wire, (int)if_nametoindex(argv[1]), NULL);
	if (!link) {
		fprintf(stderr, "l4s-cc-wire: %s\n", strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		answer(w, line);
	bpf_link__destroy(link);
	l4s_wire__destroy(w);
	return 0;
}
