#define _GNU_SOURCE
#include "apply.h"
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
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

/* The lines of one table, without its name; NULL if there is no memory. */
static char *lines_of(const char *table, const char *text)
{
	size_t length = strlen(table);
	char *lines = malloc(strlen(text) + 1), *to = lines;
	if (lines == NULL)
		return NULL;
	for (const char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		if (strncmp(at, table, length) != 0 || at[length] != ' ')
			continue;
		size_t rest = (size_t)(end + 1 - at) - length - 1;
		memcpy(to, at + length + 1, rest);
		to += rest;
	}
	*to = '\0';
	return lines;
}

static bool restore(const char *name, const char *table, const char *lines)
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
	/* A program that ends before it has read everything must not end us: its lines are set one by one then. */
	void (*on_broken_pipe)(int) = signal(SIGPIPE, SIG_IGN);
	fprintf(to, "*%s\n%sCOMMIT\n", table, lines);
	bool is_written = fclose(to) == 0;
	signal(SIGPIPE, on_broken_pipe);
	return has_ended_well(child) && is_written;
}

/* As dockerd would have done it. */
static bool run_line(const char *name, const char *table, char *line)
{
	char *words[MAX_WORDS] = { (char *)name, "--wait", "-t", (char *)table };
	int count = 4;
	for (char *word = strtok(line, " "); word != NULL && count < MAX_WORDS - 1; word = strtok(NULL, " "))
		words[count++] = word;
	pid_t child = fork();
	if (child == 0)
		become_real(name, words);
	return child > 0 && has_ended_well(child);
}

static bool run_one_by_one(const char *name, const char *table, char *lines)
{
	bool is_well = true;
	for (char *at = lines, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		*end = '\0';
		if (!run_line(name, table, at))
			is_well = false;
	}
	return is_well;
}

/* Each table by itself: all of a table's lines are set or none, so none is set twice when they are set one by one. */
static bool apply_table(const char *name, const char *table, const char *text)
{
	char *lines = lines_of(table, text);
	if (lines == NULL)
		return false;
	bool is_well = *lines == '\0' || restore(name, table, lines) || run_one_by_one(name, table, lines);
	free(lines);
	return is_well;
}

bool apply_queue(const char *name, struct queue *queue)
{
	static const char *const tables[] = { "filter", "nat", "mangle", "raw" };
	char path[512];
	bool is_well = true;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (!apply_table(name, tables[i], queue->text))
			is_well = false;
	queue_path(path, sizeof path, name);
	unlink(path);
	return is_well;
}
