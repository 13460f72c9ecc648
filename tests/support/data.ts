import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standardPreprocessing, type BackboneDraft, type BaseDraft, type ModelDraft } from '../../services/store';
import { baseArchitecture } from '../../services/store/architectures';
import { WEIGHTS_FILE } from '../../services/store/versions';
import { segmentationHead } from './heads';

/** A folder that is deleted when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'automed-test-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const tiny = baseArchitecture('tiny');

export function baseDraft(name: string, { family, architecture } = tiny): BaseDraft {
  return {
    name,
    family,
    architecture,
    parameters: 0,
    origin: 'a test',
    licence: 'none',
  };
}

export function backboneDraft(name: string): BackboneDraft {
  return {
    name,
    architecture: { kind: 'mobilenet-v3-large', se: 'plain' },
    untrained: [],
    origin: 'a test',
    licence: 'none',
  };
}

export function modelDraft(name: string): ModelDraft {
  return {
    name,
    task: 'segmentation',
    structures: ['lesion'],
    threshold: 0.5,
    base: { name: 'tiny', version: 1, sha256: '0'.repeat(64) },
    preprocessing: standardPreprocessing(tiny.architecture),
    architecture: segmentationHead(tiny.architecture),
    training: {},
    metrics: {},
    dataset: { fingerprint: 'none' },
    codeVersion: '0.0.0',
    licence: 'none',
  };
}

/** A populate function that writes weights with the given content. */
export function writeWeights(content: string): (folder: string) => Promise<void> {
  return async (folder) => {
    writeFileSync(join(folder, WEIGHTS_FILE), content);
  };
}
