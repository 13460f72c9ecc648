import { Argument, Command, type Option } from 'commander';
import { printLine } from '../../terminal/print';
import { examples } from './options';

const SHELLS = ['bash', 'zsh'] as const;
type Shell = (typeof SHELLS)[number];

/** @param loadAll every other command of the program */
export function completionCommand(loadAll: () => readonly Command[]): Command {
  const command = new Command('completion')
    .description('print what makes a shell complete commands and options with the Tab key')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => printLine(completionScript(loadAll(), shell)));
  return examples(command, [
    'source <(automed completion bash)',
    'automed completion bash > ~/.local/share/bash-completion/completions/automed',
    'source <(automed completion zsh)',
    'automed completion zsh > ~/.zsh/completions/_automed',
  ]);
}

/** Those of a command, as people type them. */
const optionsOf = ({ options }: Command): Option[] => options.filter(({ hidden, long }) => !hidden && Boolean(long));

/** What may follow a command: its own commands and the choices of its argument; where there is nothing to name, its options. */
function caseOf(path: string, command: Command): string {
  const options = [...optionsOf(command).map(({ long }) => long), '--help'];
  const names = [
    ...command.commands.map((each) => each.name()),
    ...command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  ];
  const first = names.length > 0 || command.registeredArguments.length > 0 ? names : options;
  return `    "${path}") names="${first.join(' ')}" options="${options.join(' ')}" ;;`;
}

/** What follows an option that takes a value: one of its choices, or anything, which may be a file. */
function valuesOf(path: string, command: Command): string[] {
  const valued = optionsOf(command).filter(({ required, optional }) => required || optional);
  const one = (list: readonly string[], { long }: Option): string =>
    `    "${path} ${long}") names="${list.join(' ')}" options="" ;;`;
  return valued.map((option) => one(option.argChoices ?? [], option));
}

/** The part that both shells read: what may come after the words so far, by plain lists, so that Tab never starts a program. */
function choicesAfter(commands: readonly Command[], words: string): string[] {
  const visited: [path: string, command: Command][] = [];
  const visit = (path: string, command: Command): void => {
    visited.push([path, command]);
    for (const each of command.commands) visit(`${path} ${each.name()}`, each);
  };
  for (const command of commands) visit(command.name(), command);
  const names = [...commands.map((each) => each.name()), 'completion'];
  return [
    `  for word in ${words}; do`,
    '    case "${at:+$at }$word" in',
    `      ${['help', ...visited.map(([path]) => path)].map((path) => `"${path}"`).join('|')}) at="\${at:+$at }$word" ;;`,
    '    esac',
    '  done',
    '  case "$at" in',
    `    "") names="${[...names, 'help'].join(' ')}" options="--help --version" ;;`,
    `    "help") names="${names.join(' ')}" ;;`,
    ...visited.map(([path, command]) => caseOf(path, command)),
    '  esac',
    '  case "$at $previous" in',
    ...visited.flatMap(([path, command]) => valuesOf(path, command)),
    '  esac',
    '  case "$current" in -*) names="$options" ;; esac',
  ];
}

// Names of variables that neither shell has a meaning for, as zsh has for `path` and `words`. Where no word fits, files do.
const LOCALS = 'at="" names="" options="" word=""';

function bashScript(commands: readonly Command[]): string[] {
  return [
    '_automed() {',
    `  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" ${LOCALS}`,
    ...choicesAfter(commands, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"'),
    '  COMPREPLY=($(compgen -W "$names" -- "$current"))',
    '}',
    'complete -o default -F _automed automed',
  ];
}

function zshScript(commands: readonly Command[]): string[] {
  return [
    '#compdef automed',
    '_automed() {',
    `  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}" ${LOCALS}`,
    ...choicesAfter(commands, '"${(@)words[2,CURRENT-1]}"'),
    '  compadd -- ${=names} || _files',
    '}',
    // As a file of $fpath it is called; sourced, it may be the first that needs the completion system.
    'if [ "${funcstack[1]}" = _automed ]; then _automed "$@"; else',
    '  (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit -i; }',
    '  compdef _automed automed',
    'fi',
  ];
}

export function completionScript(commands: readonly Command[], shell: Shell): string {
  return (shell === 'zsh' ? zshScript : bashScript)(commands).join('\n');
}
