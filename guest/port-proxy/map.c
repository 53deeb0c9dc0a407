/*
 * The messages are those of linux/netfilter/nf_tables.h and linux/netfilter/nfnetlink.h, whose constants are repeated here
 * because musl's headers lack them: one transaction with one element.
 */
#define _GNU_SOURCE
#include "map.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	NETLINK_NETFILTER = 12,
	IS_REQUEST = 0x1, WANTS_ACK = 0x4, IS_EXCLUSIVE = 0x200, IS_CREATE = 0x400,
	MESSAGE_ERROR = 2, BATCH_BEGIN = 16, BATCH_END = 17,
	NF_TABLES = 10, NEW_ELEMENT = NF_TABLES << 8 | 12, DELETE_ELEMENT = NF_TABLES << 8 | 14,
	FAMILY_ANY = 0, FAMILY_IPV4 = 2,
	LIST_TABLE = 1, LIST_SET = 2, LIST_ELEMENTS = 3, LIST_ITEM = 1, ELEMENT_KEY = 1, ELEMENT_DATA = 2, DATA_VALUE = 1,
	IS_NESTED = 0x8000,
	PATIENCE_SECONDS = 5,
};

struct message_head {
	uint32_t length;
	uint16_t type, flags;
	uint32_t sequence, sender;
	uint8_t family, version;
	uint16_t resource;
};

struct attribute {
	uint16_t length, type;
};

struct packet {
	size_t length;
	_Alignas(4) uint8_t bytes[512];
};

static size_t begin_message(struct packet *packet, uint16_t type, uint16_t flags, uint8_t family)
{
	size_t at = packet->length;
	struct message_head head = { .type = type, .flags = flags, .sequence = type, .family = family,
		.resource = htons(family == FAMILY_ANY ? NF_TABLES : 0) };
	memcpy(packet->bytes + at, &head, sizeof head);
	packet->length += sizeof head;
	return at;
}

static void end_message(struct packet *packet, size_t at)
{
	uint32_t length = (uint32_t)(packet->length - at);
	memcpy(packet->bytes + at, &length, sizeof length);
}

static size_t begin_attribute(struct packet *packet, uint16_t type)
{
	size_t at = packet->length;
	struct attribute head = { 0, type };
	memcpy(packet->bytes + at, &head, sizeof head);
	packet->length += sizeof head;
	return at;
}

/* The next one begins at a multiple of four bytes. */
static void end_attribute(struct packet *packet, size_t at)
{
	uint16_t length = (uint16_t)(packet->length - at);
	memcpy(packet->bytes + at, &length, sizeof length);
	packet->length = (packet->length + 3) & ~(size_t)3;
}

static void add_attribute(struct packet *packet, uint16_t type, const void *value, size_t length)
{
	size_t at = begin_attribute(packet, type);
	memcpy(packet->bytes + packet->length, value, length);
	packet->length += length;
	end_attribute(packet, at);
}

static void add_value(struct packet *packet, uint16_t type, const struct map_key *value)
{
	size_t at = begin_attribute(packet, type | IS_NESTED);
	add_attribute(packet, DATA_VALUE, value->bytes, value->length);
	end_attribute(packet, at);
}

/* 0, or the error that the kernel reports for the message of this type. */
static int outcome_of(int fd, uint16_t type)
{
	_Alignas(4) uint8_t bytes[1024];
	for (;;) {
		ssize_t count = recv(fd, bytes, sizeof bytes, 0);
		struct message_head head;
		int32_t error;
		if (count < 0 && errno == EINTR)
			continue;
		/* The error follows 16 bytes of head; `family` and what is behind it are part of it. */
		if (count < 20)
			return EIO;
		memcpy(&head, bytes, sizeof head);
		memcpy(&error, bytes + 16, sizeof error);
		if (head.type == MESSAGE_ERROR && (head.sequence == type || error != 0))
			return -error;
	}
}

static bool change(uint16_t type, uint16_t flags, const char *map, const struct map_key *key, const struct map_key *data)
{
	static const char table[] = "mobyvm_relay";
	struct packet packet = { .length = 0 };
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	end_message(&packet, begin_message(&packet, BATCH_BEGIN, IS_REQUEST, FAMILY_ANY));
	size_t message = begin_message(&packet, type, IS_REQUEST | WANTS_ACK | flags, FAMILY_IPV4);
	add_attribute(&packet, LIST_TABLE, table, sizeof table);
	add_attribute(&packet, LIST_SET, map, strlen(map) + 1);
	size_t list = begin_attribute(&packet, LIST_ELEMENTS | IS_NESTED);
	size_t element = begin_attribute(&packet, LIST_ITEM | IS_NESTED);
	add_value(&packet, ELEMENT_KEY, key);
	if (data != NULL)
		add_value(&packet, ELEMENT_DATA, data);
	end_attribute(&packet, element);
	end_attribute(&packet, list);
	end_message(&packet, message);
	end_message(&packet, begin_message(&packet, BATCH_END, IS_REQUEST, FAMILY_ANY));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	bool is_done = send(fd, packet.bytes, packet.length, 0) == (ssize_t)packet.length && outcome_of(fd, type) == 0;
	close(fd);
	return is_done;
}

struct map_key port_key(int port)
{
	return (struct map_key){ { (uint8_t)(port >> 8), (uint8_t)port }, 2 };
}

/* Each part of a concatenation takes a multiple of four bytes. */
struct map_key address_key(const char *address, int port)
{
	struct map_key key = { { 0 }, 8 };
	if (inet_pton(AF_INET, address, key.bytes) != 1)
		key.length = 0;
	key.bytes[4] = (uint8_t)(port >> 8);
	key.bytes[5] = (uint8_t)port;
	return key;
}

bool create_element(const char *map, struct map_key key, struct destination to)
{
	struct map_key data = address_key(to.address, to.port);
	return key.length > 0 && data.length > 0 && change(NEW_ELEMENT, IS_CREATE | IS_EXCLUSIVE, map, &key, &data);
}

void delete_element(const char *map, struct map_key key)
{
	if (key.length > 0)
		change(DELETE_ELEMENT, 0, map, &key, NULL);
}
