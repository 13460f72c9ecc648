import { Command, Option } from 'commander';
import type { Study__Output } from '../../../proto/gen/automed/pacs/v1/Study';
import type { ObjectDecision, PacsClient, RetriedCounts, SteeredCounts } from '../../client';
import { explanation, statusLines, studyLines, workText } from '../../terminal/pacs';
import { printJson, printLine } from '../../terminal/print';
import { table } from '../../terminal/table';
import { examples, whole } from './options';
import { connected, withPacs, type PacsOptions } from './pacs-connection';
import { pacsPullCommand } from './pacs-pull';
import { pacsServeCommand } from './pacs-serve';
import { reidentifyCommand } from './pacs-reidentify';
import { pacsVerifyCommand } from './pacs-verify';

const STATES = ['queued', 'running', 'done', 'dead', 'held', 'superseded', 'discarded'] as const;

export function pacsCommand(): Command {
  const command = new Command('pacs').description(
    'run the bridge to picture archives (PACS), and look after what it received and sends',
  );
  command.addCommand(pacsServeCommand());
  command.addCommand(statusCommand());
  command.addCommand(listCommand());
  command.addCommand(
    studyCommand('show', 'describe a study: series, analyses, results and deliveries', async (client, study) => {
      const answer = await client.get(study);
      return { json: answer, text: studyLines(answer).join('\n') };
    }),
  );
  command.addCommand(
    studyCommand(
      'explain',
      'say for every series of a study which rule fits it, or why none does',
      async (client, study) => {
        const answer = await client.get(study);
        return { json: answer.series, text: explanation(answer).join('\n') };
      },
    ),
  );
  command.addCommand(
    studyCommand(
      'retry',
      'try again what was given up, at once what waits, and by the rules as they are now',
      async (client, study) => retried(await client.retry(study)),
    ),
  );
  command.addCommand(
    studyCommand('discard', 'give up what waits of a study', async (client, study) =>
      steered(await client.discard(study), 'discarded'),
    ),
  );
  command.addCommand(resolveCommand());
  command.addCommand(pacsPullCommand());
  command.addCommand(reidentifyCommand());
  command.addCommand(pacsVerifyCommand());
  return examples(command, [
    'automed pacs serve --site pacs.yaml',
    'automed pacs status',
    'automed pacs list --state dead',
    'automed pacs explain 1.2.826.0.1.3680043.8.498.1',
    'automed pacs retry 12',
    'automed pacs pull 1.2.826.0.1.3680043.8.498.1 --from archive',
    'automed pacs verify segmentation.dcm --study study',
  ]);
}

function statusCommand(): Command {
  return connected(new Command('status'))
    .description('count what is there, and say what waits')
    .action(async (options: PacsOptions) => {
      const status = await withPacs(options, (client) => client.status());
      if (options.json) return printJson(status);
      printLine(statusLines(status).join('\n'));
    });
}

interface ListOptions extends PacsOptions {
  state?: (typeof STATES)[number];
  most: number;
}

function listCommand(): Command {
  return connected(new Command('list'))
    .description('list studies, the newest first')
    .addOption(new Option('--state <state>', 'those only with work of this state').choices(STATES))
    .option('--most <count>', 'at most so many', whole(1), 50)
    .action(async (options: ListOptions) => {
      const { state, most } = options;
      const named = state && (`WORK_STATE_${state.toUpperCase()}` as `WORK_STATE_${Uppercase<typeof state>}`);
      const studies = await withPacs(options, (client) => firstOf(client.list({ state: named }), most));
      if (options.json) return printJson({ studies });
      if (studies.length === 0) return printLine('no studies');
      printLine(table(['STUDY', 'OBJECTS', 'ANALYSES', 'DELIVERIES', 'UID'], studies.map(rowOf)));
    });
}

async function firstOf<T>(items: AsyncIterable<T>, most: number): Promise<T[]> {
  const first: T[] = [];
  for await (const item of items) if (first.push(item) >= most) break;
  return first;
}

function rowOf({ number, instanceCount, analyses, deliveries, open, studyUid }: Study__Output): string[] {
  const objects = `${instanceCount}${open ? ' and open' : ''}`;
  return [String(number), objects, workText(analyses), workText(deliveries), studyUid];
}

/** What a command answers, for programs and for people. */
interface Answer {
  json: object;
  text: string;
}

function studyCommand(
  name: string,
  description: string,
  work: (client: PacsClient, study: string) => Promise<Answer>,
): Command {
  return connected(new Command(name))
    .description(description)
    .argument('<study>', 'Study Instance UID, or number in the list')
    .action(async (study: string, options: PacsOptions) => {
      const { json, text } = await withPacs(options, (client) => work(client, study));
      if (options.json) printJson(json);
      else printLine(text);
    });
}

function steered({ analysisCount, deliveryCount }: SteeredCounts, what: string): Answer {
  const json = { analyses: analysisCount, deliveries: deliveryCount };
  return { json, text: `${analysisCount} analyses and ${deliveryCount} deliveries ${what}` };
}

function retried({ heldCount, ...counts }: RetriedCounts): Answer {
  const { json, text } = steered(counts, 'tried again');
  const held = heldCount === 0 ? '' : `; ${heldCount} analyses are held until a person decides: see automed pacs show`;
  return { json: { ...json, held: heldCount }, text: `${text}${held}` };
}

function resolveCommand(): Command {
  return connected(new Command('resolve'))
    .description(
      'say which objects hold where several came under one UID, or several patients are named; the study goes on',
    )
    .argument('<study>', 'Study Instance UID, or number in the list')
    .addOption(new Option('--keep <which>', 'of each UID, the object that holds').choices(['first', 'last']))
    .option('--patient <id>', 'the one whose objects hold: its ID, or ID^^^ISSUER where they name an issuer')
    .action(async (study: string, options: PacsOptions & ObjectDecision) => {
      const { keep, patient } = options;
      const rejected = await withPacs(options, (client) => client.resolve(study, { keep, patient }));
      if (options.json) printJson({ rejected });
      else printLine(`${rejected} objects are not used any more`);
    });
}
