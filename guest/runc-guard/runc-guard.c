/*
 * runc: what containerd's shim finds first on its PATH. Becomes the real runc, unless a container is to be created that binds
 * a share which is not mounted now. The container would see an empty folder; instead its creation fails, and says why.
 *
 * Reads "mounts" of config.json in the bundle (OCI runtime specification, config.md, "Mounts").
 * Whatever it does not understand is left to runc.
 *
 * Before a container is created, dockerd's rules that are still only written down are applied (guest/iptables-batch).
 *
 * Environment, for tests: MOBYVM_RUN, MOBYVM_MOUNTINFO, MOBYVM_RUNC (the real one), MOBYVM_FIREWALL, MOBYVM_IPTABLES_BATCH.
 */
#define _GNU_SOURCE
#include "bundle.h"
#include "mounts.h"
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REASON_BYTES = 1024 };

static const char *log_path;

static _Noreturn void become_runc(char **arguments)
{
	static const char *const paths[] = { "/usr/bin/runc", "/usr/sbin/runc", "/usr/local/sbin/runc", "/sbin/runc" };
	const char *given = getenv("MOBYVM_RUNC");
	if (given != NULL)
		execv(given, arguments);
	for (size_t i = 0; given == NULL && i < sizeof paths / sizeof *paths; i++)
		execv(paths[i], arguments);
	fprintf(stderr, "runc-guard: runc cannot be started: %s\n", strerror(errno));
	exit(1);
}

/* The value of --NAME VALUE or --NAME=VALUE at *arguments; NULL if it is something else. */
static const char *option_at(char **arguments, const char *name)
{
	size_t length = strlen(name);
	if (strncmp(arguments[0], name, length) != 0)
		return NULL;
	if (arguments[0][length] == '=')
		return arguments[0] + length + 1;
	return arguments[0][length] == '\0' ? arguments[1] : NULL;
}

/* The bundle's folder; NULL if no container is created. */
static const char *created_bundle(char **arguments)
{
	const char *bundle = ".", *value;
	bool creates = false;
	for (char **at = arguments + 1; *at != NULL; at++) {
		creates = creates || strcmp(*at, "create") == 0 || strcmp(*at, "run") == 0 || strcmp(*at, "restore") == 0;
		if ((value = option_at(at, "--log")) != NULL)
			log_path = value;
		if ((value = option_at(at, "--bundle")) != NULL || (value = option_at(at, "-b")) != NULL)
			bundle = value;
	}
	return creates ? bundle : NULL;
}

/* runc's own form (--log-format json): the shim reports the last error in it. */
static _Noreturn void refuse(const char *share, const char *reason)
{
	char when[32] = "";
	time_t now = time(NULL);
	struct tm parts;
	FILE *log = log_path != NULL ? fopen(log_path, "ae") : NULL;
	if (gmtime_r(&now, &parts) != NULL)
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
	fprintf(stderr, "mobyvm: share %s is not mounted: %s\n", share, reason);
	if (log != NULL) {
		fprintf(log, "{\"level\":\"error\",\"msg\":\"mobyvm: share %s is not mounted: ", share);
		for (const char *at = reason; *at != '\0'; at++)
			if (*at == '"' || *at == '\\')
				fprintf(log, "\\%c", *at);
			else if ((unsigned char)*at >= ' ')
				fputc(*at, log);
		fprintf(log, "\",\"time\":\"%s\"}\n", when);
		fclose(log);
	}
	exit(1);
}

static bool is_below(const char *path, const char *point)
{
	size_t length = strlen(point);
	return strncmp(path, point, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* "failed STEP ERRNO TEXT" | "mounting" | "unmounted" */
static const char *reason_of(const char *share)
{
	static char state[REASON_BYTES];
	const char *text = state;
	if (!read_share_file(share, "state", state, sizeof state) || strcmp(state, "unmounted") == 0)
		return "the host does not offer it";
	if (strcmp(state, "mounting") == 0)
		return "it is being mounted";
	if (strncmp(state, "failed ", 7) != 0)
		return "its mount was lost";
	for (int words = 0; words < 3 && text != NULL; words++)
		text = strchr(text + (words > 0), ' ');
	return text != NULL ? text + 1 : state;
}

/* Refuses if one of the share's points holds the source and is not mounted. */
static void check_share(const char *share, const char *source)
{
	char folder[512], path[1024], point[POINT_BYTES];
	shares_folder(folder, sizeof folder);
	snprintf(path, sizeof path, "%s/%s/points", folder, share);
	FILE *points = fopen(path, "re");
	if (points == NULL)
		return;
	while (fgets(point, sizeof point, points) != NULL) {
		point[strcspn(point, "\n")] = '\0';
		if (*point == '/' && is_below(source, point) && !is_share_mounted(point))
			refuse(share, reason_of(share));
	}
	fclose(points);
}

static void check_source(const char *source)
{
	char folder[512];
	shares_folder(folder, sizeof folder);
	DIR *shares = opendir(folder);
	if (shares == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(shares)) != NULL;)
		if (is_share_id(entry->d_name))
			check_share(entry->d_name, source);
	closedir(shares);
}

static bool are_rules_written_down(void)
{
	static const char *const names[] = { "iptables", "ip6tables" };
	const char *folder = getenv("MOBYVM_FIREWALL");
	char path[512];
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/run/mobyvm/firewall", names[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* If that fails, the container is created nevertheless. */
static void apply_rules(void)
{
	const char *given = getenv("MOBYVM_IPTABLES_BATCH");
	const char *program = given != NULL ? given : "/usr/lib/mobyvm/iptables-batch";
	if (!are_rules_written_down())
		return;
	pid_t child = fork();
	if (child == 0) {
		execl(program, program, "apply", (char *)NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
}

int main(int count, char **arguments)
{
	char folder[512];
	const char *bundle = count > 1 ? created_bundle(arguments) : NULL;
	shares_folder(folder, sizeof folder);
	if (bundle != NULL && access(folder, F_OK) == 0)
		each_mount_source(bundle, check_source);
	if (bundle != NULL)
		apply_rules();
	become_runc(arguments);
}
