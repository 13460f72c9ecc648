// The typed face of the addon. Services import this module from their adapters/ only.

export * from './engine';
export * from './errors';
export * from './golden';
export * from './import';
export { BRIEF_SPIN, spinBriefly } from './native';
export * from './trainer';
export type * from './types/engine';
export type * from './types/image';
export type * from './types/training';
