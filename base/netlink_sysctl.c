/* SPDX-License-Identifier: BSD-2-Clause */
/* Sysctls of interfaces. */
#include "base/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Opens the setting; a name must not lead elsewhere. */
static int sysctl_open(uint8_t family, const char *ifname, const char *key, int flags)
{
	char path[128];
	int n;

	if (strchr(ifname, '/') || strchr(key, '/') || ifname[0] == '.' || key[0] == '.')
		return -EINVAL;
	n = snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s",
		     family == AF_INET ? "ipv4" : "ipv6", ifname, key);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	n = open(path, flags | O_CLOEXEC);
	return n < 0 ? -errno : n;
}

int netlink_sysctl_read(uint8_t family, const char *ifname, const char *key, int *value)
{
	char text[32];
	char *end;
	ssize_t n;
	long v;
	int fd = sysctl_open(family, ifname, key, O_RDONLY);

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return n < 0 ? -errno : -EIO;
	text[n] = '\0';
	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || v < INT32_MIN || v > INT32_MAX)
		return -ERANGE;
	*value = (int)v;
	return 0;
}

int netlink_sysctl_write(uint8_t family, const char *ifname, const char *key, int value,
			 struct err *err)
{
	char text[32];
	int rc = 0;
	int fd;
	int n;
	int was;

	if (netlink_sysctl_read(family, ifname, key, &was) == 0 && was == value)
		return 0;
	fd = sysctl_open(family, ifname, key, O_WRONLY);
	n = snprintf(text, sizeof(text), "%d\n", value);
	if (fd < 0)
		rc = fd;
	else if (write(fd, text, (size_t)n) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		return 0;
	err_set(err, rc, "cannot set it to %d: %s", value, strerror(-rc));
	err_where(err, "net.%s.conf.%s.%s", family == AF_INET ? "ipv4" : "ipv6", ifname, key);
	if (rc == -EROFS)
		err_mend(err,
			 "/proc/sys is mounted read-only; mount it read-write for this program");
	if (rc == -EACCES || rc == -EPERM)
		err_mend(err, "this needs CAP_NET_ADMIN");
	return rc;
}

int netlink_sysctl_get(const char *ifname, const char *key, int *value)
{
	return netlink_sysctl_read(AF_INET6, ifname, key, value);
}

int netlink_sysctl_set(const char *ifname, const char *key, int value, struct err *err)
{
	return netlink_sysctl_write(AF_INET6, ifname, key, value, err);
}
