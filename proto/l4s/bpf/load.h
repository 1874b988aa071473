/* SPDX-License-Identifier: BSD-2-Clause */
/* Traffic of known congestion controls and ECN codepoints. */
#ifndef DEP_L4S_LOAD_H
#define DEP_L4S_LOAD_H

#include "base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define LOAD_CC 16
#define LOAD_FLOWS_MAX 1024
#define LOAD_SAMPLES_MAX 4096 /* a flow */
#define LOAD_SECONDS_MAX 3600

/* What one flow is to do. */
struct load_spec {
	char cc[LOAD_CC];  /* empty: the system's default */
	uint32_t count;	   /* flows like this */
	uint32_t start_ms; /* after the start of the program */
	uint32_t ms;	   /* duration; it stops earlier after `bytes` */
	uint64_t bytes;	   /* 0: no limit but time */
};

/* A moment of a flow. */
struct load_sample {
	uint32_t at_ms;
	uint32_t rtt_us;
	uint32_t cwnd;
	uint32_t delivered;
	uint32_t delivered_ce;
	uint32_t retrans;
	uint64_t acked; /* bytes */
	uint64_t pacing;
};

/* What the kernel says of a connection (TCP_INFO). */
struct load_info {
	struct load_sample now;
	uint32_t min_rtt_us;
	uint32_t mss;
	uint64_t received; /* bytes */
	uint32_t received_ce;
	uint32_t delivered_bytes[3]; /* by AccECN option: ECT(1), ECT(0), CE */
	bool ecn;
	bool accecn; /* the peer's AccECN option was seen */
	uint16_t accecn_fail;
};
int load_info(int fd, struct load_info *i);

struct load_common {
	struct sockaddr_storage addr; /* to send to, or to listen on */
	socklen_t addr_len;
	uint32_t ms; /* bound of the whole run */
	uint32_t sample_ms;
};

/* Each runs to its end and prints one JSON object; 0 or a negative errno and err. */
int load_server(const struct load_common *c, const char *cc, uint32_t flows, struct err *err);
int load_client(const struct load_common *c, const struct load_spec *spec, unsigned n,
		struct err *err);

struct load_udp {
	uint64_t rate; /* bit/s of UDP payload */
	uint32_t size; /* bytes of payload a packet */
	uint8_t ecn;
};
int load_udp_send(const struct load_common *c, const struct load_udp *u, struct err *err);
int load_udp_receive(const struct load_common *c, struct err *err);

uint64_t load_now_ns(void);
int load_address(const char *host, uint16_t port, struct load_common *c, struct err *err);
int load_netns(const char *name, struct err *err);
/* "10M", "1.5G": a decimal number and a power of 1000. */
int load_number(const char *text, uint64_t *out, struct err *err);
/* "cc=dep_prague,count=2,start=0.5,seconds=10,bytes=10M" over what is in *s. */
int load_spec_parse(const char *text, struct load_spec *s, struct err *err);

#endif
