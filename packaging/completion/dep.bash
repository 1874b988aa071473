# SPDX-License-Identifier: BSD-2-Clause
# Completion of dep(1) for bash. Verbs of the node, their options, paths, commits, tools and resources come from dep itself.

# Offers what follows as whole words: bash cuts words at : and =, and replaces what stands behind the last of these alone.
_dep_reply()
{
	local cut=${cur%"${COMP_WORDS[COMP_CWORD]}"} value

	case ${COMP_WORDS[COMP_CWORD]} in
	: | =) cut=$cur ;;
	esac
	for value; do
		[[ $value == "$cur"* ]] && COMPREPLY+=("${value#"$cut"}")
	done
}

_dep_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
}

# Names of NAME:HELP lines.
_dep_names()
{
	local line names=()

	while IFS= read -r line; do names+=("${line%%:*}"); done
	_dep_reply "${names[@]}"
}

_dep_lines()
{
	local lines=()

	mapfile -t lines < <(dep complete "$@" 2>/dev/null)
	_dep_reply "${lines[@]}"
}

# A path goes on after what is offered.
_dep_path()
{
	compopt -o nospace 2>/dev/null
	_dep_lines path "${connect[@]}" -- "$cur"
}

_dep_node()
{
	case $prev in
	--datastore) _dep_reply running candidate operational; return ;;
	--protocol) _dep_reply 2025-06-18 2025-11-25 2026-07-28; return ;;
	--file | --ca | --socket) _dep_files; return ;;
	--commit) _dep_lines commit "${connect[@]}" -- "$cur"; return ;;
	--delete) _dep_path; return ;;
	--node | --depth | --candidate | --confirmed | --comment | --token | --client-id | --scope) return ;;
	esac
	if [[ $cur == -* ]]; then
		_dep_names < <(dep complete option "${args[0]}")
		return
	fi
	case ${args[0]} in
	show) ((${#args[@]} == 1)) && _dep_path ;;
	edit) _dep_path ;;
	rollback) _dep_lines commit "${connect[@]}" -- "$cur" ;;
	tools | call) ((${#args[@]} == 1)) && _dep_lines tool "${connect[@]}" -- "$cur" ;;
	read | watch) _dep_lines uri "${connect[@]}" -- "$cur" ;;
	esac
}

# Its options are those of dep-l4s-study.
_dep_study()
{
	case $prev in
	--grid) mapfile -t COMPREPLY < <(compgen -W "$(dep l4s study --list 2>/dev/null | cut -d' ' -f1)" -- "$cur") ;;
	--out) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	--seeds | --time | --jobs | --fresh) ;;
	*) mapfile -t COMPREPLY < <(compgen -W '--grid --list --seeds --time --jobs --out --fresh --quiet --version --help' -- "$cur") ;;
	esac
}

_dep()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev word
	local -a args=() words=("${COMP_WORDS[@]:0:COMP_CWORD}") connect=()
	local i

	COMPREPLY=()
	# Words as they were typed, not as bash cuts them.
	if [[ -n $COMP_LINE ]]; then
		read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
		cur=''
		if [[ ${COMP_LINE:COMP_POINT-1:1} != ' ' ]]; then
			cur=${words[-1]}
			unset 'words[-1]'
		fi
	fi
	prev=${words[-1]}
	if [[ $prev == --socket ]]; then
		_dep_files
		return
	fi
	# What stands before the cursor, without options and their values.
	for ((i = 1; i < ${#words[@]}; i++)); do
		word=${words[i]}
		case $word in
		--node | --socket | --ca) connect+=("$word" "${words[i + 1]}"); ((i++)) ;;
		--datastore | --depth | --candidate | --file | --delete | --confirmed | --comment | --token | --commit | --protocol) ((i++)) ;;
		-*) ;;
		*) args+=("$word") ;;
		esac
	done
	if ((${#args[@]} > 0)) && [[ ${args[0]} != kira && ${args[0]} != l4s && ${args[0]} != sys ]]; then
		_dep_node
		return
	fi
	if [[ ${args[*]:0:2} == 'l4s study' ]]; then
		_dep_study
		return
	fi
	if [[ $cur == -* ]]; then
		local options='--json --socket --help'
		((${#args[@]} == 0)) && options+=' --version'
		[[ ${args[1]} == config ]] && options+=' --defaults'
		[[ ${args[*]:0:2} == 'l4s load' ]] && options+=' --cubic --prague'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case ${args[*]} in
	'') _dep_names < <(dep complete verb; echo kira:; echo l4s:; echo sys:) ;;
	sys)
		mapfile -t COMPREPLY < <(compgen -W 'show log features watch' -- "$cur") ;;
	kira)
		mapfile -t COMPREPLY < <(compgen -W 'show nodes routes paths vicinity trace watch config metrics' -- "$cur") ;;
	l4s)
		mapfile -t COMPREPLY < <(compgen -W 'show links flows load unload reset watch config metrics study' -- "$cur") ;;
	'l4s links' | 'l4s reset')
		mapfile -t COMPREPLY < <(compgen -W "$(dep l4s links --json 2>/dev/null | sed -n 's/^    "name": "\(.*\)",$/\1/p')" -- "$cur") ;;
	'l4s load')
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net)" -- "$cur") ;;
	'kira trace')
		# Nodes that this one knows, where it may be asked.
		mapfile -t COMPREPLY < <(compgen -W "$(dep kira nodes 2>/dev/null | grep -oE '^[0-9a-f]{28}')" -- "$cur") ;;
	'kira config' | 'l4s config')
		mapfile -t COMPREPLY < <(compgen -W 'get set validate diff' -- "$cur") ;;
	'kira config set' | 'kira config validate' | 'kira config diff' | 'l4s config set' | 'l4s config validate' | 'l4s config diff')
		_dep_files ;;
	esac
}

complete -F _dep dep
