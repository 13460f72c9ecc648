import { Command, CommanderError } from 'commander';
import { analyzeCommand } from './commands/analyze';
import { basesCommand } from './commands/bases';
import { classifyCommand } from './commands/classify';
import { dataCommand } from './commands/data';
import { demoCommand } from './commands/demo';
import { evaluateCommand } from './commands/evaluate';
import { evaluationsCommand } from './commands/evaluations';
import { jobsCommand } from './commands/jobs';
import { modelsCommand } from './commands/models';
import { reproduceCommand } from './commands/reproduce';
import { segmentCommand } from './commands/segment';
import { serveCommand } from './commands/serve';
import { storeCommand } from './commands/store';
import { trainCommand } from './commands/train';
import { packageVersion } from './config';
import { exitCodeOf, oneLine } from './errors';
import { printProblem } from './output/print';

export function buildProgram(): Command {
  const program = new Command('automed')
    .description('Medical image segmentation and classification. Research use; not a medical device.')
    .version(packageVersion())
    // `models alias ... --version 3` is not the program's --version.
    .enablePositionalOptions()
    .addHelpText('after', '\n`automed demo` shows everything in a few minutes. `automed help COMMAND` tells more.');
  const commands = [
    demoCommand(),
    serveCommand(),
    segmentCommand(),
    classifyCommand(),
    analyzeCommand(),
    dataCommand(),
    trainCommand(),
    jobsCommand(),
    evaluateCommand(),
    evaluationsCommand(),
    reproduceCommand(),
    basesCommand(),
    modelsCommand(),
    storeCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap((each) => each.commands)]) {
    // Commander's own errors are ours to print, in one line.
    command.exitOverride().configureOutput({ outputError: () => undefined });
    command.showSuggestionAfterError(true);
  }
  return program;
}

/** Runs one command line; resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(args, { from: 'user' });
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
  // A reader that went away (`automed models list | head -1`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  process.exitCode = await run(args);
}
