#define _GNU_SOURCE
#include "host-link.h"
#include "link.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKOFF_MS = 250,    /* doubled up to the longest */
	LONGEST_BACKOFF_MS = 4000,
	CONNECT_MS = 5000,
	LINE_BYTES = 256,
};

static enum { CLOSED, CONNECTING, OPEN } state;
static int fd = -1;
static int64_t due;
static int backoff = BACKOFF_MS;
static struct link_user user;
static char received[LINE_BYTES];
static size_t received_length;

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void drop(int64_t now)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	state = CLOSED;
	due = now + backoff;
	backoff = backoff * 2 > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS : backoff * 2;
	received_length = 0;
}

void link_start(struct link_user of)
{
	user = of;
}

void link_work(int64_t now)
{
	struct sockaddr_in host;
	if (state == OPEN || now < due)
		return;
	if (state == CONNECTING || !link_server_address(&host)) {
		drop(now);
		return;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		drop(now);
		return;
	}
	set_link_options(fd);
	state = CONNECTING;
	due = now + CONNECT_MS;
	if (connect(fd, (struct sockaddr *)&host, sizeof host) != 0 && errno != EINPROGRESS)
		drop(now);
}

int64_t link_next(void)
{
	return state == OPEN ? INT64_MAX : due;
}

int link_fd(void)
{
	return fd;
}

short link_events(void)
{
	return state == CONNECTING ? POLLOUT : POLLIN;
}

bool link_send(const char *line)
{
	char text[LINE_BYTES + 2];
	if (state != OPEN)
		return false;
	int length = snprintf(text, sizeof text, "%s\n", line);
	/* The lines are few and short: a host that has not room for one of them does not read. */
	if (send(fd, text, (size_t)length, MSG_NOSIGNAL) == length)
		return true;
	drop(now_ms());
	return false;
}

static void finish_connecting(int64_t now)
{
	char greeting[LINE_BYTES];
	int error = 0;
	socklen_t size = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	size_t length = error == 0 ? link_greeting("share-health", greeting, sizeof greeting) : 0;
	if (length == 0 || send(fd, greeting, length, MSG_NOSIGNAL) != (ssize_t)length) {
		drop(now);
		return;
	}
	state = OPEN;
	user.opened();
}

void link_ready(int64_t now)
{
	if (state == CONNECTING) {
		finish_connecting(now);
		return;
	}
	ssize_t count = recv(fd, received + received_length, sizeof received - 1 - received_length, 0);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0) {
		drop(now);
		return;
	}
	backoff = BACKOFF_MS;
	received_length += (size_t)count;
	received[received_length] = '\0';
	for (char *end; (end = strchr(received, '\n')) != NULL;) {
		*end = '\0';
		user.line(received, now);
		if (state != OPEN)
			return;
		received_length -= (size_t)(end + 1 - received);
		memmove(received, end + 1, received_length + 1);
	}
	if (received_length == sizeof received - 1)
		drop(now);
}
