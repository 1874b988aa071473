/* SPDX-License-Identifier: BSD-2-Clause */
#include "proto/l4s/sim/pcapng.h"

#include "proto/l4s/accecn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define LINK_RAW 101u /* IP, without a link layer */
#define SNAP 128u
#define TCP_PSH_ACK 0x18u
#define TCP_ACK 0x10u

/* Packets are numbered; a capture needs bytes. Packets of one flow may differ in size. */
struct numbers {
	uint32_t *at; /* first byte of each packet */
	uint32_t n;   /* known */
	uint32_t cap;
	uint16_t mss;
};

struct pcapng {
	FILE *to;
	struct numbers *flow;
	uint32_t n_flows;
	const struct sim_load_cfg *load;
	uint8_t link;
	int failed;
};

struct out {
	uint8_t b[512];
	size_t n;
};

static void put(struct out *o, const void *p, size_t n)
{
	if (n)
		memcpy(o->b + o->n, p, n);
	o->n += n;
}

static void le32(struct out *o, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	put(o, b, 4);
}

static void le16(struct out *o, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	put(o, b, 2);
}

static void be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void be32(uint8_t *p, uint32_t v)
{
	be16(p, v >> 16);
	be16(p + 2, v);
}

static void option(struct out *o, uint16_t code, const void *p, size_t n)
{
	static const uint8_t zero[4];

	le16(o, code);
	le16(o, (uint16_t)n);
	put(o, p, n);
	put(o, zero, -n & 3);
}

static void block(struct pcapng *c, uint32_t type, const struct out *body)
{
	struct out head = {.n = 0};
	struct out tail = {.n = 0};
	uint32_t n = (uint32_t)body->n + 12;

	le32(&head, type);
	le32(&head, n);
	le32(&tail, n);
	if (fwrite(head.b, 1, head.n, c->to) != head.n ||
	    fwrite(body->b, 1, body->n, c->to) != body->n ||
	    fwrite(tail.b, 1, tail.n, c->to) != tail.n)
		c->failed = -EIO;
}

static void file_head(struct pcapng *c, const struct scenario *s)
{
	static const char app[] = "dep-l4s-sim";
	static const uint8_t nanoseconds = 9;
	struct out o = {.n = 0};
	char name[64];
	int n;

	le32(&o, 0x1a2b3c4d);
	le16(&o, 1);
	le16(&o, 0);
	le32(&o, UINT32_MAX); /* the section's length is not known */
	le32(&o, UINT32_MAX);
	option(&o, 4, app, sizeof(app) - 1);
	option(&o, 0, NULL, 0);
	block(c, BLOCK_SECTION, &o);
	o.n = 0;
	le16(&o, LINK_RAW);
	le16(&o, 0);
	le32(&o, SNAP);
	n = snprintf(name, sizeof(name), "link %u", c->link + 1u);
	option(&o, 2, name, (size_t)n);
	option(&o, 9, &nanoseconds, 1);
	option(&o, 0, NULL, 0);
	block(c, BLOCK_INTERFACE, &o);
}

struct pcapng *pcapng_new(FILE *to, const struct scenario *s, uint8_t link)
{
	struct pcapng *c = calloc(1, sizeof(*c));
	uint32_t g;
	uint32_t i;
	uint32_t n = 0;

	if (!c)
		return NULL;
	for (g = 0; g < s->cfg.n_flows; g++)
		c->n_flows += s->cfg.flow[g].count;
	c->to = to;
	c->link = link;
	c->load = s->cfg.load;
	c->flow = calloc(c->n_flows + 1, sizeof(*c->flow));
	if (!c->flow) {
		free(c);
		return NULL;
	}
	for (g = 0; g < s->cfg.n_flows; g++)
		for (i = 0; i < s->cfg.flow[g].count; i++)
			c->flow[n++].mss = (uint16_t)s->cfg.flow[g].cc.mss;
	file_head(c, s);
	return c;
}

/* ---- numbers to bytes ---- */

static uint32_t byte_of(struct pcapng *c, struct numbers *f, uint32_t number)
{
	uint32_t cap;
	uint32_t *at;

	if (number >= f->cap) {
		cap = f->cap ? f->cap : 1024;
		while (cap <= number)
			cap *= 2;
		at = realloc(f->at, cap * sizeof(*at));
		if (!at) {
			c->failed = -ENOMEM;
			return 0;
		}
		f->at = at;
		f->cap = cap;
	}
	/* Packets that were not seen here (lost before) count as full ones. */
	for (; f->n <= number; f->n++)
		f->at[f->n] = f->n ? f->at[f->n - 1] + f->mss : 1;
	return f->at[number];
}

static uint32_t data_number(struct pcapng *c, struct numbers *f, const struct sim_pkt *p)
{
	uint32_t at = byte_of(c, f, p->seq);
	bool fresh = f->n == p->seq + 1;

	byte_of(c, f, p->seq + 1);
	if (fresh && !c->failed)
		f->at[p->seq + 1] = at + p->payload;
	return at;
}

/* ---- headers ---- */

static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		s += (uint32_t)p[n - 1] << 8;
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* Payload is zeros that the capture leaves out, so that a checksum over the headers is right. */
static void checksums(uint8_t *ip, size_t header, uint32_t l4_len, size_t at)
{
	uint32_t s = sum(ip + 12, 8, ip[9] + l4_len);

	be16(ip + 10, fold(sum(ip, 20, 0)));
	be16(ip + 20 + at, fold(sum(ip + 20, header - 20, s)));
}

static void ip_header(uint8_t *ip, uint32_t len, uint8_t ecn, uint8_t protocol, uint32_t flow,
		      bool back)
{
	ip[0] = 0x45;
	ip[1] = ecn;
	be16(ip + 2, len);
	be16(ip + 6, 0x4000); /* don't fragment */
	ip[8] = 64;
	ip[9] = protocol;
	be32(ip + 12, (back ? 0x0a010000u : 0x0a000000u) + flow + 1);
	be32(ip + 16, (back ? 0x0a000000u : 0x0a010000u) + flow + 1);
}

static size_t sack_option(struct pcapng *c, struct numbers *f, const struct sim_pkt *p, uint8_t *to)
{
	unsigned n = p->n_sacks > 3 ? 3 : p->n_sacks;
	unsigned i;

	if (!n)
		return 0;
	to[0] = to[1] = 1;
	to[2] = 5;
	to[3] = (uint8_t)(2 + 8 * n);
	for (i = 0; i < n; i++) {
		be32(to + 4 + 8 * i, byte_of(c, f, p->sack[i].from));
		be32(to + 8 + 8 * i, byte_of(c, f, p->sack[i].to));
	}
	return 4 + 8 * n;
}

/* As many counters as there is room for. */
static size_t accecn_opt(const struct sim_pkt *p, uint8_t *to, size_t room)
{
	struct accecn_counters r = {.ceb = p->ceb, .e0b = p->e0b, .e1b = p->e1b};
	unsigned fields = room >= 12 ? 3 : room >= 8 ? 2 : 0;
	size_t n;

	if (!p->has_ceb || !fields)
		return 0;
	n = accecn_option_put(to, &r, false, fields);
	while (n & 3)
		to[n++] = 1;
	return n;
}

/* Returns the bytes captured; *len: of the packet. */
static size_t tcp_packet(struct pcapng *c, const struct sim_packet_seen *w, uint8_t *ip,
			 uint32_t *len)
{
	const struct sim_pkt *p = (const struct sim_pkt *)w->pkt;
	struct numbers *f = &c->flow[w->flow];
	uint8_t *tcp = ip + 20;
	size_t options = 12;
	uint32_t flags = w->ack ? TCP_ACK : TCP_PSH_ACK;

	be16(tcp, w->ack ? 443 : 10000 + w->flow);
	be16(tcp + 2, w->ack ? 10000 + w->flow : 443);
	be32(tcp + 4, w->ack ? 1 : data_number(c, f, p));
	be32(tcp + 8, w->ack ? byte_of(c, f, p->seq) : 1);
	tcp[20] = tcp[21] = 1;
	tcp[22] = 8;
	tcp[23] = 10;
	be32(tcp + 24, (uint32_t)((w->ack ? w->now : p->sent_ns) / 1000));
	be32(tcp + 28, w->ack ? (uint32_t)(p->sent_ns / 1000) : 0);
	if (w->ack) {
		options += sack_option(c, f, p, tcp + 20 + options);
		options += accecn_opt(p, tcp + 20 + options, 40 - options);
	}
	/* p->flags: ECE 1, CWR 2, AE 4; in TCP ECE is 0x40, CWR 0x80, AE 0x100. */
	flags |= (uint32_t)(p->flags & 7) << 6;
	be16(tcp + 12, (uint32_t)(5 + options / 4) << 12 | flags);
	be16(tcp + 14, 65535);
	*len = (uint32_t)(40 + options) + (w->ack ? 0 : p->payload);
	ip_header(ip, *len, w->pkt->ecn, 6, w->flow, w->ack);
	checksums(ip, 40 + options, *len - 20, 16);
	return 40 + options;
}

static size_t udp_packet(struct pcapng *c, const struct sim_packet_seen *w, uint8_t *ip,
			 uint32_t *len)
{
	const struct sim_pkt *p = (const struct sim_pkt *)w->pkt;

	*len = p->payload;
	ip_header(ip, *len, w->pkt->ecn, 17, w->flow, false);
	be16(ip + 20, 20000);
	be16(ip + 22, 20000);
	be16(ip + 24, *len - 20);
	checksums(ip, 28, *len - 20, 6);
	return 28;
}

static const char *why_name(uint8_t why)
{
	switch (why) {
	case AQM_WHY_NATIVE:
		return "its queue's own law (step, ramp, CoDel)";
	case AQM_WHY_COUPLED:
		return "coupled probability p_CL";
	case AQM_WHY_CLASSIC:
		return "Classic probability p_C";
	case AQM_WHY_OVERLOAD:
		return "overload";
	case AQM_WHY_LIMIT:
		return "the buffer is full";
	default:
		return "";
	}
}

static void comment(struct out *o, const struct sim_packet_seen *w)
{
	static const char *const ecn[] = ECN_NAMES;
	const char *verdict = w->dropped ? "dropped" : w->pkt->why ? "marked" : "forwarded";
	char text[200];
	int n;

	n = snprintf(text, sizeof(text), "%s, came as %s%s%s; queue %s, sojourn %llu.%06llu ms",
		     verdict, ecn[w->ecn_in & 3], w->pkt->why ? ": " : "", why_name(w->pkt->why),
		     w->pkt->low ? "L" : "C", (unsigned long long)(w->sojourn / 1000000),
		     (unsigned long long)(w->sojourn % 1000000));
	option(o, 1, text, (size_t)n);
}

void pcapng_packet(struct pcapng *c, const struct sim_packet_seen *w)
{
	static const uint8_t zero[4];
	uint8_t ip[SNAP] = {0};
	struct out o = {.n = 0};
	uint32_t len = 0;
	size_t n;

	if (w->link != c->link || c->failed)
		return;
	n = w->flow < c->n_flows ? tcp_packet(c, w, ip, &len) : udp_packet(c, w, ip, &len);
	le32(&o, 0);
	le32(&o, (uint32_t)(w->now >> 32));
	le32(&o, (uint32_t)w->now);
	le32(&o, (uint32_t)n);
	le32(&o, len);
	put(&o, ip, n);
	put(&o, zero, -n & 3);
	if (w->queued)
		comment(&o, w);
	option(&o, 0, NULL, 0);
	block(c, BLOCK_PACKET, &o);
}

int pcapng_end(struct pcapng *c)
{
	int r = c->failed;
	uint32_t i;

	for (i = 0; i < c->n_flows; i++)
		free(c->flow[i].at);
	if (!r && fflush(c->to))
		r = -EIO;
	free(c->flow);
	free(c);
	return r;
}
