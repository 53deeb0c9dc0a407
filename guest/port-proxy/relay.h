/* The ports of the guest's second address, which lead to containers that are published on one address of the host. */
#pragma once
#include "local.h"

struct relay {
	int port;   /* 0: none */
	int socket; /* if it is carried: what comes here must be carried to the container; otherwise -1 */
};

/* Has one lead to the container. address: the guest's second one. */
struct relay open_relay(const char *proto, const char *address, bool is_carried, struct destination container);

void close_relay(const char *proto, struct relay relay);
