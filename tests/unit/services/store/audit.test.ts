import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditStore, ModelStore, type StoredBase, type StoredModel } from '../../../../services/store';
import { runCommand } from '../../../support/cli';
import { baseDraft, modelDraft, temporaryFolder, writeWeights } from '../../../support/data';

const folder = temporaryFolder();
let stores = 0;

interface Filled {
  root: string;
  store: ModelStore;
  base: StoredBase;
  model: StoredModel;
}

/** A base, two versions of a model on it, and an alias. */
async function fill(): Promise<Filled> {
  stores += 1;
  const root = join(folder, String(stores));
  const store = await ModelStore.open(root);
  const base = await store.registerBase(baseDraft('tiny'), writeWeights('weights of the base'));
  const { name, version, weights } = base.manifest;
  const draft = { ...modelDraft('polyp'), base: { name, version, sha256: weights.sha256 } };
  const model = await store.registerModel(draft, writeWeights('first'));
  await store.registerModel(draft, writeWeights('second'));
  await store.setAlias('polyp', 'production', 2);
  return { root, store, base, model };
}

test('a sound store has no problems', async () => {
  const { root } = await fill();
  expect(await auditStore(root)).toEqual({
    bases: 1,
    models: 2,
    aliases: 1,
    bytes: 19 + 5 + 6,
    problems: [],
    unused: [],
  });
});

test('the audit of a store finds weights that changed without changing their length', async () => {
  const { root, model } = await fill();
  writeFileSync(model.weightsPath, 'fIrst');
  expect((await auditStore(root)).problems).toEqual([
    { subject: 'model polyp@1', problem: 'The weights of polyp@1 have changed since they were registered.' },
  ]);
});

test('the audit of a store finds models whose base is gone or is another one', async () => {
  const { root, base } = await fill();
  rmSync(base.folder, { recursive: true });
  const gone = await auditStore(root);
  expect(gone.problems.map(({ subject }) => subject)).toEqual(['model polyp@1', 'model polyp@2']);
  expect(gone.problems[0]?.problem).toBe('Its base tiny@1 does not exist or cannot be read.');

  const other = await fill();
  const draft = { ...modelDraft('stranger'), base: { name: 'tiny', version: 1, sha256: 'f'.repeat(64) } };
  await other.store.registerModel(draft, writeWeights('x'));
  expect((await auditStore(other.root)).problems).toEqual([
    { subject: 'model stranger@1', problem: 'Its base tiny@1 is not the one that it was trained on.' },
  ]);
});

test('the audit of a store finds versions that cannot be read and aliases that point to them', async () => {
  const { root } = await fill();
  appendFileSync(join(root, 'models/polyp/2/model.json'), 'x');
  const { problems } = await auditStore(root);
  expect(problems).toEqual([
    { subject: 'store', problem: 'The model polyp@2 is damaged: its model.json is malformed.' },
    { subject: 'alias polyp@production', problem: 'Version 2 does not exist or cannot be read.' },
  ]);
});

test('the audit of a store finds aliases of a model that has no version left', async () => {
  const { root } = await fill();
  for (const version of [1, 2]) rmSync(join(root, `models/polyp/${version}`), { recursive: true });
  const { models, aliases, problems } = await auditStore(root);
  expect([models, aliases]).toEqual([0, 1]);
  expect(problems).toEqual([
    { subject: 'alias polyp@production', problem: 'Version 2 does not exist or cannot be read.' },
  ]);
});

test('the audit of a store finds reports that changed or are gone', async () => {
  const { root, store, model } = await fill();
  const stored = await store.registerModel({ ...modelDraft('reported'), base: model.manifest.base }, async (folder) => {
    mkdirSync(join(folder, 'report'));
    for (const name of ['metrics.json', 'curves.svg']) writeFileSync(join(folder, 'report', name), name);
    await writeWeights('third')(folder);
  });
  expect(Object.keys(stored.manifest.files ?? {})).toEqual(['report/curves.svg', 'report/metrics.json']);
  expect((await auditStore(root)).problems).toEqual([]);
  rmSync(join(stored.folder, 'report/curves.svg'));
  writeFileSync(join(stored.folder, 'report/metrics.json'), '{}');
  expect((await auditStore(root)).problems).toEqual([
    { subject: 'model reported@1', problem: 'Its report/curves.svg cannot be read.' },
    { subject: 'model reported@1', problem: 'Its report/metrics.json has changed since it was registered.' },
  ]);
});

test('the command ends with 1 and names what is damaged', async () => {
  const { root, base } = await fill();
  expect(await runCommand('store', 'verify', '--home', root)).toEqual({
    code: 0,
    out: `${root}: 1 bases, 2 models, 1 aliases, 30 B of weights read\n`,
    err: '',
  });
  writeFileSync(base.weightsPath, 'short');
  const { code, out, err } = await runCommand('store', 'verify', '--home', root, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ subject: 'base tiny@1' }] });
  expect(err).toBe(`automed: 1 problem in ${root}\n`);
});

test('the audit of a store names the base of a training that died before it registered its model, as no damage', async () => {
  const { root, store, base } = await fill();
  const { name, version, weights } = base.manifest;
  const trainedFrom = { name, version, sha256: weights.sha256 };
  const trained = { ...baseDraft('polyp'), trainedFrom, trainedWith: 'polyp' };
  const orphan = await store.registerBase(trained, writeWeights('of the encoder'));
  // Meant to be prompted: it needs no model.
  await store.registerBase(
    { ...baseDraft('prompted'), trainedFrom, training: { system: 'interactive' } },
    writeWeights('x'),
  );
  expect(await auditStore(root)).toMatchObject({ problems: [], unused: ['polyp@1'] });
  const { code, err } = await runCommand('store', 'verify', '--home', root);
  expect({ code, err }).toEqual({
    code: 0,
    err: expect.stringMatching(/^base polyp@1: no model stands on it\..*--resume/),
  });
  const on = { name: 'polyp', version: 1, sha256: orphan.manifest.weights.sha256 };
  await store.registerModel({ ...modelDraft('polyp'), base: on }, writeWeights('third'));
  expect((await auditStore(root)).unused).toEqual([]);
});
