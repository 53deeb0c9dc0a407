/* A TCP connection to the link server of the host (src/share/link/link-server.ts), as far as its users have it in common. */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Where it listens: TCP 2373 of the default gateway, or MOBYVM_SHARE_HOST_PORT for tests. False before there is a lease. */
bool link_server_address(struct sockaddr_in *host);

/* Options of the socket. A host that disappeared silently, because the VM was saved, is noticed within half a minute. */
void set_link_options(int fd);

/* The first line of a connection with that purpose, with its end. Its length; 0 without a token that can be sent. */
size_t link_greeting(const char *purpose, char *line, size_t size);

#endif
