import { Argument, Command, type Option } from 'commander';
import { printLine } from '../output/print';
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
  ]);
}

const words = (options: readonly Option[]): string[] =>
  options.filter(({ hidden }) => !hidden).flatMap(({ long }) => (long ? [long] : []));

/** What may follow a command, and the values of its options that take one of a few. */
function caseOf(path: string, command: Command): string[] {
  const next = [...command.commands.map((each) => each.name()), ...words(command.options), '--help'];
  const arguments_ = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  const values = command.options.flatMap(({ long, argChoices }) =>
    long && argChoices ? [`      "${path} ${long}") values="${argChoices.join(' ')}" ;;`] : [],
  );
  return [`      "${path}") words="${[...next, ...arguments_].join(' ')}" ;;`, ...values];
}

/** A script for bash, and by its emulation for zsh: plain lists, so that Tab never starts a program. */
export function completionScript(commands: readonly Command[], shell: Shell): string {
  const cases: string[] = [];
  const paths: string[] = [];
  const visit = (path: string, command: Command): void => {
    paths.push(path);
    cases.push(...caseOf(path, command));
    for (const each of command.commands) visit(`${path} ${each.name()}`, each);
  };
  for (const command of commands) visit(command.name(), command);
  const top = [...commands.map((each) => each.name()), 'completion', 'help', '--help', '--version'].join(' ');
  const isCase = (line: string): boolean => line.includes(') words=');
  return [
    ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    '_automed() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" path="" words="" values="" word',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "\${path:+$path }$word" in`,
    `      ${paths.map((path) => `"${path}"`).join('|')}) path="\${path:+$path }$word" ;;`,
    '    esac',
    '  done',
    '  case "$path" in',
    `      "") words="${top}" ;;`,
    ...cases.filter(isCase),
    '  esac',
    '  case "$path $previous" in',
    ...cases.filter((line) => !isCase(line)),
    '  esac',
    '  if [ -n "$values" ]; then COMPREPLY=($(compgen -W "$values" -- "$current"))',
    '  else COMPREPLY=($(compgen -W "$words" -- "$current")); fi',
    '}',
    // Where no word fits, files do.
    'complete -o default -F _automed automed',
  ].join('\n');
}
