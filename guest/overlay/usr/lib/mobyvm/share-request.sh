# shellcheck shell=sh
# What the host wants to be mounted: requests mobyvm.share.ID (src/kvp/guest/share-request.codec.ts), and the items cifsmount
# and cifsumount. Both end in a folder with the files op, points, unc, user, domain, options, password. To be sourced.
#
# Every value is checked here again, although the host has: a comma would begin another option, a line end another point.

# Functions for awk. The variable folder says where the files go; problem() prints what is wrong, and ends.
SHARE_AWK='
	function problem(text) { print text; is_bad = 1; exit 1 }
	function is_plain(path) {
		return path ~ /^\/./ && path !~ /[[:cntrl:]]/ && path !~ /\/\// && path !~ /\/$/ &&
			(path "/") !~ /\/\.\.?\// && length(path) <= 4000
	}
	function is_unc(text) {
		return text ~ /^\/\/[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\/[^,\\]+$/ && is_plain(substr(text, 2)) && length(text) <= 2000
	}
	function is_name(text) { return text !~ /[[:cntrl:],]/ && length(text) <= 1024 }
	function is_option(text) {
		return text ~ /^[a-z][a-z0-9_]*(=[^,]*)?$/ && text !~ /[[:cntrl:]]/ && length(text) <= 1024 &&
			text !~ /^(pass|cred|user|dom|workgroup|unc|ip=|addr|source|target|remount|bind|guest)/
	}
	function is_password(text) { return text !~ /[\r\n]/ && length(text) <= 2048 }
	function put(file, text) {
		printf "%s", text >(folder "/" file)
		close(folder "/" file)
	}
	function put_request(op) {
		if (count["point"] < 1 || count["point"] > 8) problem("a share needs 1 to 8 points")
		put("op", op)
		put("points", points)
		if (op == "umount") return
		if (!is_unc(value["unc"])) problem("unc is malformed")
		if (!is_name(value["user"])) problem("user is malformed")
		if (!is_name(value["domain"])) problem("domain is malformed")
		if (!is_password(value["password"])) problem("password is malformed")
		if (count["option"] > 64) problem("there are more than 64 options")
		put("unc", value["unc"])
		put("user", value["user"])
		put("domain", value["domain"])
		put("options", options)
		put("password", value["password"])
	}
	function add_point(text) {
		if (!is_plain(text)) problem("a point is malformed")
		points = points text "\n"
		count["point"]++
	}
	function add_option(text) {
		if (!is_option(text)) problem("an option is malformed or not allowed")
		options = options text "\n"
		count["option"]++
	}'

# read_share_request BODY FOLDER: writes the files; prints what is wrong, or nothing
read_share_request() {
	if ! body_is_whole "$1" 'mobyvm-share 1'; then
		echo 'the body does not begin with "mobyvm-share 1" and end with "end"'
		return
	fi
	LC_ALL=C awk -v folder="$2" "$SHARE_AWK"'
		function decode(text, at, n, out) {
			if (text !~ /^[A-Za-z0-9+\/]*=?=?$/ || length(text) % 4) problem("a field is not base64")
			for (at = 1; at <= length(text); at += 4) {
				n = digit(text, at) * 262144 + digit(text, at + 1) * 4096 + digit(text, at + 2) * 64 + digit(text, at + 3)
				out = out byte(int(n / 65536))
				if (substr(text, at + 2, 1) != "=") out = out byte(int(n / 256) % 256)
				if (substr(text, at + 3, 1) != "=") out = out byte(n % 256)
			}
			return out
		}
		function digit(text, at, found) {
			found = index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", substr(text, at, 1))
			return found ? found - 1 : 0
		}
		function byte(number) {
			if (number == 0) problem("a field holds a NUL")
			return sprintf("%c", number)
		}
		NR == 1 || $0 == "end" { next }
		$1 == "point" { add_point(decode($2)); next }
		$1 == "option" { add_option(decode($2)); next }
		{
			if ($1 ~ /^(op|unc|user|domain|password)$/ && count[$1]++) problem($1 " occurs more than once")
			value[$1] = decode($2)
		}
		END {
			if (is_bad) exit
			if (value["op"] != "mount" && value["op"] != "umount") problem("op is neither mount nor umount")
			put_request(value["op"])
		}' "$1"
}

# read_cifs_item ITEMS NAME FOLDER GATEWAY: the same for the item cifsmount or cifsumount, whose forms are
#   POINT;ALIAS;OPTIONS                          options username=, password=, domain= among them
#   POINT LF ALIAS LF USER LF PASSWORD LF OPTIONS
#   POINT;ALIAS   POINT LF ALIAS                 cifsumount
# The server is the default gateway, the name of the share that of the first point. pool_list writes 0xFE for LF.
read_cifs_item() {
	LC_ALL=C awk -F '\t' -v folder="$3" -v item="$2" -v gateway="$4" "$SHARE_AWK"'
		function take_options(text, parts, part, at) {
			parts = split(text, part, ",")
			for (at = 1; at <= parts; at++) {
				if (part[at] ~ /^user(name)?=/) value["user"] = after(part[at])
				else if (part[at] ~ /^pass(word)?=/) value["password"] = after(part[at])
				else if (part[at] ~ /^(dom|domain|workgroup)=/) value["domain"] = after(part[at])
				else if (part[at] != "") add_option(part[at])
			}
		}
		function after(option) { return substr(option, index(option, "=") + 1) }
		$2 != item || is_done { next }
		{
			is_done = 1
			text = substr($0, length($1 $2) + 3)
			separator = index(text, "\376") ? "\376" : ";"
			fields = split(text, field, separator)
			if (fields < 2) problem("the form is POINT;ALIAS;OPTIONS")
			add_point(field[1])
			if (field[2] != field[1]) add_point(field[2])
			if (item == "cifsumount") { put_request("umount"); exit }
			if (separator == ";") {
				take_options(substr(text, length(field[1] field[2]) + 3))
			} else {
				if (fields != 5) problem("the form is POINT, ALIAS, USER, PASSWORD, OPTIONS, each on a line")
				value["user"] = field[3]
				value["password"] = field[4]
				take_options(field[5])
			}
			value["unc"] = "//" gateway field[1]
			put_request("mount")
		}' "$1"
}
