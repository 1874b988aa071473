#!/usr/bin/env bash
# The part of ./dev that runs on Debian 13: build, check, demo, bench, fuzz.
set -euo pipefail
top=$DEP_TOP
cd_user=$PWD
cd "$top"

say() { printf 'dev: %s\n' "$*" >&2; }
die() { say "$1"; exit "${2:-1}"; }

# configure DIR OPTIONS...: a build directory, made anew when it is broken or its options changed.
configure() {
	local dir=$1 stamp
	shift
	stamp="$* $(gcc --version | head -n1)"
	if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.configured" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$dir"
		meson setup "$dir" "$@" >"$dir.log" 2>&1 || { cat "$dir.log" >&2; die "meson setup failed"; }
		echo "$stamp" >"$dir/.configured"
	fi
}

# compile DIR [TARGET...]: quiet unless it fails or a terminal watches.
compile() {
	local dir=$1
	shift
	if [ -t 2 ]; then ninja -C "$dir" "$@" >&2; return; fi
	ninja --quiet -C "$dir" "$@" >"$dir/build.log" 2>&1 || { cat "$dir/build.log" >&2; die "build failed"; }
}

release() { mkdir -p build; configure build/release -Dbuildtype=release -Dwerror=true; }
asan() { mkdir -p build; configure build/asan -Db_sanitize=address,undefined -Dbuildtype=debug -Doptimization=1 -Dwerror=true; }

cmd=$1
shift
case "$cmd" in
build)
	release
	compile build/release "$@"
	;;
check)
	suite=()
	while [ $# -gt 0 ]; do
		case "$1" in
		--suite) [ $# -ge 2 ] || die "--suite takes a name: base, kira, node, lab, test" 2; suite=(--suite "$2"); shift 2 ;;
		*) die "check takes --suite NAME, not $1" 2 ;;
		esac
	done
	asan
	release
	status=0
	for dir in build/asan build/release; do
		say "building $dir"
		compile "$dir"
	done
	for dir in build/asan build/release; do
		say "testing $dir"
		rm -f "$dir/meson-logs/testlog.junit.xml"
		meson test -C "$dir" --no-rebuild --print-errorlogs --num-processes 3 "${suite[@]}" || status=1
	done
	python3 test/summary.py build/asan build/release || status=1
	exit "$status"
	;;
demo)
	release
	compile build/release
	cd "$cd_user"
	exec "$top/build/release/lab/dep-lab" demo "$@"
	;;
bench)
	# The names: executables of bench/meson.build, and scripts bench/NAME.sh.
	names=$({ sed -n "s/^executable('\([^']*\)'.*/\1/p" bench/meson.build; find bench -maxdepth 1 -name '*.sh' -printf '%f\n' | sed 's/\.sh$//'; } | sort | paste -sd' ')
	[ $# -ge 1 ] || die "bench takes a name: $names" 2
	name=$1
	shift
	release
	compile build/release
	[[ " $names " = *" $name "* ]] || die "no bench named $name; there are: $names" 2
	for prog in "bench/$name.sh" "build/release/bench/$name"; do
		[ -x "$prog" ] && exec "$prog" "$@"
	done
	die "no bench named $name" 2
	;;
fuzz)
	mkdir -p build
	CC=clang configure build/fuzz -Dfuzz=true -Db_sanitize=address,undefined -Dbuildtype=debugoptimized
	compile build/fuzz
	targets=$(cd build/fuzz && find . -type f -name 'fuzz-*' -perm -1 -printf '%f\n' | sort)
	[ $# -ge 1 ] || { echo "$targets" | sed 's/^fuzz-//'; exit 0; }
	name=$1 seconds=60
	shift
	[ "${1:-}" = --seconds ] && seconds=${2:?--seconds takes a number}
	prog=$(find build/fuzz -type f -name "fuzz-$name" -perm -1)
	[ -n "$prog" ] || die "no fuzz target $name; there are: $(echo $targets | sed 's/fuzz-//g')" 2
	corpus=$(find base proto node -type d \( -path "*/fuzz/$name.corpus" -o -path "*/fuzz/${name//-/_}.corpus" \))
	mkdir -p "build/fuzz-new/$name"
	exec "$prog" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="build/fuzz-new/" "build/fuzz-new/$name" $corpus
	;;
*) die "no command $cmd" 2 ;;
esac
