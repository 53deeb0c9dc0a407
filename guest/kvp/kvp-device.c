/*
 * kvp-device PORT          serves /dev/vmbus/hv_kvp over the virtio-serial port of that name, until it is ended
 * kvp-device --check PORT  checks that the port exists: exit status 0, or 1 with a message
 *
 * On Hyper-V the kernel's driver creates /dev/vmbus/hv_kvp, and hv_kvp_daemon serves the host's key-value requests through
 * it. On QEMU this program provides a file of the same name, so that the daemon runs unmodified: it mounts a FUSE file system
 * with that one file on /dev/vmbus (the kernel's protocol at /dev/fuse, linux/fuse.h; no library). CUSE would make a real
 * device, but Alpine's kernels lack it, and the daemon needs only open, read, write and poll. The port carries
 * struct hv_kvp_msg (linux/hyperv.h), 7,432 bytes each way, without any framing.
 *
 * As the kernel's driver does (drivers/hv/hv_kvp.c, hv_utils_transport.c): one opener at a time, others get EBUSY; a
 * message is read and written whole; a request that comes while no daemon is registered, or that the daemon leaves
 * unanswered for 30 s, is answered with HV_E_FAIL.
 *
 * Requests are served one at a time; simultaneous ones are queued. The host sends nothing for 600 ms after connecting, which
 * makes it possible to detect what the port does not report:
 *  - no byte for 500 ms within a frame: its sender died, and the partial frame is dropped;
 *  - POLLHUP, or a frame 500 ms after an unanswered one: the host disconnected in between (a quick reconnection is not visible
 *    otherwise), and the answer to the pending request is dropped;
 *  - a frame that is not a request: it starts with bytes of an incomplete one. All input is dropped until 200 ms pass without
 *    a byte, then the request is refused, and the next frame is in sync again. (This also keeps pool numbers above 4 from the
 *    daemon, which would crash.)
 * A late answer, after 30 s or a disconnection, must not be mistaken for that of the next request: it is dropped.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <linux/hyperv.h>

enum {
	FRAME_BYTES = sizeof(struct hv_kvp_msg),
	ANSWER_MS = 30000,     /* HV_UTIL_TIMEOUT of the kernel's driver */
	SILENCE_MS = 500,      /* the host keeps silent for longer when it has connected */
	OUT_OF_STEP_MS = 200,
	HUNG_UP_LOOK_MS = 250, /* POLLHUP stays raised while the host is away: looked at now and then, and at SIGIO */
	PORT_WAIT_MS = 1000,   /* the driver may still be naming its ports when we start */
	PORT_LOOK_MS = 20,
	MAX_WRITE_BYTES = 65536,
	FUSE_BUFFER_BYTES = MAX_WRITE_BYTES + 8192,
	FOREVER_SECONDS = 1000000000, /* how long the kernel may remember what never changes */
	FILE_ID = FUSE_ROOT_ID + 1,
};
_Static_assert(FRAME_BYTES == 7432, "the frame is what the host sends");

static const char FOLDER[] = "/dev/vmbus";
static const char FILE_NAME[] = "hv_kvp";

static int fuse = -1;
static int port = -1;

/* The daemon's side. */
static bool is_open;
static bool is_registered;
static struct hv_kvp_msg for_daemon;
static bool daemon_has_message; /* for_daemon has not been read yet */
static bool swallow_answer;     /* the daemon is working on a request whose sender has gone */
static uint64_t blocked_read;   /* FUSE's id of a read that waits for a message; 0: none */
static uint32_t blocked_read_bytes;
static uint64_t poll_handle;
static bool poll_is_armed;

/* The host's side. */
static bool host_is_there = true;
static bool host_waits; /* a request of the host has not been answered yet */
static int64_t request_at;
static uint8_t received[FRAME_BYTES] __attribute__((aligned(8)));
static size_t received_bytes;
static int64_t received_at;
static bool is_out_of_step; /* what comes is dropped */
static struct hv_kvp_msg for_host;
static size_t unsent_bytes; /* the last so many bytes of for_host */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void die(const char *what)
{
	fprintf(stderr, "kvp-device: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- the host's side: the port --------------------------------------------------------------------------------------- */

/* The port does not block: a host that is away or does not read must not stop the daemon's side. */
static void send_rest(void)
{
	const uint8_t *end = (const uint8_t *)&for_host + FRAME_BYTES;

	while (unsent_bytes > 0) {
		ssize_t n = write(port, end - unsent_bytes, unsent_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* EAGAIN: poll reports when to continue, or that the host has gone */
		unsent_bytes -= (size_t)n;
	}
}

static void answer_host(const struct hv_kvp_msg *message)
{
	host_waits = false;
	for_host = *message;
	unsent_bytes = FRAME_BYTES;
	send_rest();
}

static void refuse_host(void)
{
	struct hv_kvp_msg message;

	memset(&message, 0, sizeof message);
	message.error = (int)HV_E_FAIL;
	answer_host(&message);
}

/* Nobody waits for the open request any more. If the daemon has it already, an answer will come. */
static void forget_request(void)
{
	if (!host_waits)
		return;
	host_waits = false;
	if (daemon_has_message)
		daemon_has_message = false;
	else
		swallow_answer = true;
}

static void give_daemon_its_message(void);

static void take_request(void)
{
	if (!is_registered) {
		refuse_host();
		return;
	}
	memcpy(&for_daemon, received, FRAME_BYTES);
	daemon_has_message = true;
	host_waits = true;
	request_at = now_ms();
	if (!swallow_answer)
		give_daemon_its_message();
}

static bool is_request(const struct hv_kvp_msg *message)
{
	uint32_t key_bytes = 1, value_bytes = 0;

	switch (message->kvp_hdr.operation) {
	case KVP_OP_GET_IP_INFO:
	case KVP_OP_SET_IP_INFO:
		return true;
	case KVP_OP_SET:
		key_bytes = message->body.kvp_set.data.key_size;
		value_bytes = message->body.kvp_set.data.value_size;
		break;
	case KVP_OP_GET:
		key_bytes = message->body.kvp_get.data.key_size;
		break;
	case KVP_OP_DELETE:
		key_bytes = message->body.kvp_delete.key_size;
		break;
	case KVP_OP_ENUMERATE:
		break;
	default:
		return false;
	}
	return message->kvp_hdr.pool < KVP_POOL_COUNT && key_bytes > 0 && key_bytes <= HV_KVP_EXCHANGE_MAX_KEY_SIZE &&
	       value_bytes <= HV_KVP_EXCHANGE_MAX_VALUE_SIZE;
}

/* A whole frame has come: is it its turn? */
static void consider_frame(void)
{
	if (received_bytes < FRAME_BYTES || unsent_bytes > 0)
		return;
	if (host_waits) {
		if (received_at - request_at <= SILENCE_MS)
			return;
		forget_request();
	}
	received_bytes = 0;
	if (is_request((const struct hv_kvp_msg *)received))
		take_request();
	else
		is_out_of_step = true;
}

static void look_for_step(void)
{
	if (!is_out_of_step || now_ms() - received_at < OUT_OF_STEP_MS)
		return;
	is_out_of_step = false;
	refuse_host();
}

static void host_hung_up(void)
{
	host_is_there = false;
	is_out_of_step = false;
	received_bytes = 0;
	unsent_bytes = 0;
	forget_request();
	/* What it sent before is of no use to the next one. */
	while (read(port, received, FRAME_BYTES) > 0)
		;
}

static void read_port(void)
{
	ssize_t n;

	if (received_bytes > 0 && now_ms() - received_at > SILENCE_MS)
		received_bytes = 0;
	n = read(port, received + received_bytes, FRAME_BYTES - received_bytes);
	if (n == 0)
		host_hung_up();
	if (n <= 0)
		return;
	received_at = now_ms();
	if (!is_out_of_step)
		received_bytes += (size_t)n;
}

/* --- the daemon's side: the device ----------------------------------------------------------------------------------- */

static void reply(uint64_t id, int error, const void *body, size_t bytes)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof header + bytes), .error = -error, .unique = id };
	struct iovec parts[2] = { { &header, sizeof header }, { (void *)body, bytes } };

	/* ENOENT: the caller was interrupted meanwhile. */
	if (writev(fuse, parts, bytes > 0 ? 2 : 1) < 0 && errno != ENOENT)
		perror("kvp-device: reply");
}

static void wake_poller(void)
{
	struct fuse_notify_poll_wakeup_out wakeup = { .kh = poll_handle };
	struct fuse_out_header header = { .len = sizeof header + sizeof wakeup, .error = FUSE_NOTIFY_POLL };
	struct iovec parts[2] = { { &header, sizeof header }, { &wakeup, sizeof wakeup } };

	poll_is_armed = false;
	if (writev(fuse, parts, 2) < 0 && errno != ENOENT)
		perror("kvp-device: wake");
}

static void give_daemon_its_message(void)
{
	uint64_t id = blocked_read;

	if (!daemon_has_message)
		return;
	if (id == 0) {
		if (poll_is_armed)
			wake_poller();
		return;
	}
	blocked_read = 0;
	if (blocked_read_bytes < FRAME_BYTES) {
		reply(id, EINVAL, NULL, 0);
		return;
	}
	daemon_has_message = false;
	reply(id, 0, &for_daemon, FRAME_BYTES);
}

/* The daemon registers; it gets the driver's version, as text, in a message of the same kind. */
static int register_daemon(const struct hv_kvp_msg *message)
{
	uint8_t operation = message->kvp_hdr.operation;

	if (operation != KVP_OP_REGISTER && operation != KVP_OP_REGISTER1)
		return EINVAL;
	memset(&for_daemon, 0, sizeof for_daemon);
	for_daemon.kvp_hdr.operation = operation;
	strcpy((char *)for_daemon.body.kvp_register.version, "3.1");
	daemon_has_message = true;
	is_registered = true;
	give_daemon_its_message();
	return 0;
}

static int take_from_daemon(const void *data, size_t bytes)
{
	if (bytes != FRAME_BYTES)
		return EINVAL;
	if (!is_registered)
		return register_daemon(data);
	if (swallow_answer) {
		swallow_answer = false;
		give_daemon_its_message();
		return 0;
	}
	if (!host_waits || daemon_has_message)
		return EINVAL;
	answer_host(data);
	return 0;
}

static void forget_daemon(void)
{
	is_open = is_registered = swallow_answer = daemon_has_message = poll_is_armed = false;
	blocked_read = 0;
	if (host_waits)
		refuse_host();
}

static void initialize(const struct fuse_in_header *header, const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.max_write = MAX_WRITE_BYTES,
	};

	reply(header->unique, 0, &out, sizeof out);
}

static struct fuse_attr attributes_of(uint64_t id)
{
	return (struct fuse_attr){
		.ino = id,
		.mode = id == FUSE_ROOT_ID ? S_IFDIR | 0700 : S_IFREG | 0600,
		.nlink = id == FUSE_ROOT_ID ? 2 : 1,
		.blksize = 4096,
	};
}

static void look_up(const struct fuse_in_header *header, const char *name)
{
	struct fuse_entry_out out = {
		.nodeid = FILE_ID,
		.entry_valid = FOREVER_SECONDS,
		.attr_valid = FOREVER_SECONDS,
		.attr = attributes_of(FILE_ID),
	};

	if (header->nodeid == FUSE_ROOT_ID && strcmp(name, FILE_NAME) == 0)
		reply(header->unique, 0, &out, sizeof out);
	else
		reply(header->unique, ENOENT, NULL, 0);
}

static void tell_attributes(const struct fuse_in_header *header)
{
	struct fuse_attr_out out = { .attr_valid = FOREVER_SECONDS, .attr = attributes_of(header->nodeid) };

	reply(header->unique, 0, &out, sizeof out);
}

static void open_device(const struct fuse_in_header *header)
{
	struct fuse_open_out out = { .fh = 1, .open_flags = FOPEN_DIRECT_IO | FOPEN_STREAM };

	if (is_open) {
		reply(header->unique, EBUSY, NULL, 0);
		return;
	}
	is_open = true;
	reply(header->unique, 0, &out, sizeof out);
}

/* A message that is behind an answer to be swallowed is not shown yet: the daemon answers one before it reads the next. */
static bool can_be_read(void)
{
	return daemon_has_message && !swallow_answer;
}

static void read_device(const struct fuse_in_header *header, const struct fuse_read_in *in)
{
	if (!can_be_read() && (in->flags & O_NONBLOCK)) {
		reply(header->unique, EAGAIN, NULL, 0);
		return;
	}
	blocked_read = header->unique;
	blocked_read_bytes = in->size;
	if (can_be_read())
		give_daemon_its_message();
}

static void write_device(const struct fuse_in_header *header, const struct fuse_write_in *in)
{
	struct fuse_write_out out = { .size = in->size };
	int error = take_from_daemon(in + 1, in->size);

	if (error)
		reply(header->unique, error, NULL, 0);
	else
		reply(header->unique, 0, &out, sizeof out);
}

static void poll_device(const struct fuse_in_header *header, const struct fuse_poll_in *in)
{
	struct fuse_poll_out out = { .revents = can_be_read() ? POLLIN | POLLRDNORM : 0 };

	if (in->flags & FUSE_POLL_SCHEDULE_NOTIFY) {
		poll_handle = in->kh;
		poll_is_armed = true;
	}
	reply(header->unique, 0, &out, sizeof out);
}

static void interrupt_device(const struct fuse_interrupt_in *in)
{
	if (blocked_read == 0 || in->unique != blocked_read)
		return;
	blocked_read = 0;
	reply(in->unique, EINTR, NULL, 0);
}

static void serve_device(void)
{
	static const struct fuse_statfs_out no_blocks;
	static uint64_t buffer[FUSE_BUFFER_BYTES / sizeof(uint64_t)];
	const struct fuse_in_header *header = (const void *)buffer;
	const void *body = header + 1;
	ssize_t n = read(fuse, buffer, sizeof buffer);

	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
		return;
	if (n < (ssize_t)sizeof *header)
		die("/dev/fuse");
	switch (header->opcode) {
	case FUSE_INIT:
		initialize(header, body);
		break;
	case FUSE_LOOKUP:
		look_up(header, body);
		break;
	case FUSE_GETATTR:
		tell_attributes(header);
		break;
	case FUSE_OPEN:
		open_device(header);
		break;
	case FUSE_STATFS:
		reply(header->unique, 0, &no_blocks, sizeof no_blocks);
		break;
	case FUSE_READDIR: /* the file is only found by its name */
		reply(header->unique, 0, NULL, 0);
		break;
	case FUSE_RELEASE:
		forget_daemon();
		reply(header->unique, 0, NULL, 0);
		break;
	case FUSE_READ:
		read_device(header, body);
		break;
	case FUSE_WRITE:
		write_device(header, body);
		break;
	case FUSE_POLL:
		poll_device(header, body);
		break;
	case FUSE_INTERRUPT: /* is not answered itself */
		interrupt_device(body);
		break;
	case FUSE_FORGET: /* likewise */
	case FUSE_BATCH_FORGET:
		break;
	default:
		reply(header->unique, ENOSYS, NULL, 0);
	}
}

/* --- start and main loop --------------------------------------------------------------------------------------------- */

/* Says which port's name file reads NAME, as a path in /dev. Does not open it: QEMU would hand over a waiting frame. */
static bool look_for_port(const char *name, char *path, size_t path_bytes)
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	char text[128];
	bool is_found = false;

	while (ports && !is_found && (entry = readdir(ports))) {
		int file;
		ssize_t n;

		snprintf(path, path_bytes, "/sys/class/virtio-ports/%s/name", entry->d_name);
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			continue;
		n = read(file, text, sizeof text - 1);
		close(file);
		text[n < 0 ? 0 : n] = 0;
		text[strcspn(text, "\n")] = 0;
		is_found = strcmp(text, name) == 0;
		snprintf(path, path_bytes, "/dev/%s", entry->d_name);
	}
	if (ports)
		closedir(ports);
	return is_found;
}

static void find_port(const char *name, char *path, size_t path_bytes)
{
	struct timespec pause = { .tv_nsec = PORT_LOOK_MS * 1000000L };
	int64_t deadline = now_ms() + PORT_WAIT_MS;

	while (!look_for_port(name, path, path_bytes)) {
		if (now_ms() >= deadline) {
			fprintf(stderr, "kvp-device: the machine has no virtio-serial port named %s\n", name);
			exit(1);
		}
		nanosleep(&pause, NULL);
	}
}

/* How long poll may sleep: -1 means forever. */
static int sleep_ms(void)
{
	int64_t left;

	if (!host_is_there)
		return HUNG_UP_LOOK_MS;
	if (is_out_of_step)
		left = received_at + OUT_OF_STEP_MS - now_ms();
	else if (host_waits)
		left = request_at + ANSWER_MS - now_ms();
	else
		return -1;
	return left > 0 ? (int)left : 0;
}

static void look_for_host(void)
{
	struct pollfd p = { .fd = port, .events = POLLIN };

	if (poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP))
		host_is_there = true;
}

/* ppoll lets SIGIO through, and ends by it. */
static void sleep_until_something(struct pollfd *p, nfds_t count)
{
	sigset_t none;
	int ms = sleep_ms();
	struct timespec limit = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	sigemptyset(&none);
	if (ppoll(p, count, ms < 0 ? NULL : &limit, &none) < 0 && errno != EINTR)
		die("poll");
}

static void serve(void)
{
	struct pollfd p[2] = { { .fd = fuse, .events = POLLIN }, { .fd = host_is_there ? port : -1 } };

	/* A whole frame that waits for its turn keeps the next one in the port. */
	if (received_bytes < FRAME_BYTES)
		p[1].events |= POLLIN;
	if (unsent_bytes > 0)
		p[1].events |= POLLOUT;
	sleep_until_something(p, 2);
	if (p[0].revents & (POLLERR | POLLHUP))
		exit(1);
	if (p[0].revents & POLLIN)
		serve_device();

	if (!host_is_there)
		look_for_host();
	else if (p[1].revents & POLLHUP)
		host_hung_up();
	else {
		if (p[1].revents & POLLOUT)
			send_rest();
		if (p[1].revents & POLLIN)
			read_port();
	}

	if (host_waits && now_ms() >= request_at + ANSWER_MS) {
		forget_request();
		refuse_host();
	}
	look_for_step();
	consider_frame();
}

static void nothing(int number)
{
	(void)number;
}

/* The port's driver sends SIGIO when the host comes or goes (and when bytes come). */
static void ask_for_signals(void)
{
	struct sigaction action = { .sa_handler = nothing };
	sigset_t io;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGIO, &action, NULL);
	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	sigprocmask(SIG_BLOCK, &io, NULL);
	if (fcntl(port, F_SETOWN, getpid()) < 0 || fcntl(port, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		die("SIGIO");
}

/* The mount outlives its server, which may have been killed: no access to it succeeds from then on. */
static void mount_device(void)
{
	char options[100];

	while (umount2(FOLDER, MNT_DETACH) == 0)
		;
	if (mkdir(FOLDER, 0700) < 0 && errno != EEXIST)
		die(FOLDER);
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse < 0)
		die("/dev/fuse");
	snprintf(options, sizeof options, "fd=%d,rootmode=%o,user_id=0,group_id=0", fuse, S_IFDIR | 0700);
	if (mount("kvp-device", FOLDER, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		die(FOLDER);
}

int main(int count, char **arguments)
{
	char path[300];

	if (count == 3 && strcmp(arguments[1], "--check") == 0) {
		find_port(arguments[2], path, sizeof path);
		return 0;
	}
	if (count != 2) {
		fputs("usage: kvp-device [--check] PORT\n", stderr);
		return 2;
	}
	find_port(arguments[1], path, sizeof path);
	port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (port < 0)
		die(path);
	ask_for_signals();
	mount_device();
	for (;;)
		serve();
}
