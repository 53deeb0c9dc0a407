#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>

enum operation { CHECK_WAIT, LIST_CHAIN, NEW_CHAIN, EMPTY_CHAIN, CHECK_RULE, ADD_RULE, DELETE_RULE, SET_POLICY, OTHER };

enum { LINE_BYTES = 2048 };

/* What dockerd asks iptables for. */
struct request {
	enum operation operation;
	const char *table;
	const char *chain;
	/* "-A CHAIN ...", as it was given */
	char line[LINE_BYTES];
	/* The rule: what follows the chain. */
	const char *rule;
};

/* OTHER: what the batch does not know. */
void read_request(char **arguments, struct request *request);

#endif
