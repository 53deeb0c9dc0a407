/* The health of each share: asked every few seconds, and when the host or a change wants it. */
#ifndef MOBYVM_WATCH_H
#define MOBYVM_WATCH_H

#include <poll.h>
#include <stdint.h>

void watch_start(void);
/* Starts the children that are due, and judges those that are late. */
void watch_work(int64_t now);
int64_t watch_next(void);

/* Fills in what is to be polled; returns how many. */
int watch_poll(struct pollfd *polled);
/* After poll, with what watch_poll filled in. */
void watch_ready(const struct pollfd *polled);

/* A line of the host. */
void watch_line(const char *line, int64_t now);
/* The host has just connected: it is told everything that is known. */
void watch_tell_all(void);

#endif
