/*
 * A relay port is an element of a map that network.sh has made (prepare_relays): the kernel takes what the host sends to it at
 * the guest's second address to the container, before dockerd's own rules see it. So it has nothing in common with the ports
 * that containers publish: none of them can be in its way, whichever is asked for later.
 *
 * What is published on an IPv6 address is carried by processes of our own (local.c): the host sends IPv4, and dockerd's rules let
 * IPv4 pass only to ports that are published on an IPv4 address. Then the element only keeps those rules from the port.
 */
#define _GNU_SOURCE
#include "relay.h"
#include "map.h"
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { TRIES = 16, FIRST_PORT = 1024, LAST_PORT = 65535 };

static const char *map_of(const char *proto)
{
	return strcmp(proto, "tcp") == 0 ? "tcp_relays" : "udp_relays";
}

static int random_port(void)
{
	uint16_t chosen;
	if (getrandom(&chosen, sizeof chosen, 0) != sizeof chosen)
		return 0;
	return FIRST_PORT + chosen % (LAST_PORT - FIRST_PORT + 1);
}

static struct relay carried(const char *proto, const char *address, int port)
{
	struct relay relay = { port, open_local(strcmp(proto, "tcp") == 0, address, port, -1) };
	if (relay.socket < 0 || !create_element(map_of(proto), port_key(port), (struct destination){ address, port })) {
		if (relay.socket >= 0)
			close(relay.socket);
		return (struct relay){ 0, -1 };
	}
	return relay;
}

struct relay open_relay(const char *proto, const char *address, bool is_carried, struct destination container)
{
	for (int i = 0; i < TRIES; i++) {
		int port = random_port();
		struct relay relay = { port, -1 };
		if (is_carried)
			relay = carried(proto, address, port);
		else if (!create_element(map_of(proto), port_key(port), container))
			relay.port = 0;
		if (relay.port != 0)
			return relay;
	}
	return (struct relay){ 0, -1 };
}

void close_relay(const char *proto, struct relay relay)
{
	delete_element(map_of(proto), port_key(relay.port));
}
