/*
 * step-clock MILLISECONDS: moves the system clock, forward or (below 0) back; to the millisecond, which busybox's date cannot.
 * adjtimex(2), ADJ_SETOFFSET.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

/* A day: more is for those who set a clock, not for those who correct it. */
enum { MOST_MILLISECONDS = 86400000 };

int main(int count, char **arguments)
{
	char *end;
	long milliseconds;
	struct timex step = { .modes = ADJ_SETOFFSET | ADJ_NANO };

	errno = 0;
	milliseconds = count == 2 ? strtol(arguments[1], &end, 10) : 0;
	if (count != 2 || errno != 0 || end == arguments[1] || *end != '\0' || labs(milliseconds) > MOST_MILLISECONDS) {
		fprintf(stderr, "Usage: step-clock MILLISECONDS (at most %d either way)\n", MOST_MILLISECONDS);
		return 2;
	}
	/* The kernel wants a fraction that counts forward. */
	step.time.tv_sec = milliseconds / 1000 - (milliseconds % 1000 < 0);
	step.time.tv_usec = (milliseconds % 1000 + 1000) % 1000 * 1000000;
	if (adjtimex(&step) < 0) {
		fprintf(stderr, "step-clock: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}
