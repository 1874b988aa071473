# SPDX-License-Identifier: BSD-2-Clause
# Completion of dep(1) for bash.

_dep()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word
	local -a args=()
	local i

	COMPREPLY=()
	if [[ $prev == --socket ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	# What stands before the cursor, without options and their values.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--socket) ((i++)) ;;
		-*) ;;
		*) args+=("$word") ;;
		esac
	done
	if [[ $cur == -* ]]; then
		local options='--json --socket --help'
		((${#args[@]} == 0)) && options+=' --version'
		[[ ${args[1]} == config ]] && options+=' --defaults'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case ${args[*]} in
	'') mapfile -t COMPREPLY < <(compgen -W 'kira' -- "$cur") ;;
	kira)
		mapfile -t COMPREPLY < <(compgen -W 'show nodes routes paths vicinity trace watch config metrics' -- "$cur") ;;
	'kira trace')
		# Nodes that this one knows, where it may be asked.
		mapfile -t COMPREPLY < <(compgen -W "$(dep kira nodes 2>/dev/null | grep -oE '^[0-9a-f]{28}')" -- "$cur") ;;
	'kira config')
		mapfile -t COMPREPLY < <(compgen -W 'get set validate diff' -- "$cur") ;;
	'kira config set' | 'kira config validate' | 'kira config diff')
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}

complete -o filenames -F _dep dep
