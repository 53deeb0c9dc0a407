#define _GNU_SOURCE
#include "apply.h"
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 256 };

static void try_real(const char *name, char **arguments)
{
	static const char *const folders[] = { "/usr/sbin", "/sbin" };
	const char *given = getenv("MOBYVM_IPTABLES_FOLDER");
	char path[512];
	for (size_t i = 0; i < (given != NULL ? 1 : sizeof folders / sizeof *folders); i++) {
		snprintf(path, sizeof path, "%s/%s", given != NULL ? given : folders[i], name);
		execv(path, arguments);
	}
	fprintf(stderr, "iptables-batch: %s cannot be started: %s\n", name, strerror(errno));
}

_Noreturn void become_real(const char *name, char **arguments)
{
	try_real(name, arguments);
	_exit(4);
}

static bool has_ended_well(pid_t child)
{
	int status;
	pid_t ended;
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	return ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* For each table of the queue, in the order in which they first occur: its lines, as iptables-restore takes them. */
static void write_tables(FILE *to, const char *text)
{
	static const char *const tables[] = { "filter", "nat", "mangle", "raw" };
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		size_t length = strlen(tables[i]);
		bool is_begun = false;
		for (const char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
			if (strncmp(at, tables[i], length) != 0 || at[length] != ' ')
				continue;
			if (!is_begun)
				fprintf(to, "*%s\n", tables[i]);
			is_begun = true;
			fprintf(to, "%.*s\n", (int)(end - at - (long)length - 1), at + length + 1);
		}
		if (is_begun)
			fputs("COMMIT\n", to);
	}
}

static bool restore(const char *name, const char *text)
{
	char program[64];
	int pipe_ends[2];
	if (pipe2(pipe_ends, O_CLOEXEC) != 0)
		return false;
	snprintf(program, sizeof program, "%s-restore", name);
	pid_t child = fork();
	if (child == 0) {
		dup2(pipe_ends[0], 0);
		become_real(program, (char *[]){ program, "--noflush", "--wait", NULL });
	}
	close(pipe_ends[0]);
	FILE *to = fdopen(pipe_ends[1], "w");
	if (child < 0 || to == NULL)
		return false;
	write_tables(to, text);
	bool is_written = fclose(to) == 0;
	return has_ended_well(child) && is_written;
}

/* As dockerd would have done it. */
static bool run_line(const char *name, char *line)
{
	char *words[MAX_WORDS] = { (char *)name, "--wait", "-t" };
	int count = 3;
	for (char *word = strtok(line, " "); word != NULL && count < MAX_WORDS - 1; word = strtok(NULL, " "))
		words[count++] = word;
	pid_t child = fork();
	if (child == 0)
		become_real(name, words);
	return child > 0 && has_ended_well(child);
}

static bool run_one_by_one(const char *name, char *text)
{
	bool is_well = true;
	for (char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		*end = '\0';
		if (!run_line(name, at))
			is_well = false;
	}
	return is_well;
}

bool apply_queue(const char *name, struct queue *queue)
{
	char path[512];
	bool is_well = *queue->text == '\0' || restore(name, queue->text) || run_one_by_one(name, queue->text);
	queue_path(path, sizeof path, name);
	unlink(path);
	return is_well;
}
