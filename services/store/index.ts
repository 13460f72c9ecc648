export { auditStore, type Audit, type AuditProblem } from './audit';
export * from './architectures';
export * from './manifests';
export * from './model-store';
export { sha256OfFile, WEIGHTS_FILE, type Stored } from './versions';
