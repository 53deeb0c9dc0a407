#ifndef MOBYVM_REACH_H
#define MOBYVM_REACH_H

/*
 * Connects to an SMB server and negotiates, each within its own deadline. Prints "ok", or the step that failed and why:
 * "tcp ERRNO TEXT" or "negotiate ERRNO TEXT"; ERRNO is 0 if the deadline passed. Returns the exit status.
 */
int reach(const char *address, const char *port);

#endif
