/*
 * A relay port is an element of a map that network.sh has made (prepare_relays): the kernel takes what the host sends to it at
 * the guest's second address to the container, before dockerd's own rules see it. So it has nothing in common with the ports
 * that containers publish: none of them can be in its way, whichever is asked for later.
 *
 * What is published on an IPv6 address is carried by processes of our own (local.c): the host sends IPv4, and dockerd's rules let
 * IPv4 pass only to ports that are published on an IPv4 address. Then the element only keeps those rules from the port.
 *
 * Environment, for tests: MOBYVM_NFT.
 */
#define _GNU_SOURCE
#include "relay.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIES = 16, FIRST_PORT = 1024, LAST_PORT = 65535 };

/* The exit status of `nft VERB element ip mobyvm_relay PROTO_relays ELEMENT`. */
static int nft(const char *verb, const char *proto, char *element)
{
	const char *given = getenv("MOBYVM_NFT");
	const char *program = given != NULL ? given : "/usr/sbin/nft";
	char map[16];
	snprintf(map, sizeof map, "%s_relays", proto);
	char *arguments[] = { "nft", (char *)verb, "element", "ip", "mobyvm_relay", map, element, NULL };
	int status = -1;
	pid_t child = fork();
	if (child == 0) {
		sigset_t none;
		int nothing = open("/dev/null", O_RDWR);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		execv(program, arguments);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Of the guest's second address; it fails if the port leads somewhere already. */
static bool create(const char *proto, int port, struct destination container)
{
	char element[128];
	snprintf(element, sizeof element, "{ %d : %s . %d }", port, container.address, container.port);
	return nft("create", proto, element) == 0;
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
	if (relay.socket < 0 || !create(proto, port, (struct destination){ address, port })) {
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
		else if (!create(proto, port, container))
			relay.port = 0;
		if (relay.port != 0)
			return relay;
	}
	return (struct relay){ 0, -1 };
}

void close_relay(const char *proto, struct relay relay)
{
	char element[32];
	snprintf(element, sizeof element, "{ %d }", relay.port);
	nft("delete", proto, element);
}
