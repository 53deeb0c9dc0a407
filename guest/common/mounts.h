/* What is mounted where, as the kernel lists it: reading this never waits for a file server. */
#ifndef MOBYVM_MOUNTS_H
#define MOBYVM_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	ID_BYTES = 65,      /* [A-Za-z0-9_-]{1,64} */
	POINT_BYTES = 4096,
	MAX_POINTS = 8,
	MAX_SHARES = 64,
};

/* Overwrites type with the file system's type on top of that path; false if it is no mount point. */
bool type_at(const char *path, char *type, size_t size);

/* True if a share's file system is mounted there. */
bool is_share_mounted(const char *point);

/* The folder that holds one folder per share: $MOBYVM_RUN/shares. */
void shares_folder(char *path, size_t size);

bool is_share_id(const char *id);

/* The first line of shares/ID/NAME; false if there is none. */
bool read_share_file(const char *id, const char *name, char *line, size_t size);

#endif
