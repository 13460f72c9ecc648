// A trained head, exported by the command line, in Python: the executable specification computes the same logits from it.

import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { initBase, Trainer } from '../../../native/lib';
import { run } from '../../../services/cli/main';
import { ModelStore, standardPreprocessing, WEIGHTS_FILE } from '../../../services/store';
import { baseDraft, temporaryFolder } from '../../support/data';
import { classificationHead } from '../../support/heads';
import { noise, trainerOptions } from '../../support/micro';
import { pipInstall } from '../../support/python';
import { ROOT } from '../cli/automed-process';

jest.setTimeout(600_000);

const CLASSES = ['glioma', 'meningioma', 'none'];
const REFERENCE = process.env.AUTOMED_TEST_REFERENCE ?? join(ROOT, '..', 'shared', 'reference');
const folder = temporaryFolder();
const packages = join(folder, 'python');

const missing = findPython();
const check = missing === undefined ? test : test.skip;
if (missing !== undefined) process.stderr.write(`skipped: a trained head in Python (${missing})\n`);

/** Why Python cannot run the specification; undefined when it can. Installs torch when python3 has none. */
function findPython(): string | undefined {
  if (!existsSync(join(REFERENCE, 'models.py'))) return `no models.py in ${REFERENCE}`;
  const has = (path: string): boolean =>
    spawnSync('python3', ['-c', 'import torch; torch.nn'], { env: { ...process.env, PYTHONPATH: path } }).status === 0;
  if (has(process.env.PYTHONPATH ?? '')) return undefined;
  let why: string | undefined;
  // Some indexes mark the CPU build in its version; where they do, it is the one to have.
  for (const requirement of ['torch==2.13.0+cpu', 'torch==2.13.0']) {
    why = pipInstall([requirement], packages, 280_000);
    if (why === undefined) return has(packages) ? undefined : 'torch cannot be imported';
    if (why.includes('ETIMEDOUT')) break;
  }
  return why;
}

/** Registers a base and a head that has learned a few steps. */
async function trainedModel(store: ModelStore): Promise<{ base: object; head: object }> {
  const draft = baseDraft('tiny');
  const base = await store.registerBase(draft, async (target) => {
    await initBase(JSON.stringify(draft.architecture), 1, join(target, WEIGHTS_FILE));
  });
  const head = classificationHead(draft.architecture, CLASSES.length);
  const trainer = await Trainer.create(
    trainerOptions(
      { folder, base: base.weightsPath },
      {
        task: 'classification',
        baseArchitecture: JSON.stringify(draft.architecture),
        headArchitecture: JSON.stringify(head),
      },
    ),
  );
  for (const seed of [1, 2, 3, 4]) await trainer.addClassificationSample('train', noise(64, 64, seed), seed % 3);
  await trainer.train(2);
  const { name, version, weights } = base.manifest;
  await store.registerModel(
    {
      name: 'kinds',
      task: 'classification',
      classes: CLASSES,
      base: { name, version, sha256: weights.sha256 },
      preprocessing: standardPreprocessing(draft.architecture),
      architecture: head,
      training: {},
      metrics: {},
      dataset: { fingerprint: 'none' },
      codeVersion: 'test',
      licence: 'none',
    },
    (target) => trainer.exportWeights(join(target, WEIGHTS_FILE), null),
  );
  await trainer.close();
  return { base: draft.architecture, head };
}

check('an exported head gives the same logits in Python', async () => {
  const home = join(folder, 'home');
  const { base, head } = await trainedModel(await ModelStore.open(home));
  const exported = join(folder, 'kinds.safetensors');
  const silent = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await run(['models', 'export', 'kinds', '--out', exported, '--home', home])).toBe(0);
  silent.mockRestore();

  const record = join(folder, 'record.safetensors');
  const program = join(ROOT, 'build', 'Release', 'automed_parity');
  const architectures = ['--base', JSON.stringify(base), '--head', JSON.stringify(head)];
  await promisify(execFile)(program, ['--record', exported, ...architectures, '--out', record]);
  const script = join(__dirname, 'python', 'classify.py');
  const { stdout } = await promisify(execFile)('python3', [script, REFERENCE, exported, record, JSON.stringify(head)], {
    env: { ...process.env, PYTHONPATH: [process.env.PYTHONPATH ?? '', packages].filter(Boolean).join(':') },
  });
  const { difference, magnitude } = JSON.parse(stdout) as { difference: number; magnitude: number };
  expect(difference).toBeLessThan(1e-4);
  expect(magnitude).toBeGreaterThan(1e-2); // logits that are all zero would prove nothing
});
