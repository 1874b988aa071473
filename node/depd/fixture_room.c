/* SPDX-License-Identifier: BSD-2-Clause */
/* A room for depd's tests: fixture_room SOCKET JOURNAL MODE. Listens, writes "start NAME" and "stop
 * NAME" into the journal, tells its privileges, and does as MODE says: "serve"; "stubborn" does not
 * end on SIGTERM; "status N" ends at once. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *name;
static int journal;

static void note(const char *what)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %s\n", what, name);

	if (write(journal, line, (size_t)n) != n)
		_exit(9);
}

static void on_term(int sig)
{
	note("stop");
	_exit(0);
}

/* Two lines for the log: the lines of /proc/self/status that matter, and half a line. */
static void tell(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	printf("user %d group %d\n", (int)getuid(), (int)getgid());
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "CapEff", 6) == 0 || strncmp(line, "CapBnd", 6) == 0 ||
		    strncmp(line, "NoNewPrivs", 10) == 0)
			fputs(line, stdout);
	}
	printf("the last line");
	fflush(stdout);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc < 4)
		return 2;
	name = strrchr(argv[1], '/') + 1;
	journal = open(argv[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	note("start");
	if (strncmp(argv[3], "status ", 7) == 0)
		return (int)strtol(argv[3] + 7, NULL, 10);
	signal(SIGTERM, strcmp(argv[3], "stubborn") == 0 ? SIG_IGN : on_term);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", argv[1]);
	unlink(argv[1]);
	tell();
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 8) != 0) {
		fprintf(stderr, "listen: %s\n", strerror(errno));
		return 1;
	}
	for (;;)
		close(accept(fd, NULL, NULL));
}
