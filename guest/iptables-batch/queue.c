#define _GNU_SOURCE
#include "queue.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 256 * 1024 };

const char *queue_folder(void)
{
	const char *folder = getenv("MOBYVM_FIREWALL");
	return folder != NULL ? folder : "/run/mobyvm/firewall";
}

void queue_path(char *path, int size, const char *name)
{
	snprintf(path, (size_t)size, "%s/%s", queue_folder(), name);
}

bool open_queue(const char *name, struct queue *queue)
{
	char path[512];
	struct stat status;
	queue_path(path, sizeof path, name);
	queue->file = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
	if (queue->file < 0)
		return false;
	while (flock(queue->file, LOCK_EX) != 0 && errno == EINTR)
		continue;
	/* It was applied and deleted while we waited. */
	if (fstat(queue->file, &status) != 0 || status.st_nlink == 0) {
		close(queue->file);
		return false;
	}
	queue->text = calloc(1, (size_t)status.st_size + 1);
	if (queue->text == NULL || pread(queue->file, queue->text, (size_t)status.st_size, 0) != status.st_size) {
		perror("iptables-batch");
		exit(4);
	}
	return true;
}

void close_queue(struct queue *queue)
{
	free(queue->text);
	close(queue->file);
}

/* count_lines QUEUE TABLE OPTION REST: how often the line is in it */
static int count_lines(const struct queue *queue, const char *table, const char *option, const char *rest)
{
	char line[LINE_BYTES + 64];
	int count = 0;
	size_t length = (size_t)snprintf(line, sizeof line, "%s %s %s\n", table, option, rest);
	for (const char *at = queue->text; (at = strstr(at, line)) != NULL; at += length)
		if (at == queue->text || at[-1] == '\n')
			count++;
	return count;
}

bool has_chain(const struct queue *queue, const struct request *request)
{
	static const char *const built_in[] = { "INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING" };
	for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
		if (strcmp(request->chain, built_in[i]) == 0)
			return true;
	return count_lines(queue, request->table, "-N", request->chain) > 0;
}

bool has_rule(const struct queue *queue, const struct request *request)
{
	return count_lines(queue, request->table, "-A", request->rule) + count_lines(queue, request->table, "-I", request->rule) >
	       count_lines(queue, request->table, "-D", request->rule);
}

bool append(struct queue *queue, const struct request *request)
{
	char line[LINE_BYTES + 64];
	int length = snprintf(line, sizeof line, "%s %s\n", request->table, request->line);
	return strlen(queue->text) + (size_t)length <= MAX_BYTES && write(queue->file, line, (size_t)length) == length;
}
