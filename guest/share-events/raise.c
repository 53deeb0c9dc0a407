#define _GNU_SOURCE
#include "raise.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* From sys/stat.h and fcntl.h, which do not go together with linux/stat.h. */
int fchmodat(int, const char *, mode_t, int);
int utimensat(int, const char *, const struct timespec[2], int);
#define UTIME_OMIT_NSEC 0x3ffffffe
#define TYPE_BITS 0170000
#define LINK_TYPE 0120000
#define FILE_TYPE 0100000
#define MODE_BITS 07777

static int device = -1;

struct change *new_change(const char *ops, const char *path, const char *path2)
{
	size_t ops_size = strlen(ops) + 1, size = strlen(path) + 1, size2 = path2 != NULL ? strlen(path2) + 1 : 0;
	struct change *change = malloc(sizeof *change + ops_size + size + size2);
	if (change == NULL)
		return NULL;
	memcpy(change->text, ops, ops_size);
	change->path = memcpy(change->text + ops_size, path, size);
	change->path2 = path2 != NULL ? memcpy(change->path + size, path2, size2) : NULL;
	return change;
}

bool open_module(void)
{
	extern char **environ;
	const char *given = getenv("MOBYVM_FSNOTIFY"), *place = given != NULL ? given : "/dev/mobyvm-fsnotify";
	const char *program = getenv("MOBYVM_MODPROBE");
	char *arguments[] = { "modprobe", "-q", "mobyvm_fsnotify", NULL };
	pid_t child;
	int status;
	if (device < 0)
		device = open(place, O_WRONLY | O_CLOEXEC);
	if (device >= 0)
		return true;
	if (posix_spawn(&child, program != NULL ? program : "/sbin/modprobe", NULL, NULL, arguments, environ) == 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	device = open(place, O_WRONLY | O_CLOEXEC);
	return device >= 0;
}

/*
 * Sets mode and time to what they are: ATTRIB and MODIFY for those who watch. The server is asked first, or the watchers
 * would see the old state for as long as the attributes are cached.
 */
static int touch(const char *path)
{
	struct statx now;
	if (syscall(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &now) != 0)
		return errno;
	if ((now.stx_mode & TYPE_BITS) == LINK_TYPE)
		return 0;
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT_NSEC },
		{ .tv_sec = now.stx_mtime.tv_sec, .tv_nsec = now.stx_mtime.tv_nsec },
	};
	/* A file that is bound by itself is looked up by nothing else: without this it is read with its former length. */
	if ((now.stx_mode & TYPE_BITS) == FILE_TYPE) {
		int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (file >= 0)
			close(file);
	}
	if (fchmodat(AT_FDCWD, path, now.stx_mode & MODE_BITS, 0) != 0 || utimensat(AT_FDCWD, path, times, 0) != 0)
		return errno;
	return 0;
}

static int touch_folder_of(const char *path)
{
	char folder[MAX_PATH];
	size_t length = (size_t)(strrchr(path, '/') - path);
	memcpy(folder, path, length);
	folder[length] = '\0';
	return touch(length > 0 ? folder : "/");
}

/* Nothing in user space can raise CREATE, DELETE or a move: what is gone makes an event of its folder. */
static int stand_in(const struct change *change)
{
	if (change->path2 != NULL) {
		int error = touch_folder_of(change->path), error2 = touch(change->path2);
		return error2 != 0 ? error2 : error;
	}
	return strchr(change->text, 'd') != NULL ? touch_folder_of(change->path) : touch(change->path);
}

int raise_change(const struct change *change)
{
	const char *last = change->path2 != NULL ? change->path2 : change->path;
	size_t length = (size_t)(last - change->text) + strlen(last);
	if (device < 0)
		return stand_in(change);
	return write(device, change->text, length) < 0 ? errno : 0;
}
