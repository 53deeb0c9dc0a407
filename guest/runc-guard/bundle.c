#define _GNU_SOURCE
#include "bundle.h"
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_BYTES = 16 * 1024 * 1024 };

/* A reader of JSON (RFC 8259) that only ever goes forward; ends with a NUL. */
static const char *at;

static void skip_blanks(void)
{
	while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
		at++;
}

static bool take(char wanted)
{
	skip_blanks();
	if (*at != wanted)
		return false;
	at++;
	return true;
}

static int hex4(const char *text)
{
	int value = 0;
	for (int i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return -1;
		value = value * 16 + (isdigit((unsigned char)text[i]) ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10);
	}
	return value;
}

static char *put_utf8(char *to, uint32_t code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xf0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3f));
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

/* Text that is too long for the room is cut: nothing that is looked for is as long. */
static bool take_string(char *text, size_t room)
{
	char *to = text, *end = text + room - 5;
	if (!take('"'))
		return false;
	while (*at != '"') {
		uint32_t code = (unsigned char)*at;
		if (code == '\0')
			return false;
		if (code != '\\') {
			if (to < end)
				*to++ = *at;
			at++;
			continue;
		}
		static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
		const char *escape = at[1] != '\0' ? strchr(escapes, at[1]) : NULL;
		int unit = at[1] == 'u' ? hex4(at + 2) : 0;
		if (at[1] == '\0' || unit < 0)
			return false;
		code = at[1] == 'u' ? (uint32_t)unit : escape != NULL ? (unsigned char)meant[escape - escapes] : (unsigned char)at[1];
		at += at[1] == 'u' ? 6 : 2;
		if (code >= 0xd800 && code < 0xdc00 && at[0] == '\\' && at[1] == 'u' && hex4(at + 2) >= 0xdc00) {
			code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)hex4(at + 2) - 0xdc00);
			at += 6;
		}
		if (to < end)
			to = put_utf8(to, code);
	}
	at++;
	*to = '\0';
	return true;
}

static bool skip_value(int depth);

/* Each member of an object, or element of an array: the caller takes the value. */
static bool skip_members(char opening, char closing, int depth)
{
	char name[16];
	if (depth > MAX_DEPTH || !take(opening))
		return false;
	if (take(closing))
		return true;
	do {
		if (opening == '{' && (!take_string(name, sizeof name) || !take(':')))
			return false;
		if (!skip_value(depth + 1))
			return false;
	} while (take(','));
	return take(closing);
}

static bool skip_value(int depth)
{
	char text[16];
	skip_blanks();
	switch (*at) {
	case '{':
		return skip_members('{', '}', depth);
	case '[':
		return skip_members('[', ']', depth);
	case '"':
		return take_string(text, sizeof text);
	default: {
		size_t length = strspn(at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
		at += length;
		return length > 0;
	}
	}
}

static bool read_mount(void (*source)(const char *path))
{
	static char name[32], path[PATH_MAX + 8];
	if (!take('{'))
		return false;
	if (take('}'))
		return true;
	do {
		if (!take_string(name, sizeof name) || !take(':'))
			return false;
		skip_blanks();
		if (strcmp(name, "source") == 0 && *at == '"') {
			if (!take_string(path, sizeof path))
				return false;
			source(path);
		} else if (!skip_value(0)) {
			return false;
		}
	} while (take(','));
	return take('}');
}

static bool read_mounts(void (*source)(const char *path))
{
	if (!take('['))
		return false;
	if (take(']'))
		return true;
	do {
		if (!read_mount(source))
			return false;
	} while (take(','));
	return take(']');
}

void each_mount_source(const char *folder, void (*source)(const char *path))
{
	char path[PATH_MAX], name[32];
	snprintf(path, sizeof path, "%s/config.json", folder);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	char *text = malloc(MAX_BYTES + 1);
	size_t length = text != NULL ? fread(text, 1, MAX_BYTES, file) : 0;
	fclose(file);
	if (text == NULL)
		return;
	text[length] = '\0';
	at = text;
	bool has_more = take('{');
	while (has_more) {
		has_more = take_string(name, sizeof name) && take(':');
		if (has_more)
			has_more = strcmp(name, "mounts") == 0 ? read_mounts(source) : skip_value(0);
		has_more = has_more && take(',');
	}
	free(text);
}
