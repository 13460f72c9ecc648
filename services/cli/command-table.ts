// The commands by name. Each is loaded when it is called: all of them together load gRPC, an image library and the schemas of
// training, which `automed --help` needs nothing of.

import { createRequire } from 'node:module';
import type { Command } from 'commander';

// Node's import() of a TypeScript source needs the name of its compiled file, which tests that run the source do not have.
const requireHere = createRequire(__filename);

/** Loads a file of commands/ and calls what makes its command. */
function from(file: string, factory: string, ...given: unknown[]): () => Command {
  return () => {
    const made = (requireHere(`./commands/${file}`) as Record<string, (...args: unknown[]) => Command>)[factory];
    if (!made) throw new Error(`commands/${file} has no ${factory}`);
    return made(...given);
  };
}

export interface CommandEntry {
  /** As the command's own description; a test compares them. */
  summary: string;
  load: () => Command;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  demo: {
    summary: 'make synthetic lesions, train both systems on them, and call them through the gateway',
    load: from('demo', 'demoCommand'),
  },
  serve: {
    summary: 'run gateway and services on this machine until Ctrl-C',
    load: from('serve', 'serveCommand'),
  },
  status: {
    summary:
      'tell what runs and how it is: backends, models, queues, jobs; ends with code 1 when something is not well',
    load: from('status', 'statusCommand'),
  },
  segment: {
    summary: 'draw the masks of structures on images',
    load: from('segment', 'segmentCommand'),
  },
  classify: {
    summary: 'sort images into the classes of a model',
    load: from('classify', 'classifyCommand'),
  },
  analyze: {
    summary: 'ask several models about images, with one encoder pass for all that share a base',
    load: from('analyze', 'analyzeCommand'),
  },
  data: {
    summary: 'look at labelled images before training on them, and register them with a running service',
    load: from('data', 'dataCommand'),
  },
  train: {
    summary: 'train a model on labelled images, as a job of the running server or on this machine',
    load: from('train', 'trainCommand'),
  },
  jobs: {
    summary: 'list, watch, pause, resume, cancel and delete training jobs',
    load: from('jobs', 'jobsCommand'),
  },
  evaluate: {
    summary: 'measure a model on labelled images, through the gateway',
    load: from('evaluate', 'evaluateCommand'),
  },
  evaluations: {
    summary: 'measure models image by image through the training service, and keep scores, intervals and a report',
    load: from('evaluations', 'evaluationsCommand'),
  },
  load: {
    summary: 'send requests at a steady rate, as many callers do, and tell latencies and errors',
    load: from('load', 'loadCommand'),
  },
  pacs: {
    summary: 'run the bridge to picture archives (PACS), and look after what it received and sends',
    load: from('pacs', 'pacsCommand'),
  },
  reproduce: {
    summary:
      'train and measure what a table of the paper compares, and write a report; the same command goes on where it was stopped',
    load: from('reproduce', 'reproduceCommand'),
  },
  bases: {
    summary: 'create, import, export, measure and list bases: the encoders that models stand on',
    load: from('bases', 'basesCommand'),
  },
  models: {
    summary: 'list, describe, name, promote, export and delete trained models',
    load: from('models', 'modelsCommand'),
  },
  keys: {
    summary: 'make, list and revoke keys of programs that call a gateway',
    load: from('keys', 'keysCommand'),
  },
  store: {
    summary: 'look after the folder of bases and models',
    load: from('store', 'storeCommand'),
  },
  completion: {
    summary: 'print what makes a shell complete commands and options with the Tab key',
    load: from('completion', 'completionCommand', loadAll),
  },
};

function loadAll(): Command[] {
  return Object.entries(COMMANDS).flatMap(([name, { load }]) => (name === 'completion' ? [] : [load()]));
}
