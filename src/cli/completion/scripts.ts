/** The scripts that connect a shell's completion with `regrow __complete`. */

export type Shell = "bash" | "zsh" | "fish";

export const SCRIPTS: Record<Shell, string> = {
  bash: `# bash completion for regrow: source it, or put it into /usr/share/bash-completion/completions/regrow
_regrow() {
  local current=\${COMP_WORDS[COMP_CWORD]} line
  [[ $current == [=:] ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
      :folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
      *=) compopt -o nospace; COMPREPLY+=("$line") ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _regrow regrow
`,
  zsh: `#compdef regrow
# zsh completion for regrow: put it as _regrow into a folder of $fpath, or source it behind compinit
_regrow() {
  local line
  local -a found assigning
  for line in "\${(@f)$("\${words[1]}" __complete zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :file|:folder)
        [[ $PREFIX == --*=* ]] && compset -P '*='
        if [[ $line == :folder ]]; then _files -/; else _files; fi ;;
      *=$'\\t'*) assigning+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#found )) && _describe -t values regrow found
  (( $#assigning )) && _describe -t options option assigning -S ''
}
if [[ $funcstack[1] == _regrow ]]; then _regrow "$@"; else compdef _regrow regrow; fi
`,
  fish: `# fish completion for regrow: source it, or put it as regrow.fish into ~/.config/fish/completions
function __regrow_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l before (string match -r -- '^--[^=]*=' $words[-1])
  set -l current (string replace -r -- '^--[^=]*=' '' $words[-1])
  for line in ($words[1] __complete fish $words[2..-1] 2>/dev/null)
    switch $line
      case :file
        for path in (__fish_complete_path $current)
          echo $before$path
        end
      case :folder
        for path in (__fish_complete_directories $current)
          echo $before$path
        end
      case '*'
        echo $line
    end
  end
end
complete -c regrow -f -a '(__regrow_complete)'
`,
};
