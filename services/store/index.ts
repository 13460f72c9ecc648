export * from './architectures';
export * from './manifests';
export * from './model-store';
export { sha256OfFile, WEIGHTS_FILE, type Stored } from './versions';
