// Audit trails as DICOM asks for them.

export { AuditLog } from './audit-log';
export { auditXml } from './xml';
export type * from './types';
