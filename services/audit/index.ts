// Audit trails as DICOM asks for them.

export { AuditLog } from './audit-log';
export { AuditForwarder } from './syslog/forwarder';
export type { SyslogTarget } from './syslog/transports';
export { auditXml } from './xml';
export type * from './types';
