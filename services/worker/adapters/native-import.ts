import { importBase, importHarDNet, importMobileNet } from '../../../native/lib';
import type { WriteBackbone } from '../domain/bases/import-backbone';
import type { WriteBase } from '../domain/bases/import-base';

export const writeNativeBase: WriteBase = (file, architecture, { resizePositions, adapterSeed }, weightsPath) =>
  importBase(file, JSON.stringify(architecture), resizePositions, adapterSeed, weightsPath);

export const writeNativeBackbone: WriteBackbone = (file, architecture, seed, weightsPath) =>
  architecture.kind === 'mobilenet-v3-large'
    ? importMobileNet(file, architecture.se === 'improved', seed, weightsPath)
    : importHarDNet(file, weightsPath);
