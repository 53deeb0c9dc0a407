/* The connection to the host: opened, greeted, and opened again when it is lost. */
#ifndef MOBYVM_LINK_H
#define MOBYVM_LINK_H

#include <stdbool.h>
#include <stdint.h>

int64_t now_ms(void);

struct link_user {
	/* The host has just connected. */
	void (*opened)(void);
	/* A line of the host. */
	void (*line)(const char *line, int64_t now);
};

void link_start(struct link_user user);
/* Opens the connection if it is time to. */
void link_work(int64_t now);
/* When link_work has something to do next; INT64_MAX for never. */
int64_t link_next(void);

int link_fd(void);
short link_events(void);
/* The descriptor is ready: finishes connecting, or takes lines. */
void link_ready(int64_t now);

/* False without a connection. */
bool link_send(const char *line);

#endif
