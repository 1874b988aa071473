/* SPDX-License-Identifier: BSD-2-Clause */
/* Accurate ECN (RFC 9768): negotiation, counters, options, and the sender's reading of them. */
#include "proto/l4s/accecn.h"

#include <errno.h>

#define ACCECN_CEP_FIRST 5u
#define ACCECN_24 0xffffffu
#define ACCECN_KIND0 172
#define ACCECN_KIND1 174

/* Tables 2 and 3: how a codepoint is told in three flags. */
static uint8_t encode(enum ecn ecn)
{
	switch (ecn) {
	case ECN_ECT1:
		return 3;
	case ECN_ECT0:
		return 4;
	case ECN_CE:
		return 6;
	default:
		return 2;
	}
}

static bool decode(uint8_t flags, enum ecn *ecn)
{
	switch (flags & 7) {
	case 2:
		*ecn = ECN_NOT_ECT;
		return true;
	case 3:
		*ecn = ECN_ECT1;
		return true;
	case 4:
		*ecn = ECN_ECT0;
		return true;
	case 6:
		*ecn = ECN_CE;
		return true;
	default:
		return false;
	}
}

uint8_t accecn_synack(uint8_t syn, enum ecn ecn, bool accurate, enum accecn_mode *mode)
{
	syn &= 7;
	if (!syn) {
		*mode = ACCECN_NO_ECN;
		return 0;
	}
	/* a server of RFC 3168 knows CWR and ECE alone */
	if (syn == 3 || (!accurate && (syn & 3) == 3)) {
		*mode = ACCECN_CLASSIC;
		return 1;
	}
	if (!accurate) {
		*mode = ACCECN_NO_ECN;
		return 0;
	}
	*mode = ACCECN_ACCURATE;
	return encode(ecn);
}

enum accecn_mode accecn_client(uint8_t flags, enum ecn *syn_seen)
{
	switch (flags & 7) {
	case 0:
	case 7: /* a server that reflects what it got */
		return ACCECN_NO_ECN;
	case 1:
		return ACCECN_CLASSIC;
	case 5: /* reserved: says nothing of the SYN */
		*syn_seen = ECN_NOT_ECT;
		return ACCECN_ACCURATE;
	default:
		decode(flags, syn_seen);
		return ACCECN_ACCURATE;
	}
}

enum accecn_mode accecn_again(enum accecn_mode first, enum accecn_mode second)
{
	if ((first == ACCECN_CLASSIC && second == ACCECN_ACCURATE) ||
	    (first == ACCECN_ACCURATE && second == ACCECN_CLASSIC))
		return ACCECN_RESET;
	return first;
}

uint8_t accecn_third(enum ecn synack)
{
	return encode(synack);
}

uint32_t accecn_server_third(uint8_t ace, enum ecn *seen)
{
	ace &= 7;
	if (!ace)
		return 0;
	decode(ace, seen);
	return ace == 6 ? ACCECN_CEP_FIRST + 1 : ACCECN_CEP_FIRST;
}

bool accecn_valid(enum ecn sent, enum ecn seen)
{
	switch (sent) {
	case ECN_NOT_ECT:
		return seen == ECN_NOT_ECT;
	case ECN_CE:
		return seen == ECN_CE;
	default:
		return seen != ECN_NOT_ECT;
	}
}

/* ---- receiver ---- */

void accecn_receiver_init(struct accecn_receiver *rx, enum ecn handshake)
{
	*rx = (struct accecn_receiver){.r = {.cep = ACCECN_CEP_FIRST, .e0b = 1, .e1b = 1}};
	if (handshake == ECN_CE)
		rx->r.cep++;
}

bool accecn_received(struct accecn_receiver *rx, enum ecn ecn, uint32_t payload, bool unacked_data)
{
	bool changed = payload && ecn == ECN_CE && rx->last != ECN_CE;

	switch (ecn) {
	case ECN_ECT0:
		rx->r.e0b = (rx->r.e0b + payload) & ACCECN_24;
		break;
	case ECN_ECT1:
		rx->r.e1b = (rx->r.e1b + payload) & ACCECN_24;
		break;
	case ECN_CE:
		rx->r.ceb = (rx->r.ceb + payload) & ACCECN_24;
		rx->r.cep++;
		rx->ce_since_ack++;
		break;
	default:
		break;
	}
	if (payload)
		rx->last = (uint8_t)ecn;
	return changed || (ecn == ECN_CE && rx->ce_since_ack >= (unacked_data ? 2 : 3));
}

/* ---- options ---- */

static void put24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static uint32_t get24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

size_t accecn_option_put(uint8_t out[11], const struct accecn_counters *r, bool order1,
			 unsigned fields)
{
	uint32_t v[3] = {order1 ? r->e1b : r->e0b, r->ceb, order1 ? r->e0b : r->e1b};
	unsigned i;

	if (fields > 3)
		fields = 3;
	out[0] = order1 ? ACCECN_KIND1 : ACCECN_KIND0;
	out[1] = (uint8_t)(2 + 3 * fields);
	for (i = 0; i < fields; i++)
		put24(out + 2 + 3 * i, v[i]);
	return out[1];
}

int accecn_option_get(const uint8_t *p, size_t n, struct accecn_counters *r, unsigned *has)
{
	bool order1;
	size_t fields;

	*has = 0;
	if (n < 2 || n > 11 || p[1] != n || (n - 2) % 3)
		return -EINVAL;
	if (p[0] != ACCECN_KIND0 && p[0] != ACCECN_KIND1)
		return -EINVAL;
	order1 = p[0] == ACCECN_KIND1;
	fields = (n - 2) / 3;
	if (fields > 0) {
		*(order1 ? &r->e1b : &r->e0b) = get24(p + 2);
		*has |= order1 ? ACCECN_HAS_E1B : ACCECN_HAS_E0B;
	}
	if (fields > 1) {
		r->ceb = get24(p + 5);
		*has |= ACCECN_HAS_CEB;
	}
	if (fields > 2) {
		*(order1 ? &r->e0b : &r->e1b) = get24(p + 8);
		*has |= order1 ? ACCECN_HAS_E0B : ACCECN_HAS_E1B;
	}
	return 0;
}

/* ---- sender ---- */

#define EWMA_WEIGHT 6
#define EWMA_PREC 6
#define EWMA_MAX 0xffffu
#define ACK_COMPRESSED 4u /* segments an ACK: the path or the receiver merges ACKs */

void accecn_sender_init(struct accecn_sender *tx, uint32_t cep)
{
	*tx = (struct accecn_sender){.cep = cep};
}

static void count_acked(struct accecn_sender *tx, uint32_t acked)
{
	uint32_t new = acked << EWMA_PREC;
	uint32_t e = tx->pkts_acked_ewma;

	e = e ? ((e << EWMA_WEIGHT) - e + new) >> EWMA_WEIGHT : new;
	tx->pkts_acked_ewma = e < EWMA_MAX ? e : EWMA_MAX;
}

/* The option tells the bytes; packets are delta, or delta + 8, … up to safe. With less than 16
 * there is one choice, as Linux makes it; with more, the one next to the share of bytes. */
static uint32_t by_bytes(uint32_t delta, uint32_t safe, uint32_t acked, uint32_t bytes,
			 uint32_t ceb, uint32_t mss)
{
	uint64_t share;
	uint32_t wraps;

	if (!ceb)
		return delta;
	if (acked >= 16) {
		if (bytes <= ceb)
			return safe;
		share = ((uint64_t)ceb * acked + bytes / 2) / bytes;
		wraps = share > delta ? ((uint32_t)share - delta + 4) / 8 : 0;
		return delta + 8 * wraps < safe ? delta + 8 * wraps : safe;
	}
	if (ceb > (uint64_t)delta * mss)
		return safe;
	if (ceb < (uint64_t)safe * mss / 2)
		return delta;
	return safe;
}

static uint32_t choose(const struct accecn_sender *tx, uint32_t delta, uint32_t acked,
		       uint32_t bytes, const uint32_t *ceb, uint32_t mss)
{
	uint32_t safe;

	if (acked <= 7)
		return delta;
	safe = acked - ((acked - delta) & 7);
	if (ceb)
		return by_bytes(delta, safe, acked, bytes, (*ceb - tx->ceb) & ACCECN_24, mss);
	return tx->pkts_acked_ewma > ACK_COMPRESSED << EWMA_PREC ? delta : safe;
}

uint32_t accecn_acked(struct accecn_sender *tx, uint8_t ace, uint32_t acked, uint32_t bytes,
		      const uint32_t *ceb, uint32_t mss)
{
	uint32_t delta = (ace - tx->cep) & 7;
	uint32_t n;

	/* no news, or out of order: a counter may seem to go backwards */
	if (!acked)
		return 0;
	count_acked(tx, acked);
	n = choose(tx, delta, acked, bytes, ceb, mss);
	tx->cep += n;
	if (ceb)
		tx->ceb = *ceb & ACCECN_24;
	return n;
}
