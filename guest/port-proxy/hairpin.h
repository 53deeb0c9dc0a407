/* Published ports at the addresses of the host, for what begins in the guest. */
#pragma once
#include "local.h"

struct hairpin {
	int socket; /* what comes here must be carried to the container; -1: none */
	const char *address;
	int port;
};

/*
 * Has a port at an address of the host lead to a socket of the guest's second address. Other elements of the same place are
 * what a killed proxy left behind.
 */
struct hairpin open_hairpin(bool is_tcp, const char *address, int port, const char *second_address);

void close_hairpin(bool is_tcp, struct hairpin hairpin);
