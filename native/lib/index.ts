// The typed face of the addon. Services import this module from their adapters/ only.

export * from './engine';
export * from './errors';
export * from './golden';
export * from './import';
export * from './trainer';
export type { RawPixels, SampleType, SplitName } from './native';
