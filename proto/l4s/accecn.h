/* SPDX-License-Identifier: BSD-2-Clause */
/* Accurate ECN (RFC 9768) as a model: negotiation, counters of both ends, ACE and the AccECN
 * options, and the sender's reading of a counter that may have wrapped. Pure; used by the
 * simulator's TCP and by tests. */
#ifndef DEP_L4S_ACCECN_H
#define DEP_L4S_ACCECN_H

#include "proto/l4s/ecn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flags in the order AE CWR ECE: 0b111 asks for AccECN. */
#define ACCECN_SYN 7u

enum accecn_mode {
	ACCECN_NO_ECN,
	ACCECN_CLASSIC,
	ACCECN_ACCURATE,
	ACCECN_RESET, /* the two set-ups were mixed: RST */
};

struct accecn_counters {
	uint32_t cep; /* packets with CE */
	uint32_t ceb; /* bytes of payload by codepoint, modulo 2^24 on the wire */
	uint32_t e0b;
	uint32_t e1b;
};

/* ---- handshake (RFC 9768 §3.1) ---- */

/* The flags of the SYN/ACK for a SYN with flags `syn` that arrived with `ecn`. accurate: this host
 * speaks AccECN. */
uint8_t accecn_synack(uint8_t syn, enum ecn ecn, bool accurate, enum accecn_mode *mode);
/* What the client makes of a SYN/ACK with `flags`, having sent ACCECN_SYN; *syn_seen: the codepoint
 * its SYN arrived with. */
enum accecn_mode accecn_client(uint8_t flags, enum ecn *syn_seen);
/* What follows where a handshake gave two answers, by a SYN or SYN/ACK that was sent again: a
 * Classic one and an AccECN one never go together (RFC 9768 §3.1.4): ACCECN_RESET; else the first
 * holds. */
enum accecn_mode accecn_again(enum accecn_mode first, enum accecn_mode second);
/* ACE of the client's first ACK: echoes the codepoint of the SYN/ACK. */
uint8_t accecn_third(enum ecn synack);
/* What the server reads there: the initial s.cep (5 or 6), or 0 where the path cleared the field:
 * no ECT then (RFC 9768 §3.2.2.4); *seen is set where it was told. */
uint32_t accecn_server_third(uint8_t ace, enum ecn *seen);
/* Whether a codepoint sent as `sent` may arrive as `seen` (RFC 9768 §3.2.2.3): false: bleached or
 * mangled, send Not-ECT. */
bool accecn_valid(enum ecn sent, enum ecn seen);

/* ---- receiver ---- */

struct accecn_receiver {
	struct accecn_counters r;
	uint8_t last; /* enum ecn of the last data packet */
	uint32_t ce_since_ack;
};
void accecn_receiver_init(struct accecn_receiver *rx, enum ecn handshake);
/* An ACK with ACE left. */
static inline void accecn_ack_sent(struct accecn_receiver *rx)
{
	rx->ce_since_ack = 0;
}
/* A packet arrived. Returns true where an ACK must or should leave at once (RFC 9768 §3.2.2.5.1).
 */
bool accecn_received(struct accecn_receiver *rx, enum ecn ecn, uint32_t payload, bool unacked_data);
static inline uint8_t accecn_ace(const struct accecn_receiver *rx)
{
	return (uint8_t)(rx->r.cep & 7);
}

/* ---- options 172 and 174 (RFC 9768 §3.2.3) ---- */

#define ACCECN_HAS_E0B 1u
#define ACCECN_HAS_CEB 2u
#define ACCECN_HAS_E1B 4u

/* Encodes into at most 11 bytes; fields 0..3. Returns the length (2, 5, 8, 11). */
size_t accecn_option_put(uint8_t out[11], const struct accecn_counters *r, bool order1,
			 unsigned fields);
/* Reads an option with its kind and length; *has: fields that were there (bit 0 e0b, 1 ceb, 2 e1b).
 * 0 or -EINVAL. */
int accecn_option_get(const uint8_t *p, size_t n, struct accecn_counters *r, unsigned *has);

/* ---- sender ---- */

struct accecn_sender {
	uint32_t cep; /* s.cep */
	uint32_t ceb;
	uint32_t pkts_acked_ewma; /* as in Linux: 1/64ths of segments an ACK, for guessing wraps
				     without option */
};
void accecn_sender_init(struct accecn_sender *tx, uint32_t cep);
/* New CE packets by an ACK with `ace` that newly acknowledges `acked` segments (`bytes`); ceb NULL:
 * it had no option. */
uint32_t accecn_acked(struct accecn_sender *tx, uint8_t ace, uint32_t acked, uint32_t bytes,
		      const uint32_t *ceb, uint32_t mss);

#endif
