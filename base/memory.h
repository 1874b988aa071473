/* SPDX-License-Identifier: BSD-2-Clause */
/* What a daemon holds in memory once it has started. */
#ifndef DEP_MEMORY_H
#define DEP_MEMORY_H

/* Gives back to the kernel what start-up touched and service does not need, or not soon: pages of program text, which are
 * clean and come back from their files where they are used again, and what malloc(3) holds free. */
void memory_give_back(void);

#endif
