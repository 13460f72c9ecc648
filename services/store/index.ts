export { auditStore, type Audit, type AuditProblem } from './audit';
export * from './architectures';
export { exportWeights, type ExportOptions } from './export-weights';
export * from './golden';
export * from './manifests';
export * from './model-store';
export { sha256OfFile, WEIGHTS_FILE, type Stored } from './versions';
