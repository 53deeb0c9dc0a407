/*
 * Elements of the maps of the table `ip mobyvm_relay`, which network.sh makes. Changed by netlink: nft(8) would be one more
 * process for each of what may be hundreds of ports.
 */
#pragma once
#include "local.h"
#include <stddef.h>
#include <stdint.h>

/* An inet_service, or an ipv4_addr and an inet_service. */
struct map_key {
	uint8_t bytes[8];
	size_t length;
};

struct map_key port_key(int port);
struct map_key address_key(const char *address, int port);

/* to: an IPv4 address and a port. False if the key is in the map already. */
bool create_element(const char *map, struct map_key key, struct destination to);

void delete_element(const char *map, struct map_key key);
