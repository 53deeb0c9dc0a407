/*
 * port-proxy -proto tcp|udp|sctp -host-ip IP -host-port N -container-ip IP -container-port N [-use-listen-fd]
 *
 * dockerd starts it for each published port instead of docker-proxy (userland-proxy-path), and waits for "0\n" or "1\nTEXT"
 * on descriptor 3. It first asks the host to open the port, within 10 s in every case, so that `docker run` fails with the
 * host's reason; then it keeps the connection for as long as the port is published, and asks again if it is lost. SIGINT and
 * SIGTERM end it at any time.
 *
 * How traffic gets from the guest's address to the container:
 *  - published on 0.0.0.0: by dockerd's rules, without copying.
 *  - published on another address (127.0.0.1, or one that only the host has): those rules do not match, so a relay port of
 *    the guest's second address leads to the container, and is reported to the host (relay.c). The same is done for [::] if
 *    the host asks for it, which it does if the port is not published on 0.0.0.0 as well.
 *  - from programs in the guest itself: our own processes copy it (local.c), also if they ask for the port at an address of the
 *    host (hairpin.c).
 * Only the host can reach the relay port, and it exposes it only as the user requested.
 *
 * Since Docker 28, dockerd itself binds the port in the guest first, and passes it as descriptor 4 with -use-listen-fd. It is
 * kept open, so that the port stays taken; it serves the guest if it is on one of the guest's addresses.
 *
 * Without a token or an address (a guest that no host configures) it becomes the real docker-proxy.
 *
 * Environment, for tests: MOBYVM_RUN (folder with token and lease), MOBYVM_PORT_HOST_PORT, MOBYVM_DOCKER_PROXY.
 */
#define _GNU_SOURCE
#include "first-line.h"
#include "hairpin.h"
#include "local.h"
#include "relay.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	VERDICT = 3,         /* dockerd reads what has become of it */
	LISTENER = 4,        /* with -use-listen-fd */
	HOST_PORT = 2374,    /* of src/daemon/ports/port-places.ts */
	ANSWER_MS = 9000,    /* dockerd itself gives up after 16 s; users sooner */
	RETRY_MS = 200,      /* while the host restarts */
	BACKOFF_MS = 250,    /* doubled up to the longest */
	LONGEST_BACKOFF_MS = 4000,
	RELEASE_MS = 2000,   /* how long the host may take to close the port */
	MAX_CARRIED = 512,   /* connections of one port that need a process */
	LINE_BYTES = 1024,   /* MAX_LINE_BYTES of src/proxy/port/control.codec.ts; an answer is at most 500 characters of UTF-8 */
	ANSWER_BYTES = 2560,
};

static struct {
	const char *proto;
	char host_ip[INET6_ADDRSTRLEN], container_ip[INET6_ADDRSTRLEN];
	int host_port, container_port;
	bool use_listen_fd;
} wanted;

static char token[129];
static char gateway[INET_ADDRSTRLEN];
static char second_address[INET_ADDRSTRLEN];
static struct relay relay = { 0, -1 };
static struct hairpin hairpin = { -1, NULL, 0 };
/* The host has no server of its own at this port of its address. */
static bool is_hairpin_allowed;
static int connections_carried;
/* Where something comes that a process must carry: what begins in the guest, at its addresses or the host's, and at a relay port. */
enum { LOCAL, RELAY, HAIRPIN, SERVED };
static struct {
	int fd;
	pid_t datagram_carrier;
} served[SERVED] = { { -1, 0 }, { -1, 0 }, { -1, 0 } };
static volatile sig_atomic_t is_ended;

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_signal(int number)
{
	if (number != SIGCHLD)
		is_ended = 1;
}

/* Signals come in while this waits, and at no other time. >0: ready; 0: time is over, or a signal came. */
static int wait_for(int fd, short events, int64_t until)
{
	struct pollfd waited = { .fd = fd, .events = events };
	int64_t left = until - now_ms();
	struct timespec timeout = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
	sigset_t none;
	if (left <= 0)
		timeout = (struct timespec){ 0, 0 };
	sigemptyset(&none);
	int ready = ppoll(&waited, fd < 0 ? 0 : 1, until < 0 ? NULL : &timeout, &none);
	return ready > 0 ? ready : 0;
}

static void say(const char *text)
{
	size_t left = strlen(text);
	while (left > 0) {
		ssize_t written = write(VERDICT, text, left);
		if (written <= 0)
			return;
		text += written;
		left -= (size_t)written;
	}
}

static _Noreturn void fail(const char *reason)
{
	say("1\n");
	say(reason);
	if (relay.port != 0)
		close_relay(wanted.proto, relay);
	exit(1);
}

static const char *docker_proxy(void)
{
	static const char *const places[] = { "/usr/bin/docker-proxy", "/usr/sbin/docker-proxy", "/usr/libexec/docker/docker-proxy" };
	const char *given = getenv("MOBYVM_DOCKER_PROXY");
	if (given != NULL)
		return given;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return "docker-proxy";
}

/* The lease is "ADDRESS PREFIX_LENGTH GATEWAY"; the gateway is the host. */
static bool read_surroundings(void)
{
	char lease[64], address[64], host[64];
	struct in_addr parsed;
	if (!read_run_file("token", token, sizeof token) || !read_run_file("lease", lease, sizeof lease))
		return false;
	if (token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
		return false;
	if (sscanf(lease, "%63s %*s %63s", address, host) != 2)
		return false;
	if (inet_pton(AF_INET, address, &parsed) != 1 || inet_pton(AF_INET, host, &parsed) != 1)
		return false;
	snprintf(gateway, sizeof gateway, "%.15s", host);
	/* The one behind the guest's, as in network.sh and src/daemon/ports/ports.ts. */
	inet_pton(AF_INET, address, &parsed);
	parsed.s_addr = htonl(ntohl(parsed.s_addr) + 1);
	return inet_ntop(AF_INET, &parsed, second_address, sizeof second_address) != NULL;
}

/* --- arguments ------------------------------------------------------------------------------------------------------ */

static bool read_address(const char *text, char *address)
{
	unsigned char parsed[sizeof(struct in6_addr)];
	for (int i = 0; i < 2; i++) {
		int family = i == 0 ? AF_INET : AF_INET6;
		if (inet_pton(family, text, parsed) == 1)
			return inet_ntop(family, parsed, address, INET6_ADDRSTRLEN) != NULL;
	}
	return false;
}

static bool read_port(const char *text, int *port)
{
	char *end;
	long value = strtol(text, &end, 10);
	*port = (int)value;
	return *text != '\0' && *end == '\0' && value >= 1 && value <= 65535;
}

static bool take_argument(const char *name, const char *value)
{
	if (strcmp(name, "proto") == 0) {
		wanted.proto = value;
		return strcmp(value, "tcp") == 0 || strcmp(value, "udp") == 0 || strcmp(value, "sctp") == 0;
	}
	if (strcmp(name, "host-ip") == 0)
		return read_address(value, wanted.host_ip);
	if (strcmp(name, "container-ip") == 0)
		return read_address(value, wanted.container_ip);
	if (strcmp(name, "host-port") == 0)
		return read_port(value, &wanted.host_port);
	return strcmp(name, "container-port") == 0 && read_port(value, &wanted.container_port);
}

/* As Go's flag package takes them: -name value, --name value, -name=value. */
static void read_arguments(int count, char **arguments)
{
	wanted.proto = "tcp";
	for (int i = 1; i < count; i++) {
		char name[32], problem[128];
		const char *begin = arguments[i] + strspn(arguments[i], "-");
		size_t length = strcspn(begin, "=");
		snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), begin);
		if (strcmp(name, "use-listen-fd") == 0) {
			wanted.use_listen_fd = strcmp(begin + length, "=false") != 0;
			continue;
		}
		if (strcmp(name, "v") == 0 || strcmp(name, "version") == 0) {
			puts("port-proxy of mobyvm");
			exit(0);
		}
		const char *value = begin[length] == '=' ? begin + length + 1 : i + 1 < count ? arguments[++i] : "";
		if (!take_argument(name, value)) {
			snprintf(problem, sizeof problem, "port-proxy: -%s cannot be \"%.40s\"", name, value);
			fputs(problem, stderr);
			fail(problem);
		}
	}
	if (*wanted.host_ip == '\0' || *wanted.container_ip == '\0' || !wanted.host_port || !wanted.container_port)
		fail("port-proxy: -host-ip, -host-port, -container-ip and -container-port are needed");
}

/* --- the conversation with the host --------------------------------------------------------------------------------- */

static int dial(int64_t until)
{
	const char *port = getenv("MOBYVM_PORT_HOST_PORT");
	struct sockaddr_in host = { .sin_family = AF_INET, .sin_port = htons(port != NULL ? (uint16_t)atoi(port) : HOST_PORT) };
	int on = 1, idle = 15, interval = 5, count = 3, error = 0;
	socklen_t length = sizeof error;
	inet_pton(AF_INET, gateway, &host.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* A host that disappeared silently (the VM was saved) is noticed within half a minute. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
	if (connect(fd, (struct sockaddr *)&host, sizeof host) == 0)
		return fd;
	if (errno == EINPROGRESS) {
		if (wait_for(fd, POLLOUT, until) == 0)
			error = is_ended ? EINTR : ETIMEDOUT;
		else
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error == 0)
			return fd;
		errno = error;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool send_request(int fd, bool is_renewal)
{
	char line[LINE_BYTES], relay_member[32] = "";
	if (relay.port != 0)
		snprintf(relay_member, sizeof relay_member, ",\"relayPort\":%d", relay.port);
	int length = snprintf(line, sizeof line,
		"{\"op\":\"expose\",\"token\":\"%s\",\"renew\":%s,\"proto\":\"%s\",\"hostIp\":\"%s\",\"hostPort\":%d,"
		"\"containerIp\":\"%s\",\"containerPort\":%d%s}\n",
		token, is_renewal ? "true" : "false", wanted.proto, wanted.host_ip, wanted.host_port,
		wanted.container_ip, wanted.container_port, relay_member);
	return send(fd, line, (size_t)length, MSG_NOSIGNAL) == length;
}

/* One line, without its end; false when the host closes before, is silent or says too much. */
static bool read_line(int fd, char *line, size_t size, int64_t until)
{
	size_t length = 0;
	while (length + 1 < size && wait_for(fd, POLLIN, until) > 0) {
		ssize_t count = read(fd, line + length, size - 1 - length);
		if (count <= 0)
			return false;
		length += (size_t)count;
		line[length] = '\0';
		char *end = strchr(line, '\n');
		if (end != NULL) {
			*end = '\0';
			return true;
		}
	}
	return false;
}

/* The reason in {"ok":false,"error":"…"}, in place; the host escapes nothing but \" and \\. */
static const char *reason_in(char *answer)
{
	char *from = strstr(answer, "\"error\":\""), *to = answer;
	if (from == NULL)
		return "the host's answer is not understood";
	for (from += 9; *from != '\0' && *from != '"'; from++) {
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return answer;
}

enum outcome { GRANTED, NEEDS_RELAY, REFUSED, NO_ANSWER };

/* Asks once. GRANTED: *connection holds the port. REFUSED: *reason says why. NO_ANSWER: errno says why. */
static enum outcome ask(bool is_renewal, int64_t until, int *connection, const char **reason)
{
	static char answer[ANSWER_BYTES];
	enum outcome outcome = NO_ANSWER;
	int fd = dial(until);
	if (fd < 0)
		return NO_ANSWER;
	if (!send_request(fd, is_renewal) || !read_line(fd, answer, sizeof answer, until)) {
		close(fd);
		errno = ECONNRESET;
		return NO_ANSWER;
	}
	if (strstr(answer, "\"ok\":true") != NULL) {
		*connection = fd;
		is_hairpin_allowed = strstr(answer, "\"hairpin\":true") != NULL;
		return GRANTED;
	}
	outcome = strstr(answer, "\"relay\":true") != NULL ? NEEDS_RELAY : REFUSED;
	if (outcome == REFUSED)
		*reason = reason_in(answer);
	close(fd);
	return outcome;
}

/* --- what begins in the guest ---------------------------------------------------------------------------------------- */

static bool is_tcp(void)
{
	return strcmp(wanted.proto, "tcp") == 0;
}

static void become_docker_proxy(char **arguments)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(docker_proxy(), arguments);
}

/* Without a place in the guest the port still is the host's. */
static void serve_guest(void)
{
	int given = wanted.use_listen_fd ? LISTENER : -1;
	if (is_of_guest(wanted.host_ip))
		served[LOCAL].fd = open_local(is_tcp(), wanted.host_ip, wanted.host_port, given);
	else if (given >= 0 && is_tcp())
		shutdown(given, SHUT_RD);
	served[RELAY].fd = relay.socket;
}

/* The address of the host at which containers find the port; NULL if at none. */
static const char *hairpin_address(void)
{
	if (!is_hairpin_allowed || strchr(wanted.host_ip, ':') != NULL || strcmp(wanted.proto, "sctp") == 0)
		return NULL;
	if (strcmp(wanted.host_ip, "0.0.0.0") == 0 || strcmp(wanted.host_ip, "127.0.0.1") == 0)
		return gateway;
	return is_of_guest(wanted.host_ip) ? NULL : wanted.host_ip;
}

/* After each answer of the host, which may have changed its mind. */
static void serve_hairpin(void)
{
	const char *address = hairpin_address();
	if ((address != NULL) == (hairpin.socket >= 0))
		return;
	if (address == NULL) {
		close_hairpin(is_tcp(), hairpin);
		hairpin.socket = -1;
	} else {
		hairpin = open_hairpin(is_tcp(), address, wanted.host_port, second_address);
	}
	served[HAIRPIN].fd = hairpin.socket;
}

/* One for each connection; one for all datagrams. */
static void start_carrier(int which)
{
	struct destination container = { wanted.container_ip, wanted.container_port };
	pid_t parent = getpid();
	sigset_t none;
	int client = is_tcp() ? accept4(served[which].fd, NULL, NULL, SOCK_NONBLOCK) : -1;
	if (is_tcp() && client < 0)
		return;
	pid_t carrier = fork();
	if (carrier != 0 && client >= 0)
		close(client);
	if (carrier > 0 && is_tcp())
		connections_carried++;
	else if (carrier > 0)
		served[which].datagram_carrier = carrier;
	if (carrier != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (is_tcp())
		carry_connection(client, container);
	carry_datagrams(served[which].fd, container);
}

static void reap_carriers(void)
{
	for (pid_t ended; (ended = waitpid(-1, NULL, WNOHANG)) > 0;) {
		if (is_tcp())
			connections_carried--;
		for (int i = 0; i < SERVED; i++)
			if (served[i].datagram_carrier == ended)
				served[i].datagram_carrier = 0;
	}
}

/* As wait_for; what comes to be carried meanwhile gets its carrier. */
static int wait_and_serve(int fd, int64_t until)
{
	struct pollfd waited[SERVED + 1] = { { .fd = fd, .events = POLLIN } };
	int64_t left = until - now_ms();
	struct timespec timeout = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
	sigset_t none;
	for (int i = 0; i < SERVED; i++) {
		bool is_free = is_tcp() ? connections_carried < MAX_CARRIED : served[i].datagram_carrier == 0;
		waited[i + 1] = (struct pollfd){ .fd = is_free ? served[i].fd : -1, .events = POLLIN };
	}
	if (left <= 0)
		timeout = (struct timespec){ 0, 0 };
	sigemptyset(&none);
	if (ppoll(waited, SERVED + 1, until < 0 ? NULL : &timeout, &none) <= 0)
		return 0;
	for (int i = 0; i < SERVED; i++)
		if (waited[i + 1].revents != 0)
			start_carrier(i);
	return waited[0].revents != 0;
}

/* --- a port's life -------------------------------------------------------------------------------------------------- */

static void need_relay(void)
{
	if (strcmp(wanted.proto, "sctp") == 0)
		return; /* The host refuses it. */
	struct destination container = { wanted.container_ip, wanted.container_port };
	relay = open_relay(wanted.proto, second_address, strchr(wanted.host_ip, ':') != NULL, container);
	if (relay.port == 0)
		fail("port-proxy: the guest has no free relay port");
}

/* From here on the host has the port, or its reason is reported and the program exits. */
static int publish(void)
{
	int64_t until = now_ms() + ANSWER_MS;
	int connection = -1;
	const char *reason = "";
	char problem[160];
	if (strcmp(wanted.host_ip, "0.0.0.0") != 0 && strcmp(wanted.host_ip, "::") != 0)
		need_relay();
	for (;;) {
		enum outcome outcome = ask(false, until, &connection, &reason);
		if (outcome == GRANTED)
			break;
		if (is_ended)
			fail("interrupted");
		if (outcome == REFUSED)
			fail(reason);
		if (outcome == NEEDS_RELAY && relay.port == 0) {
			need_relay();
			continue;
		}
		if (now_ms() + RETRY_MS >= until) {
			snprintf(problem, sizeof problem, "mobyvm's host does not answer (%s): see `mobyvm status`", strerror(errno));
			fail(problem);
		}
		wait_for(-1, 0, now_ms() + RETRY_MS);
	}
	return connection;
}

/* Gives the port back, and waits until the host has: dockerd may give it to the next container then. */
static _Noreturn void release(int connection)
{
	static const char message[] = "{\"op\":\"release\"}\n";
	char rest[64];
	int64_t until = now_ms() + RELEASE_MS;
	/* dockerd may start the next container with this port at once. */
	close_hairpin(is_tcp(), hairpin);
	served[HAIRPIN].fd = -1;
	for (int i = 0; i < SERVED; i++)
		if (served[i].fd >= 0)
			close(served[i].fd);
	if (connection >= 0 && send(connection, message, sizeof message - 1, MSG_NOSIGNAL) > 0)
		while (now_ms() < until)
			if (wait_for(connection, POLLIN, until) > 0 && read(connection, rest, sizeof rest) <= 0)
				break;
	if (relay.port != 0)
		close_relay(wanted.proto, relay);
	exit(0);
}

static _Noreturn void hold(int connection)
{
	int64_t next_try = 0;
	int backoff = BACKOFF_MS;
	char rest[256];
	for (;;) {
		if (is_ended)
			release(connection);
		reap_carriers();
		if (connection < 0 && now_ms() >= next_try) {
			const char *reason;
			read_surroundings();
			if (ask(true, now_ms() + ANSWER_MS, &connection, &reason) == GRANTED) {
				backoff = BACKOFF_MS;
				serve_hairpin();
			} else {
				connection = -1;
				/* Hundreds of us lost the host at the same moment: not all come back at the same moment. */
				next_try = now_ms() + backoff + getpid() % 251;
				backoff = backoff * 2 > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS : backoff * 2;
			}
			continue;
		}
		if (wait_and_serve(connection, connection < 0 ? next_try : -1) > 0 && read(connection, rest, sizeof rest) <= 0) {
			close(connection);
			connection = -1;
			next_try = now_ms() + getpid() % 251;
		}
	}
}

static void prepare_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	static const int numbers[] = { SIGINT, SIGTERM, SIGCHLD };
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		sigaddset(&blocked, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

int main(int count, char **arguments)
{
	read_arguments(count, arguments);
	if (!read_surroundings()) {
		become_docker_proxy(arguments);
		fail("docker-proxy cannot be started");
	}
	signal(SIGPIPE, SIG_IGN);
	prepare_signals();
	fcntl(VERDICT, F_SETFD, FD_CLOEXEC);
	if (wanted.use_listen_fd)
		fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
	int connection = publish();
	serve_guest();
	serve_hairpin();
	say("0\n");
	/* dockerd waits for the end of this; the number stays taken, so that nothing else gets it. */
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing >= 0 && nothing != VERDICT) {
		dup3(nothing, VERDICT, O_CLOEXEC);
		close(nothing);
	}
	hold(connection);
}
