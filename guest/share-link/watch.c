#define _GNU_SOURCE
#include "watch.h"
#include "link.h"
#include "mounts.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROBE_EVERY_MS = 3000,
	ANSWER_MS = 900,     /* the host wants its answer within a second */
	PATIENCE_MS = 2500,  /* a busy server is not reported before */
	KILL_MS = 30000,     /* what a child waits for this long has been lost */
	MAX_ASKS = 8,
	HEALTH_BYTES = 24,
};

static const char UNKNOWN[] = "";
static const char ABSENT[] = "absent";
/* ETIMEDOUT */
static const char LATE[] = "broken 110";

struct share {
	char id[ID_BYTES];
	char point[POINT_BYTES];
	bool is_listed;
	char health[HEALTH_BYTES];
	pid_t child;         /* 0 for none */
	int result;          /* from the child */
	int64_t started;
	bool is_late;
	bool is_killed;
	bool is_stale;       /* what the child looks at has changed */
	int64_t due;
	int ask_count;
	struct { long number; int64_t until; } asks[MAX_ASKS];
};

static struct share shares[MAX_SHARES];
static int share_count;
static int changes = -1;

static struct share *find(const char *id)
{
	for (int i = 0; i < share_count; i++)
		if (strcmp(shares[i].id, id) == 0)
			return &shares[i];
	return NULL;
}

/* For runc-guard: whole or not at all. */
static void keep_health(const struct share *share)
{
	char folder[512], path[640], temporary[648];
	shares_folder(folder, sizeof folder);
	snprintf(path, sizeof path, "%s/%s/health", folder, share->id);
	snprintf(temporary, sizeof temporary, "%s.new", path);
	FILE *file = fopen(temporary, "we");
	if (file == NULL)
		return;
	fprintf(file, "%s\n", share->health);
	if (fclose(file) == 0)
		rename(temporary, path);
}

static void tell(const struct share *share)
{
	char line[160];
	if (strcmp(share->health, UNKNOWN) == 0)
		return;
	snprintf(line, sizeof line, "health %s %s", share->id, share->health);
	link_send(line);
}

static void set_health(struct share *share, const char *health)
{
	if (strcmp(share->health, health) == 0)
		return;
	snprintf(share->health, sizeof share->health, "%s", health);
	keep_health(share);
	tell(share);
}

static void answer(struct share *share, int ask, const char *health)
{
	char line[160];
	snprintf(line, sizeof line, "probed %ld %s %s", share->asks[ask].number, share->id, health);
	share->asks[ask] = share->asks[--share->ask_count];
	link_send(line);
}

static void answer_all(struct share *share, const char *health)
{
	while (share->ask_count > 0)
		answer(share, 0, health);
}

static void read_shares(int64_t now)
{
	char folder[512], point[POINT_BYTES];
	shares_folder(folder, sizeof folder);
	DIR *directory = opendir(folder);
	if (directory == NULL)
		return;
	for (int i = 0; i < share_count; i++)
		shares[i].is_listed = false;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (!is_share_id(entry->d_name) || !read_share_file(entry->d_name, "points", point, sizeof point))
			continue;
		struct share *share = find(entry->d_name);
		if (share == NULL && share_count < MAX_SHARES) {
			share = &shares[share_count++];
			memset(share, 0, sizeof *share);
			snprintf(share->id, sizeof share->id, "%.64s", entry->d_name);
		}
		if (share == NULL)
			continue;
		snprintf(share->point, sizeof share->point, "%s", point);
		share->is_listed = true;
		share->due = now;
		share->is_stale = share->child != 0;
		if (share->is_stale) {
			share->is_killed = true;
			kill(share->child, SIGKILL);
		}
	}
	closedir(directory);
}

void watch_start(void)
{
	char folder[512];
	shares_folder(folder, sizeof folder);
	changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	inotify_add_watch(changes, folder, IN_CLOSE_WRITE | IN_MOVED_TO);
	read_shares(now_ms());
}

/* CIFS asks the server for this each time. */
static _Noreturn void look_at(const char *point, int output)
{
	struct statfs statistics;
	int error = statfs(point, &statistics) == 0 ? 0 : errno;
	_exit(write(output, &error, sizeof error) == sizeof error ? 0 : 1);
}

static void start_child(struct share *share, int64_t now)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		/* A hanging child must not hold the connection open. */
		if (link_fd() >= 0)
			close(link_fd());
		look_at(share->point, ends[1]);
	}
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return;
	}
	share->child = child;
	share->result = ends[0];
	share->started = now;
	share->is_late = share->is_killed = share->is_stale = false;
}

static void judge_late(struct share *share, int64_t now)
{
	for (int ask = share->ask_count - 1; ask >= 0; ask--)
		if (now >= share->asks[ask].until)
			answer(share, ask, LATE);
	if (share->child == 0 || now < share->started + PATIENCE_MS)
		return;
	if (!share->is_late && !share->is_stale)
		set_health(share, LATE);
	share->is_late = true;
	if (now >= share->started + KILL_MS && !share->is_killed) {
		share->is_killed = true;
		kill(share->child, SIGKILL);
	}
}

void watch_work(int64_t now)
{
	for (int i = 0; i < share_count; i++) {
		struct share *share = &shares[i];
		if (share->child == 0 && share->is_listed && now >= share->due) {
			share->due = now + PROBE_EVERY_MS;
			if (is_share_mounted(share->point)) {
				start_child(share, now);
			} else {
				set_health(share, ABSENT);
				answer_all(share, ABSENT);
			}
		}
		judge_late(share, now);
	}
}

static int64_t next_of(const struct share *share)
{
	int64_t next = INT64_MAX;
	if (share->child == 0 && share->is_listed)
		next = share->due;
	else if (share->child != 0 && !share->is_killed)
		next = share->started + (share->is_late ? KILL_MS : PATIENCE_MS);
	for (int ask = 0; ask < share->ask_count; ask++)
		if (share->asks[ask].until < next)
			next = share->asks[ask].until;
	return next;
}

int64_t watch_next(void)
{
	int64_t next = INT64_MAX;
	for (int i = 0; i < share_count; i++)
		if (next_of(&shares[i]) < next)
			next = next_of(&shares[i]);
	return next;
}

int watch_poll(struct pollfd *polled)
{
	int count = 0;
	polled[count++] = (struct pollfd){ .fd = changes, .events = POLLIN };
	for (int i = 0; i < share_count; i++)
		polled[count++] = (struct pollfd){ .fd = shares[i].child != 0 ? shares[i].result : -1, .events = POLLIN };
	return count;
}

static void take_result(struct share *share)
{
	char health[HEALTH_BYTES] = "mounted";
	int error = 0;
	bool has_result = read(share->result, &error, sizeof error) == sizeof error;
	close(share->result);
	waitpid(share->child, NULL, 0);
	share->child = 0;
	if (!has_result || share->is_stale) {
		/* It was killed: the next one says how things are. */
		share->due = now_ms();
		return;
	}
	if (error != 0)
		snprintf(health, sizeof health, "broken %d", error);
	set_health(share, health);
	answer_all(share, health);
}

void watch_ready(const struct pollfd *polled)
{
	char events[4096] __attribute__((aligned(8)));
	int polled_shares = share_count;
	for (int i = 0; i < polled_shares; i++)
		if (polled[1 + i].revents != 0 && shares[i].child != 0)
			take_result(&shares[i]);
	if (polled[0].revents == 0)
		return;
	bool is_changed = false;
	for (ssize_t length; (length = read(changes, events, sizeof events)) > 0;)
		for (char *at = events; at < events + length;) {
			const struct inotify_event *event = (const struct inotify_event *)at;
			is_changed = is_changed || (event->len > 0 && strcmp(event->name, "changed") == 0);
			at += sizeof *event + event->len;
		}
	if (is_changed)
		read_shares(now_ms());
}

/* "probe NUMBER ID"; anything else is of a later version, and ignored. */
void watch_line(const char *line, int64_t now)
{
	char id[ID_BYTES];
	long number;
	int length = 0;
	if (sscanf(line, "probe %9ld %64s%n", &number, id, &length) != 2 || line[length] != '\0')
		return;
	struct share *share = find(id);
	if (share == NULL || !share->is_listed) {
		char text[160];
		if (!is_share_id(id))
			return;
		snprintf(text, sizeof text, "probed %ld %s %s", number, id, ABSENT);
		link_send(text);
		return;
	}
	if (share->ask_count == MAX_ASKS)
		answer(share, 0, LATE);
	share->asks[share->ask_count].number = number;
	/* Who waits already will not be answered any sooner. */
	share->asks[share->ask_count++].until = share->child != 0 && share->is_late ? now : now + ANSWER_MS;
	share->due = now;
	watch_work(now);
}

void watch_tell_all(void)
{
	for (int i = 0; i < share_count; i++)
		if (shares[i].is_listed)
			tell(&shares[i]);
}
