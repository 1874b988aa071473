/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, directories and namespaces of laboratories, and the removal of what dead ones left. */
#include "lab/lab_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int lab_isolate(struct err *err)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return err_set(err, -errno, "cannot make namespaces: %s", strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return err_set(err, -errno, "cannot make mounts private: %s", strerror(errno));
	if (mount("run", "/run", "tmpfs", 0, "mode=755") != 0 || mount("sys", "/sys", "sysfs", 0, NULL) != 0)
		return err_set(err, -errno, "cannot mount: %s", strerror(errno));
	return 0;
}

int lab_sysctl(const char *path, const char *value)
{
	char full[LAB_PATH];
	int fd;
	ssize_t n;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -EIO : 0;
}

static int rm_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	remove(path);
	return 0;
}

void lab_rmtree(const char *path)
{
	nftw(path, rm_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Locks a lab's directory. Returns the descriptor, or -1 where it is held or gone. */
static int lock_dir(const char *dir)
{
	char path[LAB_PATH + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Kills the processes whose network namespace is `ns`. */
static void kill_inhabitants(const struct stat *ns)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[300];
		struct stat st;
		char *end;
		long pid = strtol(e->d_name, &end, 10);

		if (*end || pid <= 1 || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
		if (stat(path, &st) == 0 && st.st_ino == ns->st_ino && st.st_dev == ns->st_dev)
			kill((pid_t)pid, SIGKILL);
	}
	if (d)
		closedir(d);
}

static void sweep_namespaces(const char *name)
{
	DIR *d = opendir(LAB_NETNS);
	size_t n = strlen(name);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[LAB_PATH + sizeof(LAB_NETNS)];
		struct stat st;

		if (strncmp(e->d_name, name, n) != 0 || e->d_name[n] != '-')
			continue;
		snprintf(path, sizeof(path), "%s/%s", LAB_NETNS, e->d_name);
		if (stat(path, &st) == 0)
			kill_inhabitants(&st);
		umount2(path, MNT_DETACH);
		unlink(path);
	}
	if (d)
		closedir(d);
}

unsigned lab_sweep(void)
{
	DIR *d = opendir(LAB_RUN);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d))) {
		char dir[LAB_PATH + sizeof(LAB_RUN)];
		int lock;

		if (e->d_name[0] == '.')
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", LAB_RUN, e->d_name);
		lock = lock_dir(dir);
		if (lock < 0)
			continue;
		sweep_namespaces(e->d_name);
		lab_rmtree(dir);
		close(lock);
		n++;
	}
	if (d)
		closedir(d);
	rmdir(LAB_RUN);
	return n;
}

/* A directory of a name that nobody holds. mkdir decides between two that claim at once; a lab that another is just
 * sweeping away looks like a fresh one, so the lock is checked to be on the directory that is there. */
int lab_claim(struct lab *lab, const char *name, struct err *err)
{
	for (unsigned k = 0; k < 1000; k++) {
		struct stat a;
		struct stat b;
		char path[LAB_PATH + 64];

		mkdir(LAB_RUN, 0755);
		if (name)
			snprintf(lab->name, sizeof(lab->name), "%s", name);
		else
			snprintf(lab->name, sizeof(lab->name), "dep%u", (unsigned)getpid() + k);
		snprintf(lab->dir, sizeof(lab->dir), "%s/%s", LAB_RUN, lab->name);
		if (mkdir(lab->dir, 0755) != 0) {
			if (errno == ENOENT || (errno == EEXIST && !name))
				continue;
			return err_set(err, -errno, "cannot make %s: %s", lab->dir, strerror(errno));
		}
		lab->lock = lock_dir(lab->dir);
		snprintf(path, sizeof(path), "%s/lock", lab->dir);
		if (lab->lock >= 0 && fstat(lab->lock, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino)
			return 0;
		if (lab->lock >= 0)
			close(lab->lock);
		lab->lock = -1;
	}
	return err_set(err, -EEXIST, "no free name for a laboratory under %s", LAB_RUN);
}

static int ns_bind(const char *name)
{
	char path[LAB_PATH];
	int fd;

	mkdir(LAB_NETNS, 0755);
	snprintf(path, sizeof(path), "%s/%s", LAB_NETNS, name);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return -errno;
	close(fd);
	if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL) != 0) {
		int rc = -errno;

		unlink(path);
		return rc;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What every node needs: addresses usable at once (no duplicate address detection), forwarding, no autoconfiguration. */
static const char *const ns_sysctls[][2] = {
	{"net/ipv6/conf/all/accept_dad", "0"},
	{"net/ipv6/conf/default/accept_dad", "0"},
	{"net/ipv6/conf/default/dad_transmits", "0"},
	{"net/ipv6/conf/default/accept_ra", "0"},
	{"net/ipv6/conf/default/router_solicitations", "0"},
	{"net/ipv6/conf/all/forwarding", "1"},
};

int lab_ns_make(struct lab *lab, unsigned i, struct err *err)
{
	struct lab_node *node = &lab->nodes[i];
	struct lab_inner *in = &lab->inner[i];
	int rc = 0;

	if (unshare(CLONE_NEWNET) != 0)
		return err_set(err, -errno, "cannot make a network namespace: %s", strerror(errno));
	in->ns = ns_bind(node->ns);
	if (in->ns < 0)
		rc = err_set(err, in->ns, "cannot bind %s/%s: %s", LAB_NETNS, node->ns, strerror(-in->ns));
	for (size_t k = 0; rc == 0 && k < sizeof(ns_sysctls) / sizeof(ns_sysctls[0]); k++) {
		rc = lab_sysctl(ns_sysctls[k][0], ns_sysctls[k][1]);
		if (rc < 0)
			err_set(err, rc, "cannot set %s: %s", ns_sysctls[k][0], strerror(-rc));
	}
	if (rc == 0) {
		in->net = net_open();
		if (!in->net)
			rc = err_set(err, -errno, "cannot open a netlink socket: %s", strerror(errno));
	}
	if (rc == 0 && (rc = net_set_up(in->net, 1, true)) < 0)
		err_set(err, rc, "cannot set lo up: %s", strerror(-rc));
	lab_leave(lab);
	return rc;
}

void lab_ns_remove(struct lab *lab, unsigned i)
{
	struct lab_inner *in = &lab->inner[i];
	char path[LAB_PATH];

	net_close(in->net);
	if (in->ns < 0)
		return;
	close(in->ns);
	snprintf(path, sizeof(path), "%s/%s", LAB_NETNS, lab->nodes[i].ns);
	umount2(path, MNT_DETACH);
	unlink(path);
}

int lab_enter(struct lab *lab, unsigned i)
{
	return setns(lab->inner[i].ns, CLONE_NEWNET) == 0 ? 0 : -errno;
}

void lab_leave(struct lab *lab)
{
	/* Not to come home would let everything that follows happen in a node's namespace. */
	if (setns(lab->home, CLONE_NEWNET) != 0)
		abort();
}
