/*
 * A container that asks for a published port at an address of the host, such as host.docker.internal, gets it without leaving
 * the guest: the host's firewall lets the guest reach nothing there but what it needs. A map of network.sh (prepare_relays)
 * leads to a socket, whose connections our own processes carry (local.c). dockerd's rules would not do: they keep a container
 * from others of another network.
 */
#define _GNU_SOURCE
#include "hairpin.h"
#include "map.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *map_of(bool is_tcp)
{
	return is_tcp ? "tcp_hairpins" : "udp_hairpins";
}

struct hairpin open_hairpin(bool is_tcp, const char *address, int port, const char *second_address)
{
	struct hairpin hairpin = { open_local(is_tcp, second_address, 0, -1), address, port };
	struct sockaddr_in own;
	socklen_t length = sizeof own;
	if (hairpin.socket < 0)
		return hairpin;
	if (getsockname(hairpin.socket, (struct sockaddr *)&own, &length) == 0) {
		struct destination here = { second_address, ntohs(own.sin_port) };
		struct map_key key = address_key(address, port);
		if (create_element(map_of(is_tcp), key, here))
			return hairpin;
		delete_element(map_of(is_tcp), key);
		if (create_element(map_of(is_tcp), key, here))
			return hairpin;
	}
	close(hairpin.socket);
	hairpin.socket = -1;
	return hairpin;
}

void close_hairpin(bool is_tcp, struct hairpin hairpin)
{
	if (hairpin.socket < 0)
		return;
	delete_element(map_of(is_tcp), address_key(hairpin.address, hairpin.port));
	close(hairpin.socket);
}
