#ifndef FIRST_LINE_H
#define FIRST_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* The first line of a file, without its end; false when there is none or it is empty. */
bool read_first_line(const char *path, char *line, size_t size);

/* Likewise, of a file of the run folder: MOBYVM_RUN, or /run/mobyvm. */
bool read_run_file(const char *name, char *line, size_t size);

#endif
