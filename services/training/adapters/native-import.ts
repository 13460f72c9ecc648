import { importBase } from '../../../native/lib';
import type { WriteBase } from '../domain/import-base';

export const writeNativeBase: WriteBase = (file, architecture, resizePositions, weightsPath) =>
  importBase(file, JSON.stringify(architecture), resizePositions, weightsPath);
