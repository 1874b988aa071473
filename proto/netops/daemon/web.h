/* SPDX-License-Identifier: BSD-2-Clause */
/* The console's files, built into the executable, as answers of base/http. */
#ifndef DEP_NETOPS_WEB_H
#define DEP_NETOPS_WEB_H

#include "base/http.h"

/* Answers "/" and the console's files. False: the path is none of them, and nothing was done. */
bool web_serve(struct http_req *r);

#endif
