# shellcheck shell=sh
# To be sourced.

# json_settings FILE: the names at the top of a JSON object, one a line; status 1 if it is no object. (Whether dockerd likes
# what is in it is for dockerd to say.)
json_settings() {
	LC_ALL=C awk '
		{
			count = split($0 "\n", char, "")
			for (i = 1; i <= count; i++) {
				c = char[i]
				if (in_string) {
					if (escaped) escaped = 0
					else if (c == "\\") escaped = 1
					else if (c == "\"") { in_string = 0; continue }
					string = string c
				} else if (c ~ /[ \t\r\n]/) continue
				else if (ended || (!depth && c != "{")) { bad = 1; exit }
				else if (c == "\"") { in_string = 1; string = "" }
				else if (c == "{" || c == "[") depth++
				else if (c == "}" || c == "]") { if (--depth == 0) ended = 1 }
				else if (c == ":" && depth == 1) print string
			}
		}
		END { exit bad || !ended }' "$1"
}
