import { Command, CommanderError } from 'commander';
import { COMMANDS } from './command-table';
import { exitCodeOf, oneLine } from './program/errors';
import { printProblem } from '../terminal/print';
import { exitOnInterrupt } from './program/signals';
import { packageVersion } from '../common/installation';

/** Commander's own errors are ours to print, in one line. */
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  command.showSuggestionAfterError(true);
  for (const each of command.commands) quiet(each);
}

/** The program; of its commands those are loaded whose name is among the words, the others only named. */
export function buildProgram(words: readonly string[] = Object.keys(COMMANDS)): Command {
  const program = new Command('automed')
    .description('Medical image segmentation and classification. Research use; not a medical device.')
    .version(packageVersion())
    // `models alias ... --version 3` is not the program's --version.
    .enablePositionalOptions()
    .addHelpText('after', '\n`automed demo` shows everything in a few minutes. `automed help COMMAND` tells more.');
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    program.addCommand(words.includes(name) ? load() : new Command(name).description(summary));
  }
  quiet(program);
  return program;
}

/** Runs one command line; resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await buildProgram(args).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === 'commander.help') return 2; // no command was given, and the help is printed
      printProblem(`${oneLine(error).replace(/^error: /, '')} (--help tells more)`);
      return 2;
    }
    printProblem(oneLine(error));
    return exitCodeOf(error);
  }
}

/** Called by bin/automed.mjs. */
export async function main(args: readonly string[]): Promise<void> {
  exitOnInterrupt();
  // A reader that went away (`automed models list | head -1`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  process.exitCode = await run(args);
}
