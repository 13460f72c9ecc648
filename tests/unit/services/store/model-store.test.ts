import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { automedError } from '../../../../services/common/errors';
import { baseArchitecture, BASE_ARCHITECTURES, ModelStore } from '../../../../services/store';
import { baseDraft, modelDraft, temporaryFolder, writeWeights } from '../../../support/data';

const run = promisify(execFile);
const folder = temporaryFolder();
let count = 0;

async function emptyStore(): Promise<ModelStore> {
  count += 1;
  return ModelStore.open(join(folder, String(count)));
}

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('registering', () => {
  it('counts versions up and records the weights', async () => {
    const store = await emptyStore();
    const first = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    const second = await store.registerModel(modelDraft('polyp'), writeWeights('two'));
    expect(first.manifest).toMatchObject({ schema: 1, name: 'polyp', version: 1, weights: { bytes: 3 } });
    expect(first.manifest.weights.sha256).toBe('7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    expect(second.manifest.version).toBe(2);
    expect(readFileSync(second.weightsPath, 'utf8')).toBe('two');
  });

  it('keeps what else is written into the folder', async () => {
    const store = await emptyStore();
    const stored = await store.registerModel(modelDraft('polyp'), async (into) => {
      mkdirSync(join(into, 'report'));
      writeFileSync(join(into, 'report', 'metrics.json'), '{}');
      await writeWeights('one')(into);
    });
    expect(existsSync(join(stored.folder, 'report', 'metrics.json'))).toBe(true);
  });

  it('gives distinct versions to writers at the same time', async () => {
    const store = await emptyStore();
    const other = await ModelStore.open(store.root);
    const stored = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        (index % 2 ? store : other).registerModel(modelDraft('polyp'), writeWeights(String(index))),
      ),
    );
    expect(stored.map(({ manifest }) => manifest.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const [index, { weightsPath }] of stored.entries())
      expect(readFileSync(weightsPath, 'utf8')).toBe(String(index));
  });

  it('leaves nothing visible when writing fails', async () => {
    const store = await emptyStore();
    const failing = store.registerModel(modelDraft('polyp'), async (into) => {
      writeFileSync(join(into, 'weights.safetensors'), 'half');
      throw automedError('CANCELLED', 'stopped');
    });
    await expect(failing).rejects.toEqual(code('CANCELLED'));
    expect(await store.listModels()).toEqual([]);
    expect(readdirSync(join(store.root, 'models'))).toEqual([]);
  });

  it('does not show a version that is being written', async () => {
    const store = await emptyStore();
    await store.registerModel(modelDraft('polyp'), async (into) => {
      await writeWeights('one')(into);
      expect(await store.listModels()).toEqual([]);
      await expect(store.resolveModel('polyp')).rejects.toEqual(code('NOT_FOUND'));
    });
    expect(await store.listModels()).toHaveLength(1);
  });

  it('sweeps what a dead process left, and leaves what a live one writes', async () => {
    const store = await emptyStore();
    await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    const parent = join(store.root, 'models', 'polyp');
    const dead = join(parent, `.incoming-999999999-0123abcd-${hostname()}`);
    const alive = join(parent, `.incoming-${process.ppid}-0123abcd-${hostname()}`);
    const formerSelf = join(parent, `.incoming-${process.pid}-0123abcd-${hostname()}`);
    const elsewhere = join(parent, '.incoming-999999999-0123abcd-other-host');
    const stale = join(parent, '.incoming-999999999-4567abcd-other-host');
    for (const path of [dead, alive, formerSelf, elsewhere, stale]) mkdirSync(path);
    utimesSync(stale, 0, 0);
    await ModelStore.open(store.root);
    expect([dead, alive, formerSelf, elsewhere, stale].map((path) => existsSync(path))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('does not give the number of a deleted version again', async () => {
    const store = await emptyStore();
    for (const text of ['one', 'two']) await store.registerModel(modelDraft('polyp'), writeWeights(text));
    await store.deleteModel('polyp', 2);
    const next = await store.registerModel(modelDraft('polyp'), writeWeights('three'));
    expect(next.manifest.version).toBe(3);
  });

  it('reports a full disk as STORAGE_FULL with nothing visible', async () => {
    const mount = join(folder, 'small');
    mkdirSync(mount);
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', mount]).then(
      () => true,
      () => false,
    );
    if (!mounted) {
      console.warn('skipped: mounting a small tmpfs needs root');
      return;
    }
    try {
      const store = await ModelStore.open(mount);
      const full = store.registerModel(modelDraft('polyp'), writeWeights('x'.repeat(200_000)));
      await expect(full).rejects.toEqual(code('STORAGE_FULL'));
      expect(readdirSync(join(mount, 'models'))).toEqual([]);
      const fits = await store.registerModel(modelDraft('polyp'), writeWeights('x'.repeat(2000)));
      expect(fits.manifest.version).toBe(1);
    } finally {
      await run('umount', [mount]);
    }
  });
});

describe('references', () => {
  it('name the highest version, a version or an alias', async () => {
    const store = await emptyStore();
    for (let index = 0; index < 11; index += 1) await store.registerModel(modelDraft('polyp'), writeWeights('w'));
    await store.setAlias('polyp', 'production', 2);
    expect((await store.resolveModel('polyp')).manifest.version).toBe(11);
    expect((await store.resolveModel('polyp@3')).manifest.version).toBe(3);
    expect((await store.resolveModel('polyp@production')).manifest.version).toBe(2);
  });

  it('to something absent say what exists', async () => {
    const store = await emptyStore();
    await expect(store.resolveModel('polyp')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/none yet/),
    });
    await store.registerModel(modelDraft('polyp'), writeWeights('w'));
    await expect(store.resolveModel('lesion')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/known are polyp/),
    });
    await expect(store.resolveModel('polyp@9')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/it has 1/),
    });
    await expect(store.resolveModel('polyp@best')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/alias/),
    });
  });

  it.each(['', '..', '../x', 'a/b', 'a\\b', '.hidden', 'A', 'a@', 'a@1@2', 'a@../b', `${'x'.repeat(64)}`, 'a\u0000'])(
    'of the form %j are rejected',
    async (reference) => {
      const store = await emptyStore();
      await expect(store.resolveModel(reference)).rejects.toEqual(code('INVALID_ARGUMENT'));
    },
  );

  it('to bases work the same way, without aliases', async () => {
    const store = await emptyStore();
    await store.registerBase(baseDraft('tiny'), writeWeights('b'));
    expect((await store.resolveBase('tiny@1')).manifest).toMatchObject({ family: 'sam-med2d', version: 1 });
    expect((await store.listBases()).map(({ manifest }) => manifest.name)).toEqual(['tiny']);
    await expect(store.resolveBase('tiny@best')).rejects.toEqual(code('INVALID_ARGUMENT'));
    await expect(store.resolveBase('huge')).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'base' });
  });
});

describe('aliases', () => {
  it('are set, moved, listed and deleted', async () => {
    const store = await emptyStore();
    for (const text of ['one', 'two']) await store.registerModel(modelDraft('polyp'), writeWeights(text));
    await store.setAlias('polyp', 'production', 1);
    await store.setAlias('polyp', 'trial', 2);
    await store.setAlias('polyp', 'production', 2);
    expect(await store.aliases('polyp')).toEqual({ production: 2, trial: 2 });
    await store.deleteAlias('polyp', 'trial');
    expect(await store.aliases('polyp')).toEqual({ production: 2 });
    await expect(store.deleteAlias('polyp', 'trial')).rejects.toEqual(code('NOT_FOUND'));
  });

  it('point to existing versions only and never look like one', async () => {
    const store = await emptyStore();
    await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    await expect(store.setAlias('polyp', 'production', 2)).rejects.toEqual(code('NOT_FOUND'));
    await expect(store.setAlias('polyp', '7', 1)).rejects.toEqual(code('INVALID_ARGUMENT'));
  });

  it('are never seen half switched', async () => {
    const store = await emptyStore();
    for (const text of ['one', 'two']) await store.registerModel(modelDraft('polyp'), writeWeights(text));
    await store.setAlias('polyp', 'production', 1);
    const seen: number[] = [];
    const switching = (async () => {
      for (let turn = 0; turn < 40; turn += 1) await store.setAlias('polyp', 'production', 1 + (turn % 2));
    })();
    const reading = (async () => {
      for (let turn = 0; turn < 80; turn += 1) {
        seen.push((await store.resolveModel('polyp@production')).manifest.version);
      }
    })();
    await Promise.all([switching, reading]);
    expect(seen).toHaveLength(80);
    expect(seen.every((version) => version === 1 || version === 2)).toBe(true);
  });

  it('protect their version from deletion unless forced', async () => {
    const store = await emptyStore();
    for (const text of ['one', 'two']) await store.registerModel(modelDraft('polyp'), writeWeights(text));
    await store.setAlias('polyp', 'production', 1);
    await expect(store.deleteModel('polyp', 1)).rejects.toEqual(code('ILLEGAL_STATE'));
    await expect(store.deleteModel('polyp')).rejects.toEqual(code('ILLEGAL_STATE'));
    await store.deleteModel('polyp', 2);
    await store.deleteModel('polyp', 1, { force: true });
    expect(await store.aliases('polyp')).toEqual({});
    await expect(store.resolveModel('polyp')).rejects.toEqual(code('NOT_FOUND'));
  });
});

describe('damage', () => {
  it('to the weights is found by verify', async () => {
    const store = await emptyStore();
    const stored = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    await store.verify(stored);
    writeFileSync(stored.weightsPath, 'onE');
    await expect(store.verify(stored)).rejects.toEqual(code('CHECKPOINT_CORRUPT'));
    writeFileSync(stored.weightsPath, 'longer');
    await expect(store.verify(stored)).rejects.toEqual(code('CHECKPOINT_CORRUPT'));
    renameSync(stored.weightsPath, `${stored.weightsPath}.gone`);
    await expect(store.verify(stored)).rejects.toEqual(code('CHECKPOINT_CORRUPT'));
  });

  it('is found even when size and modification time are the same', async () => {
    const store = await emptyStore();
    const stored = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    await store.verify(stored);
    const { atime, mtime } = statSync(stored.weightsPath);
    writeFileSync(stored.weightsPath, 'onE');
    utimesSync(stored.weightsPath, atime, mtime);
    await expect(store.verify(stored)).rejects.toEqual(code('CHECKPOINT_CORRUPT'));
  });

  it('to a manifest is reported, and the other models are listed', async () => {
    const problems: unknown[] = [];
    const store = await ModelStore.open(join(folder, 'damaged'), { onProblem: (error) => problems.push(error) });
    const stored = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    await store.registerModel(modelDraft('lesion'), writeWeights('two'));
    for (const text of [
      '{',
      '{"schema":1}',
      readFileSync(join(stored.folder, 'model.json'), 'utf8').replace('polyp', 'x'),
    ]) {
      writeFileSync(join(stored.folder, 'model.json'), text);
      await expect(store.resolveModel('polyp')).rejects.toEqual(code('CHECKPOINT_CORRUPT'));
    }
    expect((await store.listModels()).map(({ manifest }) => manifest.name)).toEqual(['lesion']);
    expect(problems).toEqual([code('CHECKPOINT_CORRUPT')]);
  });
});

describe('lineage', () => {
  it('finds what a job registered: a model, a base, both or neither', async () => {
    const store = await emptyStore();
    const ofJob = (job: string) => ({ training: { job, seed: 1 } });
    await store.registerModel(modelDraft('polyp'), writeWeights('without a job'));
    const model = await store.registerModel({ ...modelDraft('polyp'), ...ofJob('job-1') }, writeWeights('one'));
    const base = await store.registerBase({ ...baseDraft('tiny'), ...ofJob('job-2') }, writeWeights('two'));
    await store.registerModel({ ...modelDraft('lesion'), ...ofJob('job-2') }, writeWeights('three'));
    expect(await store.findByJob('job-1')).toEqual({ model });
    expect(await store.findByJob('job-2')).toMatchObject({ base, model: { manifest: { name: 'lesion' } } });
    expect(await store.findByJob('job-3')).toEqual({});
  });

  it('is read from manifests that have none of it, and kept where a later program wrote more', async () => {
    const store = await emptyStore();
    const { folder: version } = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    const path = join(version, 'model.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const training = { recipe: 'paper', batchSize: 2, invented: { later: true } };
    writeFileSync(path, JSON.stringify({ ...manifest, training, invented: 1 }));
    expect((await store.resolveModel('polyp')).manifest).toMatchObject({ training, invented: 1 });
  });

  it('of a newer schema is refused with a sentence', async () => {
    const store = await emptyStore();
    const { folder: version } = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    const path = join(version, 'model.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"schema": 1', '"schema": 2'));
    await expect(store.resolveModel('polyp')).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
      message: 'The model polyp@1 was written by a newer program (schema 2); this one reads up to 1.',
    });
  });
});

describe('named architectures', () => {
  it('split the encoder into whole patches and heads', () => {
    for (const { architecture } of Object.values(BASE_ARCHITECTURES)) {
      expect(architecture.image_size % architecture.patch_size).toBe(0);
      expect(architecture.embed_dim % architecture.heads).toBe(0);
      expect(Math.max(...architecture.global_blocks)).toBeLessThan(architecture.depth);
    }
  });

  it('are known by name', () => {
    expect(baseArchitecture('sam-vit-l').architecture).toMatchObject({ embed_dim: 1024, depth: 24, adapter: false });
    expect(() => baseArchitecture('constructor')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
