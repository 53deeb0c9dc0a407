/* http-answer PORT: answers every request with the same 128 bytes, as fast as one thread can; the benchmark's server. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char keep[] = "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nContent-Type: text/plain\r\n\r\n"
	"0123456789012345678901234567890123456789012345678901234567890123";
static const char closing[] = "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nConnection: close\r\n\r\n"
	"0123456789012345678901234567890123456789012345678901234567890123";

int main(int count, char **arguments)
{
	static char buffer[16384];
	struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(count > 1 ? arguments[1] : "80")) };
	int on = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = server }, events[256];
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(server, (struct sockaddr *)&place, sizeof place) || listen(server, 4096))
		return 1;
	epoll_ctl(poll, EPOLL_CTL_ADD, server, &event);
	for (;;) {
		int ready = epoll_wait(poll, events, 256, -1);
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			if (fd == server) {
				while ((fd = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
					setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
					event.data.fd = fd;
					epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
				}
				continue;
			}
			ssize_t length = read(fd, buffer, sizeof buffer - 1);
			int is_over = length <= 0;
			if (!is_over) {
				buffer[length] = '\0';
				is_over = strcasestr(buffer, "connection: close") != NULL;
				const char *answer = is_over ? closing : keep;
				if (write(fd, answer, strlen(answer)) < 0)
					is_over = 1;
			}
			if (is_over)
				close(fd);
		}
	}
}
