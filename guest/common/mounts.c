#define _GNU_SOURCE
#include "first-line.h"
#include "mounts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "\040" stands for a blank in mountinfo, and so on for tab, newline and backslash; in place. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; to++) {
		if (from[0] == '\\' && from[1] != '\0' && from[2] != '\0' && from[3] != '\0') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* proc_pid_mountinfo(5): ID PARENT DEVICE ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS. Of several, the last one is on top. */
bool type_at(const char *path, char *type, size_t size)
{
	const char *list = getenv("MOBYVM_MOUNTINFO");
	FILE *file = fopen(list != NULL ? list : "/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t capacity = 0;
	bool is_found = false;
	if (file == NULL)
		return false;
	while (getline(&line, &capacity, file) > 0) {
		char *rest = strstr(line, " - "), *point = line;
		if (rest == NULL)
			continue;
		for (int blanks = 0; blanks < 4 && point != NULL; blanks++)
			point = strchr(point + (blanks > 0), ' ');
		if (point == NULL)
			continue;
		*strchrnul(++point, ' ') = '\0';
		unescape(point);
		if (strcmp(point, path) != 0)
			continue;
		rest += 3;
		*strchrnul(rest, ' ') = '\0';
		snprintf(type, size, "%s", rest);
		is_found = true;
	}
	free(line);
	fclose(file);
	return is_found;
}

bool is_share_mounted(const char *point)
{
	char type[32];
	return type_at(point, type, sizeof type) && (strcmp(type, "cifs") == 0 || strcmp(type, "smb3") == 0);
}

void shares_folder(char *path, size_t size)
{
	const char *run = getenv("MOBYVM_RUN");
	snprintf(path, size, "%s/shares", run != NULL ? run : "/run/mobyvm");
}

bool is_share_id(const char *id)
{
	size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
	return length > 0 && length < ID_BYTES && id[length] == '\0';
}

bool read_share_file(const char *id, const char *name, char *line, size_t size)
{
	char folder[512], path[1024];
	shares_folder(folder, sizeof folder);
	snprintf(path, sizeof path, "%s/%s/%s", folder, id, name);
	return read_first_line(path, line, size);
}
