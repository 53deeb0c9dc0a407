#include "host-link.h"
#include "first-line.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	LINK_PORT = 2373,    /* GUEST_LINK_PORT of src/share/link/link-server.ts */
};

/* The lease is "ADDRESS PREFIX_LENGTH GATEWAY"; the gateway is the host. */
bool link_server_address(struct sockaddr_in *host)
{
	char lease[64], gateway[64];
	const char *port = getenv("MOBYVM_SHARE_HOST_PORT");
	*host = (struct sockaddr_in){ .sin_family = AF_INET };
	host->sin_port = htons(port != NULL ? (uint16_t)atoi(port) : LINK_PORT);
	return read_run_file("lease", lease, sizeof lease) && sscanf(lease, "%*s %*s %63s", gateway) == 1 &&
		inet_pton(AF_INET, gateway, &host->sin_addr) == 1;
}

void set_link_options(int fd)
{
	int on = 1, idle = 15, interval = 5, probes = 3;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

size_t link_greeting(const char *purpose, char *line, size_t size)
{
	char token[129];
	if (!read_run_file("token", token, sizeof token))
		return 0;
	if (token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
		return 0;
	int length = snprintf(line, size, "{\"op\":\"%s\",\"token\":\"%s\"}\n", purpose, token);
	return length > 0 && (size_t)length < size ? (size_t)length : 0;
}
