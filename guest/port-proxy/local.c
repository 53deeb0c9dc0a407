/*
 * dockerd's rules take what comes from outside to the container, but not what a program of the guest sends to 127.0.0.1, nor
 * what a container sends to the guest's own address: docker-proxy listens for that. So does this, with far less memory: it
 * costs a process only while there is something to carry.
 */
#define _GNU_SOURCE
#include "local.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKLOG = 128,
	CONNECT_MS = 10000,
	MAX_CLIENTS = 64,     /* UDP; the one that was silent for longest gives way */
	IDLE_SECONDS = 90,    /* as docker-proxy forgets a UDP client */
	DATAGRAM_BYTES = 65536,
};

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static socklen_t make_address(const char *text, int port, union address *address)
{
	memset(address, 0, sizeof *address);
	if (inet_pton(AF_INET, text, &address->four.sin_addr) == 1) {
		address->four.sin_family = AF_INET;
		address->four.sin_port = htons((uint16_t)port);
		return sizeof address->four;
	}
	inet_pton(AF_INET6, text, &address->six.sin6_addr);
	address->six.sin6_family = AF_INET6;
	address->six.sin6_port = htons((uint16_t)port);
	return sizeof address->six;
}

/* An address that only the host has would be bound in vain here: its packets never come. */
bool is_of_guest(const char *host_ip)
{
	return strcmp(host_ip, "0.0.0.0") == 0 || strncmp(host_ip, "127.", 4) == 0 || strcmp(host_ip, "::") == 0 ||
		strcmp(host_ip, "::1") == 0;
}

int open_local(bool is_tcp, const char *address, int port, int given)
{
	union address place;
	socklen_t length = make_address(address, port, &place);
	int on = 1, fd = given;
	if (fd < 0) {
		fd = socket(place.any.sa_family, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -1;
		if (is_tcp)
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		if (place.any.sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		if (bind(fd, &place.any, length) != 0) {
			close(fd);
			return -1;
		}
	}
	if (is_tcp && listen(fd, BACKLOG) != 0) {
		if (fd != given)
			close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	/* Whoever takes it may find that there is nothing any more. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

/* --- TCP ------------------------------------------------------------------------------------------------------------ */

struct half {
	int from, to;
	size_t begin, end;
	bool is_over;
	char bytes[65536];
};

static int connect_to(struct destination container)
{
	union address place;
	socklen_t length = make_address(container.address, container.port, &place), size = sizeof(int);
	int error = 0, fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd waited = { .fd = fd, .events = POLLOUT };
	if (fd < 0)
		return -1;
	if (connect(fd, &place.any, length) != 0 &&
		(errno != EINPROGRESS || poll(&waited, 1, CONNECT_MS) != 1 ||
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0))
		return -1;
	return fd;
}

/* Moves what can be moved; false when the connection is broken. */
static bool move(struct half *half)
{
	if (half->begin == half->end) {
		ssize_t count = read(half->from, half->bytes, sizeof half->bytes);
		if (count < 0)
			return errno == EAGAIN;
		half->begin = 0;
		half->end = (size_t)count;
		if (count == 0) {
			half->is_over = true;
			shutdown(half->to, SHUT_WR);
			return true;
		}
	}
	ssize_t count = send(half->to, half->bytes + half->begin, half->end - half->begin, MSG_NOSIGNAL);
	if (count > 0)
		half->begin += (size_t)count;
	return count >= 0 || errno == EAGAIN;
}

/* Closing resets the connection. */
static void abandon(int fd)
{
	struct linger none = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

static bool carry(int client, int server)
{
	static struct half halves[2];
	halves[0] = (struct half){ .from = client, .to = server };
	halves[1] = (struct half){ .from = server, .to = client };
	while (!halves[0].is_over || !halves[1].is_over) {
		struct pollfd waited[2] = { { .fd = client }, { .fd = server } };
		for (int i = 0; i < 2; i++)
			if (!halves[i].is_over && halves[i].begin == halves[i].end)
				waited[i].events |= POLLIN;
			else if (!halves[i].is_over)
				waited[1 - i].events |= POLLOUT;
		/* An error is told whether it is asked for or not: a half-closed client that resets ends both. */
		if (poll(waited, 2, -1) < 0)
			return false;
		if ((waited[0].revents | waited[1].revents) & (POLLERR | POLLNVAL))
			return false;
		for (int i = 0; i < 2; i++)
			if (!halves[i].is_over && (waited[i].revents & (POLLIN | POLLHUP) || waited[1 - i].revents & POLLOUT) &&
				!move(&halves[i]))
				return false;
	}
	return true;
}

_Noreturn void carry_connection(int client, struct destination container)
{
	int on = 1;
	int server = connect_to(container);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (server >= 0)
		setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (server < 0 || !carry(client, server)) {
		abandon(client);
		abandon(server);
	}
	_exit(0);
}

/* --- UDP ------------------------------------------------------------------------------------------------------------ */

struct client {
	int fd; /* connected to the container */
	time_t used;
	union address address;
	socklen_t length;
	/* Which of the guest's addresses it has asked: the answer comes from there. */
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	size_t control_length;
};

static struct client clients[MAX_CLIENTS];
static char datagram[DATAGRAM_BYTES];

static time_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* The one with this address, or else a fresh place. */
static struct client *client_of(const union address *address, socklen_t length)
{
	struct client *oldest = clients;
	for (struct client *each = clients; each < clients + MAX_CLIENTS; each++) {
		if (each->fd > 0 && each->length == length && memcmp(&each->address, address, length) == 0)
			return each;
		if (each->fd == 0 || (oldest->fd > 0 && each->used < oldest->used))
			oldest = each;
	}
	if (oldest->fd > 0)
		close(oldest->fd);
	*oldest = (struct client){ .address = *address, .length = length };
	return oldest;
}

/* Keeps what makes the answer come from the address that was asked, with the interface left to the kernel. */
static void keep_asked(struct client *client, struct msghdr *message)
{
	client->control_length = 0;
	for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each != NULL; each = CMSG_NXTHDR(message, each)) {
		if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(each);
			info->ipi_ifindex = 0;
		} else if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
			((struct in6_pktinfo *)CMSG_DATA(each))->ipi6_ifindex = 0;
		} else {
			continue;
		}
		client->control_length = CMSG_SPACE(each->cmsg_len - CMSG_LEN(0));
		memcpy(client->control, each, each->cmsg_len);
	}
}

static void take_datagram(int socket_fd, struct destination container)
{
	union address from, place;
	char control[256];
	struct iovec part = { datagram, sizeof datagram };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control };
	memset(&from, 0, sizeof from);
	ssize_t count = recvmsg(socket_fd, &message, 0);
	if (count < 0)
		return;
	struct client *client = client_of(&from, message.msg_namelen);
	if (client->fd == 0) {
		socklen_t length = make_address(container.address, container.port, &place);
		int fd = socket(place.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (fd < 0 || connect(fd, &place.any, length) != 0)
			_exit(0);
		client->fd = fd;
	}
	keep_asked(client, &message);
	client->used = now();
	/* Whether the container listens yet is its affair. */
	if (send(client->fd, datagram, (size_t)count, 0) < 0 && errno == ECONNREFUSED)
		send(client->fd, datagram, (size_t)count, 0);
}

static void answer(int socket_fd, struct client *client)
{
	ssize_t count = recv(client->fd, datagram, sizeof datagram, 0);
	if (count < 0)
		return;
	struct iovec part = { datagram, (size_t)count };
	struct msghdr message = { .msg_name = &client->address, .msg_namelen = client->length, .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = client->control, .msg_controllen = client->control_length };
	client->used = now();
	sendmsg(socket_fd, &message, MSG_NOSIGNAL);
}

_Noreturn void carry_datagrams(int socket_fd, struct destination container)
{
	for (time_t last = now(); now() - last < IDLE_SECONDS;) {
		struct pollfd waited[MAX_CLIENTS + 1];
		for (int i = 0; i < MAX_CLIENTS; i++)
			waited[i] = (struct pollfd){ .fd = clients[i].fd > 0 ? clients[i].fd : -1, .events = POLLIN };
		waited[MAX_CLIENTS] = (struct pollfd){ .fd = socket_fd, .events = POLLIN };
		if (poll(waited, MAX_CLIENTS + 1, IDLE_SECONDS * 1000) <= 0)
			break;
		last = now();
		for (int i = 0; i < MAX_CLIENTS; i++)
			if (waited[i].revents != 0)
				answer(socket_fd, &clients[i]);
		if (waited[MAX_CLIENTS].revents != 0)
			take_datagram(socket_fd, container);
	}
	_exit(0);
}
