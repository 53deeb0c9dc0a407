/*
 * share-link                    watches the mounted shares and reports to the host, for as long as the guest runs
 * share-link reach IP PORT      does an SMB server answer there? (reach.h)
 * share-link type POINT         the type of the file system on that mount point; nothing if it is none
 *
 * Lines to and from the host are those of src/share/link/health-line.codec.ts, behind the greeting of link-server.ts.
 *
 * A file server that froze blocks whoever asks it, for minutes. This program itself therefore never touches a share: for
 * each one a child does, at most one at a time, and a child that is late counts as a share that is broken.
 *
 * The agent writes shares/ID/points before it mounts, and shares/changed after each change. The health of each share is
 * kept in shares/ID/health for runc-guard.
 *
 * Environment, for tests: MOBYVM_RUN (folder with token, lease and shares), MOBYVM_SHARE_HOST_PORT, MOBYVM_MOUNTINFO.
 */
#define _GNU_SOURCE
#include "link.h"
#include "mounts.h"
#include "reach.h"
#include "watch.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { SHORTEST_WAIT_MS = 10 };

/* One program watches; its pid is in the file that it has locked. */
static bool is_only_one(void)
{
	char folder[512], path[600], pid[16];
	shares_folder(folder, sizeof folder);
	snprintf(path, sizeof path, "%s/link.pid", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return false;
	int length = snprintf(pid, sizeof pid, "%d\n", getpid());
	return ftruncate(fd, 0) == 0 && write(fd, pid, (size_t)length) == length;
}

static int run(void)
{
	struct pollfd polled[2 + MAX_SHARES];
	if (!is_only_one())
		return 0;
	signal(SIGPIPE, SIG_IGN);
	watch_start();
	link_start((struct link_user){ .opened = watch_tell_all, .line = watch_line });
	for (;;) {
		int64_t now = now_ms();
		link_work(now);
		watch_work(now);
		int64_t next = link_next() < watch_next() ? link_next() : watch_next();
		int64_t left = next - now_ms();
		polled[0] = (struct pollfd){ .fd = link_fd(), .events = link_events() };
		int count = 1 + watch_poll(polled + 1);
		if (poll(polled, (nfds_t)count, left > SHORTEST_WAIT_MS ? (int)left : SHORTEST_WAIT_MS) <= 0)
			continue;
		if (polled[0].revents != 0)
			link_ready(now_ms());
		watch_ready(polled + 1);
	}
}

int main(int count, char **arguments)
{
	char type[32];
	if (count == 1)
		return run();
	if (count == 4 && strcmp(arguments[1], "reach") == 0)
		return reach(arguments[2], arguments[3]);
	if (count == 3 && strcmp(arguments[1], "type") == 0) {
		if (!type_at(arguments[2], type, sizeof type))
			return 1;
		puts(type);
		return 0;
	}
	fputs("usage: share-link [reach IP PORT | type POINT]\n", stderr);
	return 2;
}
