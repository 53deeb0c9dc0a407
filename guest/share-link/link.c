#define _GNU_SOURCE
#include "first-line.h"
#include "link.h"
#include "watch.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	HOST_PORT = 2373,    /* of src/share/link/link-server.ts */
	BACKOFF_MS = 250,    /* doubled up to the longest */
	LONGEST_BACKOFF_MS = 4000,
	CONNECT_MS = 5000,
	LINE_BYTES = 256,
};

static enum { CLOSED, CONNECTING, OPEN } state;
static int fd = -1;
static int64_t due;
static int backoff = BACKOFF_MS;
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

/* The lease is "ADDRESS PREFIX_LENGTH GATEWAY"; the gateway is the host. */
static bool read_host(struct sockaddr_in *host)
{
	char lease[64], gateway[64];
	const char *port = getenv("MOBYVM_SHARE_HOST_PORT");
	*host = (struct sockaddr_in){ .sin_family = AF_INET };
	host->sin_port = htons(port != NULL ? (uint16_t)atoi(port) : HOST_PORT);
	return read_run_file("lease", lease, sizeof lease) && sscanf(lease, "%*s %*s %63s", gateway) == 1 &&
		inet_pton(AF_INET, gateway, &host->sin_addr) == 1;
}

/* A host that disappeared silently is noticed within half a minute. */
static void keep_alive(void)
{
	int on = 1, idle = 15, interval = 5, count = 3;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void link_work(int64_t now)
{
	struct sockaddr_in host;
	if (state == OPEN || now < due)
		return;
	if (state == CONNECTING || !read_host(&host)) {
		drop(now);
		return;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		drop(now);
		return;
	}
	keep_alive();
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
	char token[129], greeting[LINE_BYTES];
	int error = 0;
	socklen_t length = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error != 0 || !read_run_file("token", token, sizeof token) ||
		token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0') {
		drop(now);
		return;
	}
	state = OPEN;
	snprintf(greeting, sizeof greeting, "{\"op\":\"share-health\",\"token\":\"%s\"}", token);
	if (link_send(greeting))
		watch_tell_all();
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
		watch_line(received, now);
		if (state != OPEN)
			return;
		received_length -= (size_t)(end + 1 - received);
		memmove(received, end + 1, received_length + 1);
	}
	if (received_length == sizeof received - 1)
		drop(now);
}
