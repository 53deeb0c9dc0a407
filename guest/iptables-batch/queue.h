#ifndef QUEUE_H
#define QUEUE_H

#include "request.h"
#include <stdbool.h>

/* What has been asked for since the tables were empty: lines "TABLE OPTION CHAIN ...", in a file that is locked while in use. */
struct queue {
	int file;
	char *text;
};

const char *queue_folder(void);

/* The file of the program NAME (iptables or ip6tables). */
void queue_path(char *path, int size, const char *name);

/* Locks and reads it. False: there is none, so the tables are the kernel's. */
bool open_queue(const char *name, struct queue *queue);

/* Unlocks it. */
void close_queue(struct queue *queue);

bool has_chain(const struct queue *queue, const struct request *request);
bool has_rule(const struct queue *queue, const struct request *request);

/* False if it would be too long, or cannot be written. */
bool append(struct queue *queue, const struct request *request);

#endif
