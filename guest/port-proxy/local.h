/* Sockets of the guest that lead to a container, and the processes that carry what comes there. */
#pragma once
#include <stdbool.h>

struct destination {
	const char *address;
	int port;
};

/*
 * A socket at an address of the guest, listening if it is TCP; -1 if none can be had. given: a socket that the engine has bound
 * already, or -1. Port 0: any.
 */
int open_local(bool is_tcp, const char *address, int port, int given);

/* Whether packets for it can come from inside of the guest. */
bool is_of_guest(const char *host_ip);

/* For a process of its own, which ends with the connection. client: does not block. */
_Noreturn void carry_connection(int client, struct destination container);

/* All datagrams of the socket, until none has come for a while; for a process of its own. */
_Noreturn void carry_datagrams(int socket, struct destination container);
