#define _GNU_SOURCE
#include "request.h"
#include <stddef.h>
#include <string.h>

static const char *const tables[] = { "filter", "nat", "mangle", "raw" };

static bool is_table(const char *name)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (strcmp(name, tables[i]) == 0)
			return true;
	return false;
}

/* Words that iptables-restore reads as they are, without quotes. */
static bool is_plain(const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.,:/!=+-";
	return *word != '\0' && word[strspn(word, plain)] == '\0';
}

/* Joins the words with blanks. */
static bool join(char **words, char *line)
{
	size_t used = 0;
	for (; *words != NULL; words++) {
		size_t length = strlen(*words);
		if (!is_plain(*words) || used + length + 2 > LINE_BYTES)
			return false;
		if (used > 0)
			line[used++] = ' ';
		memcpy(line + used, *words, length);
		used += length;
	}
	line[used] = '\0';
	return used > 0;
}

static bool is(const char *word, const char *wanted)
{
	return word != NULL && strcmp(word, wanted) == 0;
}

static enum operation operation_of(char **words)
{
	const char *option = words[0];
	bool has_chain = words[1] != NULL && words[1][0] != '-';
	bool has_more = has_chain && words[2] != NULL;
	if (is(option, "-L") && is(words[1], "-n") && words[2] == NULL)
		return CHECK_WAIT;
	if (is(option, "-n") && is(words[1], "-L") && words[2] != NULL && words[3] == NULL)
		return LIST_CHAIN;
	if (!has_chain)
		return OTHER;
	if (is(option, "-N") && !has_more)
		return NEW_CHAIN;
	if ((is(option, "-F") || is(option, "-X")) && !has_more)
		return EMPTY_CHAIN;
	if (is(option, "-P") && has_more && words[3] == NULL)
		return SET_POLICY;
	/* A rule's number: its place depends on what is in the chain. */
	if (has_more && words[2][0] >= '0' && words[2][0] <= '9')
		return OTHER;
	if (is(option, "-C"))
		return CHECK_RULE;
	if (is(option, "-D"))
		return DELETE_RULE;
	return is(option, "-A") || is(option, "-I") ? ADD_RULE : OTHER;
}

void read_request(char **arguments, struct request *request)
{
	char **words = arguments + 1;
	memset(request, 0, sizeof *request);
	request->operation = OTHER;
	request->table = "filter";
	if (is(words[0], "--wait"))
		words++;
	if (is(words[0], "-t")) {
		if (words[1] == NULL || !is_table(words[1]))
			return;
		request->table = words[1];
		words += 2;
	}
	if (words[0] == NULL || !join(words, request->line))
		return;
	request->operation = operation_of(words);
	request->chain = request->operation == LIST_CHAIN ? words[2] : words[1];
	if (request->operation >= CHECK_RULE && request->operation <= DELETE_RULE)
		request->rule = request->line + strlen(words[0]) + 1;
}
