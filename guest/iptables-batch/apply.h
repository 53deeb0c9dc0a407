#ifndef APPLY_H
#define APPLY_H

#include "queue.h"

/* The real programs' folder, for tests MOBYVM_IPTABLES_FOLDER. */
_Noreturn void become_real(const char *name, char **arguments);

/* Hands the whole queue to the kernel, and deletes it: from then on the tables are the kernel's. False if a line failed. */
bool apply_queue(const char *name, struct queue *queue);

#endif
