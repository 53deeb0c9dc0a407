#include "first-line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool read_first_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	bool has_line = fgets(line, (int)size, file) != NULL;
	fclose(file);
	if (has_line)
		line[strcspn(line, "\n")] = '\0';
	return has_line && *line != '\0';
}

bool read_run_file(const char *name, char *line, size_t size)
{
	char path[512];
	const char *run = getenv("MOBYVM_RUN");
	snprintf(path, sizeof path, "%s/%s", run != NULL ? run : "/run/mobyvm", name);
	return read_first_line(path, line, size);
}
