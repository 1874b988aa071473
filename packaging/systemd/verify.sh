#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Units, users and directories as systemd's own tools read them; TAP. verify.sh UNIT...
set -eu
here=$(dirname "$(readlink -f "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if ! command -v systemd-analyze >/dev/null; then
	echo '1..0 # SKIP there is no systemd-analyze'
	exit 0
fi
# The executables need not be installed.
for unit in "$@"; do
	sed "s,/usr/sbin/dep,$tmp/dep," "$unit" >"$tmp/$(basename "$unit")"
	printf '#!/bin/sh\n' >"$tmp/$(basename "$unit" .service)"
	chmod +x "$tmp/$(basename "$unit" .service)"
done
echo "1..$(($# + 2))"
n=0
fault=0
check() {
	n=$((n + 1))
	if "$@" >"$tmp/out" 2>&1 && [ ! -s "$tmp/out" ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$tmp/out"
		fault=1
	fi
}
for unit in "$@"; do
	name=$(basename "$unit")
	check systemd-analyze verify --man=no "$tmp/$name"
done
# It says what it would do, and complaints begin with the file's name.
users() {
	systemd-sysusers --dry-run "$here/depanneur.sysusers" >"$tmp/users" 2>&1 || { cat "$tmp/users"; return 1; }
	grep -F "$here/depanneur.sysusers" "$tmp/users" || true
}
name=depanneur.sysusers
check users
name=depanneur.tmpfiles
cp "$here/depanneur.tmpfiles" "$tmp/depanneur.conf"
# The group is made by sysusers, which is not run here.
sed -i 's/ depanneur -$/ root -/' "$tmp/depanneur.conf"
mkdir "$tmp/root"
check systemd-tmpfiles --root="$tmp/root" --create "$tmp/depanneur.conf"
exit $fault
