#define _GNU_SOURCE
#include "reach.h"
#include "link.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TCP_MS = 1200,       /* a lost packet is sent again after a second */
	NEGOTIATE_MS = 1200,
	HEADER_BYTES = 8,    /* the length of the message, and what protocol it is */
};


static int wait_until(int fd, short events, int64_t until)
{
	struct pollfd waited = { .fd = fd, .events = events };
	int64_t left;
	int ready;
	do {
		left = until - now_ms();
		ready = poll(&waited, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	return ready;
}

static int failed(const char *step, int error, const char *text)
{
	printf("%s %d %s\n", step, error, text);
	return 1;
}

/* MS-SMB2 2.2.3: the dialects 2.0.2 to 3.0.2. Whatever the server answers shows that it works. */
static const uint8_t negotiate_request[] = {
	0x00, 0x00, 0x00, 0x6c,
	0xfe, 'S', 'M', 'B', 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x24, 0x00, 0x04, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	'm', 'o', 'b', 'y', 'v', 'm', ' ', 'p', 'r', 'o', 'b', 'e', 0x00, 0x00, 0x00, 0x01,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x02, 0x02, 0x10, 0x02, 0x00, 0x03, 0x02, 0x03,
};

static int negotiate(int fd)
{
	uint8_t answer[HEADER_BYTES];
	size_t length = 0;
	int64_t until = now_ms() + NEGOTIATE_MS;
	if (send(fd, negotiate_request, sizeof negotiate_request, MSG_NOSIGNAL) < 0)
		return failed("negotiate", errno, "the server closed the connection");
	while (length < sizeof answer) {
		if (wait_until(fd, POLLIN, until) == 0)
			return failed("negotiate", 0, "the server accepts connections but does not answer");
		ssize_t count = recv(fd, answer + length, sizeof answer - length, 0);
		if (count <= 0)
			return failed("negotiate", count < 0 ? errno : ECONNRESET, "the server closed the connection");
		length += (size_t)count;
	}
	if (memcmp(answer + 5, "SMB", 3) != 0)
		return failed("negotiate", EPROTO, "this is not an SMB server");
	puts("ok");
	return 0;
}

int reach(const char *address, const char *port)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	char *end;
	long number = strtol(port, &end, 10);
	int error = 0, on = 1;
	socklen_t length = sizeof error;
	if (inet_pton(AF_INET, address, &server.sin_addr) != 1 || *end != '\0' || number < 1 || number > 65535)
		return failed("tcp", EINVAL, "malformed address or port");
	server.sin_port = htons((uint16_t)number);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed("tcp", errno, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0) {
		if (errno != EINPROGRESS)
			return failed("tcp", errno, strerror(errno));
		if (wait_until(fd, POLLOUT, now_ms() + TCP_MS) == 0)
			return failed("tcp", 0, "no answer to the connection attempt");
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error != 0)
			return failed("tcp", error, strerror(error));
	}
	return negotiate(fd);
}
