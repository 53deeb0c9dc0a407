/*
 * iptables and ip6tables: what dockerd finds first on its PATH. dockerd asks for each chain and rule before it makes it, 70 calls for
 * its default network; under emulation that is a sixth of the boot. At dockerd's first start the kernel has none of these tables. From
 * then on, what it asks for is only written down, and questions are answered from that. All of it is applied at once, before the first
 * container is created (runc-guard), or when nothing has been added for a while. After that, the real programs are called.
 *
 *   iptables-batch open     there is nothing in the tables: what follows is written down
 *   iptables-batch settle   waits until nothing has been added for a while, then applies
 *   iptables-batch apply    applies what has been written down; nothing happens if that was done already
 *
 * Whatever it does not understand ends the batch. Environment, for tests: MOBYVM_FIREWALL, MOBYVM_IPTABLES_FOLDER.
 */
#define _GNU_SOURCE
#include "apply.h"
#include "queue.h"
#include "request.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUIET_TENTHS = 5, LIMIT_TENTHS = 1200 };

static const char *const names[] = { "iptables", "ip6tables" };
enum { NAMES = 2 };

static int refused(const char *name, const char *text)
{
	fprintf(stderr, "%s: %s\n", name, text);
	return 1;
}

static int create_queues(void)
{
	char path[512];
	mkdir(queue_folder(), 0700);
	for (int i = 0; i < NAMES; i++) {
		queue_path(path, sizeof path, names[i]);
		int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (file < 0) {
			perror(path);
			return 1;
		}
		close(file);
	}
	return 0;
}

static int apply_all(void)
{
	int status = 0;
	for (int i = 0; i < NAMES; i++) {
		struct queue queue;
		if (!open_queue(names[i], &queue))
			continue;
		if (!apply_queue(names[i], &queue))
			status = refused(names[i], "not all of the engine's rules could be set");
		close_queue(&queue);
	}
	return status;
}

/* How much has been written down; -1 if the batch has ended. */
static long written_bytes(void)
{
	long bytes = -1;
	for (int i = 0; i < NAMES; i++) {
		char path[512];
		struct stat status;
		queue_path(path, sizeof path, names[i]);
		if (stat(path, &status) == 0)
			bytes = (bytes < 0 ? 0 : bytes) + status.st_size;
	}
	return bytes;
}

static int settle(void)
{
	long before = 0, now;
	for (int quiet = 0, tenths = 0; (now = written_bytes()) >= 0; tenths++, before = now) {
		quiet = now > 0 && now == before ? quiet + 1 : 0;
		if (quiet == QUIET_TENTHS || tenths == LIMIT_TENTHS)
			break;
		usleep(100000);
	}
	return apply_all();
}

/* answer NAME QUEUE REQUEST: the exit status that iptables would have; -1 if the real one must be asked */
static int answer(const char *name, struct queue *queue, const struct request *request)
{
	static const char no_chain[] = "No chain/target/match by that name.";
	bool is_chain = request->chain != NULL && has_chain(queue, request);
	switch (request->operation) {
	case CHECK_WAIT:
		return 0;
	case LIST_CHAIN:
		return is_chain ? 0 : refused(name, no_chain);
	case NEW_CHAIN:
		return is_chain ? refused(name, "Chain already exists.") : append(queue, request) ? 0 : -1;
	case EMPTY_CHAIN:
		return is_chain ? -1 : refused(name, no_chain);
	case CHECK_RULE:
	case DELETE_RULE:
		if (!is_chain || !has_rule(queue, request))
			return refused(name, "Bad rule (does a matching rule exist in that chain?).");
		return request->operation == CHECK_RULE || append(queue, request) ? 0 : -1;
	case ADD_RULE:
	case SET_POLICY:
		return !is_chain ? refused(name, no_chain) : append(queue, request) ? 0 : -1;
	default:
		return -1;
	}
}

int main(int count, char **arguments)
{
	const char *name = count > 0 ? strrchr(arguments[0], '/') : NULL;
	name = name != NULL ? name + 1 : count > 0 ? arguments[0] : "";
	if (strcmp(name, names[0]) != 0 && strcmp(name, names[1]) != 0) {
		const char *command = count == 2 ? arguments[1] : "";
		if (strcmp(command, "open") == 0)
			return create_queues();
		if (strcmp(command, "settle") == 0)
			return settle();
		if (strcmp(command, "apply") == 0)
			return apply_all();
		fprintf(stderr, "usage: iptables-batch open|settle|apply\n");
		return 2;
	}

	struct queue queue;
	struct request request;
	bool asks_version = count == 2 && (strcmp(arguments[1], "--version") == 0 || strcmp(arguments[1], "-V") == 0);
	if (asks_version || !open_queue(name, &queue))
		become_real(name, arguments);
	read_request(arguments, &request);
	int status = answer(name, &queue, &request);
	if (status < 0)
		apply_queue(name, &queue);
	close_queue(&queue);
	if (status < 0)
		become_real(name, arguments);
	return status;
}
