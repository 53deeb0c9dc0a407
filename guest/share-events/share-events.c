/*
 * share-events: raises the file events that the host reports, for those who watch files of a share in this guest.
 *
 * It connects to the host (the default gateway, TCP 2373), shows the machine's token, and reads lines:
 *
 *	start                           raise events from now on: loads the module, if the image has it
 *	SHARE OPS PATH [PATH2]          one change; OPS and paths as mobyvm_fsnotify.c has them, the paths percent-encoded
 *
 * and answers with lines of JSON:
 *
 *	{"mechanism":"module"}          after start: exact events, by the kernel module
 *	{"mechanism":"touch"}           a stand-in: mode and time of what changed are set to what they are
 *	{"share":"C","done":20,"failed":1,"errno":116}
 *	                                20 more changes of this share are done, 1 of them failed, the last failure's errno
 *
 * The host keeps at most WINDOW changes of a share unanswered. Each share has its own thread and queue: one whose server
 * does not answer delays no other.
 *
 * Environment, for tests: MOBYVM_RUN (folder with token and lease), MOBYVM_SHARE_HOST_PORT, MOBYVM_FSNOTIFY (the device),
 * MOBYVM_MODPROBE.
 */
#define _GNU_SOURCE
#include "host-link.h"
#include "raise.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	WINDOW = 256,        /* of src/share/events/share-queue.ts */
	ANSWER_EVERY = 32,
	MAX_SHARES = 64,
	MAX_NAME = 64,
	LINE_BYTES = 32768,  /* two paths of 4,095 bytes, each byte escaped */
	STACK_BYTES = 131072,
	BACKOFF_MS = 250,    /* doubled up to the longest */
	LONGEST_BACKOFF_MS = 4000,
	SEND_SECONDS = 10,
};

struct share {
	char name[MAX_NAME + 1];
	pthread_cond_t has_work;
	struct change *queue[WINDOW];
	int first, count;
};

/* Guards all that follows, and the queues. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct share *shares[MAX_SHARES];
static int share_count;
static int connection = -1;
/* Which connection a change came from: only that one is told that it is done. */
static unsigned generation;

/* --- answers ---------------------------------------------------------------------------------------------------------- */

/* With the lock. A host that does not read for SEND_SECONDS is given up: the reader notices. */
static void answer(const char *format, ...)
{
	char line[256];
	va_list values;
	va_start(values, format);
	int length = vsnprintf(line, sizeof line, format, values);
	va_end(values);
	if (connection >= 0 && send(connection, line, (size_t)length, MSG_NOSIGNAL) != length)
		shutdown(connection, SHUT_RDWR);
}

struct tally {
	unsigned generation;
	int done, failed, error;
};

static void report(const struct share *share, struct tally *tally)
{
	if (tally->done > 0 && tally->generation == generation) {
		if (tally->failed > 0)
			answer("{\"share\":\"%s\",\"done\":%d,\"failed\":%d,\"errno\":%d}\n", share->name, tally->done, tally->failed,
			       tally->error);
		else
			answer("{\"share\":\"%s\",\"done\":%d}\n", share->name, tally->done);
	}
	*tally = (struct tally){ .generation = generation };
}

/* --- the threads of the shares ---------------------------------------------------------------------------------------- */

static void *serve_share(void *argument)
{
	struct share *share = argument;
	struct tally tally = { 0 };
	pthread_mutex_lock(&lock);
	for (;;) {
		if (share->count == 0 || tally.done >= ANSWER_EVERY || tally.generation != generation)
			report(share, &tally);
		while (share->count == 0)
			pthread_cond_wait(&share->has_work, &lock);
		struct change *change = share->queue[share->first];
		share->first = (share->first + 1) % WINDOW;
		share->count--;
		tally.generation = change->generation;
		pthread_mutex_unlock(&lock);
		int error = raise_change(change);
		free(change);
		pthread_mutex_lock(&lock);
		tally.done++;
		/* What changed may be gone by now: nobody misses that event. */
		if (error != 0 && error != ENOENT) {
			tally.failed++;
			tally.error = error;
		}
	}
	return NULL;
}

/* With the lock. NULL if there are too many. */
static struct share *share_of(const char *name)
{
	pthread_attr_t attributes;
	pthread_t thread;
	for (int i = 0; i < share_count; i++)
		if (strcmp(shares[i]->name, name) == 0)
			return shares[i];
	if (share_count == MAX_SHARES)
		return NULL;
	struct share *share = calloc(1, sizeof *share);
	if (share == NULL)
		return NULL;
	snprintf(share->name, sizeof share->name, "%s", name);
	pthread_cond_init(&share->has_work, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	bool is_started = pthread_create(&thread, &attributes, serve_share, share) == 0;
	pthread_attr_destroy(&attributes);
	if (!is_started) {
		free(share);
		return NULL;
	}
	shares[share_count++] = share;
	return share;
}

/* Takes the change. False if the host sent more than the window. */
static bool enqueue(const char *name, struct change *change)
{
	pthread_mutex_lock(&lock);
	struct share *share = share_of(name);
	bool has_space = share != NULL && share->count < WINDOW;
	if (has_space) {
		change->generation = generation;
		share->queue[(share->first + share->count++) % WINDOW] = change;
		pthread_cond_signal(&share->has_work);
	} else {
		free(change);
	}
	pthread_mutex_unlock(&lock);
	return has_space;
}

/* What an earlier connection left: the new one begins with a rescan. */
static void clear_queues(void)
{
	for (int i = 0; i < share_count; i++) {
		struct share *share = shares[i];
		for (; share->count > 0; share->count--) {
			free(share->queue[share->first]);
			share->first = (share->first + 1) % WINDOW;
		}
	}
}

/* --- lines from the host ---------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes in place. False if it is not an absolute path that the kernel can take. */
static bool decode_path(char *text)
{
	char *to = text;
	if (*text != '/')
		return false;
	for (const char *from = text; *from != '\0'; to++) {
		if (*from != '%') {
			*to = *from++;
			continue;
		}
		int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to = (char)(high * 16 + low);
		from += 3;
	}
	*to = '\0';
	return to - text < MAX_PATH;
}

static bool take_change(char *line)
{
	char *rest = line, *name = strsep(&rest, " "), *ops = strsep(&rest, " "), *path = strsep(&rest, " ");
	size_t length = strlen(name);
	if (path == NULL || length == 0 || length > MAX_NAME || *ops == '\0' || strlen(ops) > MAX_OPS)
		return false;
	if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
		return false;
	if (!decode_path(path) || (rest != NULL && !decode_path(rest)))
		return false;
	struct change *change = new_change(ops, path, rest);
	return change != NULL && enqueue(name, change);
}

static bool take_line(char *line)
{
	if (strcmp(line, "start") != 0)
		return take_change(line);
	bool has_module = open_module();
	pthread_mutex_lock(&lock);
	answer("{\"mechanism\":\"%s\"}\n", has_module ? "module" : "touch");
	pthread_mutex_unlock(&lock);
	return true;
}

/* Until the connection ends, or a line that makes no sense comes. */
static void serve(int fd)
{
	static char text[LINE_BYTES];
	size_t length = 0;
	for (;;) {
		ssize_t count = recv(fd, text + length, sizeof text - length, 0);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return;
		length += (size_t)count;
		char *line = text, *end;
		while ((end = memchr(line, '\n', length)) != NULL) {
			*end = '\0';
			length -= (size_t)(end + 1 - line);
			if (memchr(line, '\0', (size_t)(end - line)) != NULL || !take_line(line)) {
				fputs("share-events: the host sent a line that is not understood\n", stderr);
				return;
			}
			line = end + 1;
		}
		if (length == sizeof text)
			return;
		memmove(text, line, length);
	}
}

/* --- the connection --------------------------------------------------------------------------------------------------- */

/* -1 when there is no host yet. */
static int dial(void)
{
	struct sockaddr_in host;
	struct timeval send_timeout = { .tv_sec = SEND_SECONDS };
	if (!link_server_address(&host))
		return -1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	set_link_options(fd);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof send_timeout);
	if (connect(fd, (struct sockaddr *)&host, sizeof host) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool greet(int fd)
{
	char line[256];
	size_t length = link_greeting("share-events", line, sizeof line);
	return length > 0 && send(fd, line, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static void use_connection(int fd)
{
	pthread_mutex_lock(&lock);
	connection = fd;
	generation++;
	clear_queues();
	pthread_mutex_unlock(&lock);
}

static void sleep_ms(int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	nanosleep(&time, NULL);
}

int main(void)
{
	int backoff_ms = BACKOFF_MS;
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = dial();
		time_t since = time(NULL);
		if (fd >= 0 && greet(fd)) {
			use_connection(fd);
			serve(fd);
			use_connection(-1);
		}
		if (fd >= 0)
			close(fd);
		/* A host that refuses at once is not asked more often than one that is not there. */
		backoff_ms = fd >= 0 && time(NULL) - since > 5 ? BACKOFF_MS : backoff_ms;
		sleep_ms(backoff_ms);
		backoff_ms = backoff_ms * 2 < LONGEST_BACKOFF_MS ? backoff_ms * 2 : LONGEST_BACKOFF_MS;
	}
}
