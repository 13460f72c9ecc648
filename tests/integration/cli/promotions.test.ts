// `automed models promote | rollback | promotions` against a training service that runs.

import { ModelStore } from '../../../services/store';
import { runCommand } from '../../support/cli';
import { modelDraft, temporaryFolder, writeWeights } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';

jest.setTimeout(60_000);

const home = temporaryFolder();
let program: Program;

beforeAll(async () => {
  const store = await ModelStore.open(home);
  for (const mdsc of [0.7, 0.8]) {
    const draft = { ...modelDraft('polyp'), metrics: { test: { mdsc, images: 19 } } };
    await store.registerModel(draft, writeWeights(String(mdsc)));
  }
  program = await startProgram('training', { AUTOMED_HOME: home });
});

afterAll(async () => {
  await program.stop();
});

const models = (...args: string[]) => runCommand('models', ...args, '--address', program.address);

test('promotes by gates, takes back, and shows the record', async () => {
  expect(await models('promote', 'polyp@1', '--alias', 'production', '--gate', 'mdsc>=0.5')).toEqual({
    code: 0,
    out: 'polyp@production is polyp@1 (new alias; mdsc 0.7000 >= 0.5)\n',
    err: '',
  });
  const refused = await models('promote', 'polyp@2', '--alias', 'production', '--gate', 'mdsc >= 0.9');
  expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringContaining('below 0.9; polyp@1 stays') });
  const forced = ['--gate', 'mdsc>=0.9', '--force', '--reason', 'the study begins', '--json'];
  const { out } = await models('promote', 'polyp@2', '--alias', 'production', ...forced);
  expect(JSON.parse(out)).toMatchObject({
    state: 'done',
    from_version: 1,
    to_version: 2,
    forced: true,
    reason: 'the study begins',
    gates: [{ metric: 'mdsc', minimum: 0.9, measured: 0.8, passed: false, image_count: 19 }],
  });
  expect((await models('rollback', 'polyp', '--alias', 'production')).out).toBe(
    'polyp@production is polyp@1 (was polyp@2)\n',
  );
  const listed = (await models('promotions', 'polyp')).out.trimEnd().split('\n');
  expect(listed).toHaveLength(5);
  expect(listed[1]).toMatch(/polyp@production +2 +1 +done \(rollback\)/);
  expect(listed[3]).toMatch(/refused +mdsc 0\.8000 < 0\.9/);
  const { promotions } = JSON.parse((await models('promotions', '--json')).out) as { promotions: unknown[] };
  expect(promotions).toHaveLength(4);
});

test('alias is no way around the gates: what was promoted it refuses, or promotes by force and on the record', async () => {
  const inference = await startProgram('inference', { AUTOMED_HOME: home });
  const gateway = await startProgram('gateway', {
    AUTOMED_TRAINING_BACKENDS: program.address,
    AUTOMED_DEFAULT_BACKENDS: inference.address,
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: '',
  });
  const alias = (...args: string[]) => runCommand('models', 'alias', 'polyp', ...args, '--address', gateway.address);
  expect(await alias('trial', '--version', '2')).toMatchObject({ code: 0 });
  const refused = {
    code: 1,
    err: expect.stringContaining('polyp@production was promoted, and only promotions move it'),
  };
  expect(await alias('production', '--version', '2')).toMatchObject(refused);
  expect(await alias('production', '--remove')).toMatchObject(refused);
  expect(await alias('production', '--version', '2', '--force')).toMatchObject({
    code: 1,
    err: expect.stringContaining('needs a reason'),
  });
  const forced = ['--force', '--reason', 'the gate is wrong'];
  expect(await alias('production', '--version', '2', ...forced)).toMatchObject({
    code: 0,
    out: 'polyp@production is polyp@2\n',
  });
  const { promotions } = JSON.parse((await models('promotions', 'polyp', '--json')).out) as { promotions: unknown[] };
  expect(promotions[0]).toMatchObject({ to_version: 2, forced: true, reason: 'the gate is wrong', state: 'done' });
  expect(await alias('production', '--remove', '--force')).toMatchObject({ code: 0 });
  expect(await alias('production', '--version', '1')).toMatchObject(refused);
  expect(await models('promote', 'polyp@1', '--alias', 'production', '--gate', 'mdsc>=0.5')).toMatchObject({ code: 0 });
  await gateway.stop();
  await inference.stop();
});

test.each([
  [['--gate', 'mdsc>0.8'], /SCORE>=NUMBER/],
  [['--gate', 'mdsc>=high'], /SCORE>=NUMBER/],
  [['--gate', 'hd95_px>=5'], /hd95_px is better when it is lower: a gate on it is a maximum, hd95_px<=5/],
  [['--gate', 'dice>=0.5'], /There is no score "dice"; known are mdsc, miou, /],
  [['--gate', 'mdsc>=0.5', '--min-images', '20'], /it rests on 19 images, fewer than 20/],
  [['--gate', 'mdsc>=0.5', '--agreement', '0.9'], /--evaluation/],
  [['--force'], /needs a reason/],
  [[], /needs a gate/],
])('refuses %j with a sentence', async (args, message) => {
  const { code, err } = await models('promote', 'polyp@1', '--alias', 'trial', ...args);
  expect(code).not.toBe(0);
  expect(err).toMatch(message);
});
