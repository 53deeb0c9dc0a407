# Run in a container: sh workload.sh FOLDER. Prints one line "NAME MILLISECONDS" for each measurement.
set -eu
NPM=/usr/lib/node_modules/npm/bin/npm-cli.js
folder=$1/bench
now() { read -r uptime _ </proc/uptime && echo "${uptime%.*}${uptime#*.}0"; }
fresh() { sync && echo 3 >/proc/sys/vm/drop_caches; }
measure() {
	name=$1
	shift
	fresh
	begin=$(now)
	"$@" >/dev/null
	echo "$name $(($(now) - begin))"
}

rm -rf "$folder"
mkdir -p "$folder/many" && cd "$folder"
measure 'sequential write, 128 MiB' dd if=/dev/zero of=large bs=1M count=128 conv=fsync status=none
measure 'sequential read, 128 MiB' dd if=large of=/dev/null bs=1M status=none
rm large
names=$(seq 1 10000)
cd many
measure 'create 10,000 files' touch $names
measure 'list 10,000 files with attributes' ls -l
measure 'delete 10,000 files' rm $names
cd "$folder"
measure 'git clone of 1,000 files' git clone --quiet --local --no-hardlinks /source repository
cd repository
measure 'git status of 1,000 files' git status --short
cd "$folder"
mkdir project && cp /packages/package.json project/ && cd project
measure 'npm install of 20 packages, 1,000 files' node "$NPM" install --offline --no-audit --no-fund --loglevel=error
cd / && rm -rf "$folder"
