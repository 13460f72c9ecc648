export { auditStore, type Audit, type AuditProblem } from './audit';
export * from './architectures';
export { backupStore, restoreStore, type BackupOptions } from './backup';
export { deleteGarbage, findGarbage, type Garbage, type RetentionPolicy } from './garbage';
export { exportWeights, type ExportOptions } from './export-weights';
export * from './golden';
export * from './manifests';
export * from './model-store';
export { sha256OfFile, WEIGHTS_FILE, type Stored } from './versions';
