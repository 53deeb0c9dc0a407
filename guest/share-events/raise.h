/* One change of a file on a share, and how its event is raised. */
#ifndef MOBYVM_RAISE_H
#define MOBYVM_RAISE_H

#include <stdbool.h>

enum {
	MAX_PATH = 4096, /* with the NUL */
	MAX_OPS = 8,
};

struct change {
	unsigned generation;
	char *path2; /* in text; NULL if it is not a rename */
	char *path;  /* in text */
	char text[]; /* OPS NUL PATH [NUL PATH2] NUL, the record of the module */
};

/* NULL if there is no memory. */
struct change *new_change(const char *ops, const char *path, const char *path2);

/* Loads the module, unless that was done. False: the stand-in is used. */
bool open_module(void);

/* 0, or an errno. */
int raise_change(const struct change *change);

#endif
