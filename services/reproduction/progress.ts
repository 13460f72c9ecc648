import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../common/make-folder';
import { replaceFile } from '../store/durable';
import { automedError } from '../common/errors';

const stepSchema = z.object({
  /** `name@version` of what the step made. */
  model: z.string().optional(),
  base: z.string().optional(),
  metrics: z.record(z.string(), z.unknown()),
  samples: z.object({ train: z.int(), validation: z.int(), test: z.int() }).optional(),
  seconds: z.number(),
  command: z.string(),
});

export type StepResult = z.infer<typeof stepSchema>;

const progressSchema = z.object({
  settings: z.string(),
  /** Names the jobs of this reproduction; those of before have none. */
  id: z.string().optional(),
  steps: z.record(z.string(), stepSchema),
});

const FILE = 'progress.json';

/** What a reproduction has finished, kept beside its report so that the same command goes on where it was stopped. */
export class Progress {
  private constructor(
    private readonly folder: string,
    private readonly settings: string,
    /** Names the jobs of this reproduction and of no other. */
    readonly id: string,
    private readonly steps: Record<string, StepResult>,
  ) {}

  /** @throws IllegalStateError when the folder holds a reproduction with other settings */
  static async open(folder: string, settings: object): Promise<Progress> {
    await makeFolder(folder);
    const wanted = JSON.stringify(settings);
    const text = await readFile(join(folder, FILE), 'utf8').catch(() => undefined);
    if (text === undefined) {
      const begun = new Progress(folder, wanted, randomUUID(), {});
      await begun.write();
      return begun;
    }
    const found = progressSchema.parse(JSON.parse(text));
    if (found.settings !== wanted) {
      throw automedError(
        'ILLEGAL_STATE',
        `${folder} holds a reproduction with other settings; delete it or choose another --out`,
      );
    }
    return new Progress(folder, wanted, found.id ?? randomUUID(), found.steps);
  }

  /** Everything finished so far, in its order: the bases made and taught, too. */
  finished(): StepResult[] {
    return Object.values(this.steps);
  }

  /** The step's result from an earlier run, or from running it now. */
  async step(id: string, run: () => Promise<StepResult>): Promise<StepResult> {
    const done = this.steps[id];
    if (done) return done;
    const result = await run();
    this.steps[id] = result;
    await this.write();
    return result;
  }

  private async write(): Promise<void> {
    const { settings, id, steps } = this;
    await replaceFile(join(this.folder, FILE), JSON.stringify({ settings, id, steps }, null, 1));
  }
}
