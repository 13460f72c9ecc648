// Audit messages as syslog carries them (PS3.15 A.6: RFC 5424, with the identifier that DICOM asks for).

import type { TimedEvent } from '../types';
import { auditXml } from '../xml';

/** Security and authorization messages (RFC 5424, table 1). */
const FACILITY = 10;
const NOTICE = 5;
const WARNING = 4;
/** UTF-8 in RFC 5424 begins with it. */
const BYTE_ORDER_MARK = '\ufeff';

/** Header fields have printable ASCII without spaces, up to a length; `-` stands for none. */
const field = (text: string, longest: number): string => text.replace(/[^\x21-\x7e]/g, '').slice(0, longest) || '-';

export interface Sender {
  /** Audit Source ID of the messages. */
  source: string;
  host: string;
  program: string;
  processId: number;
}

/** @returns the message without framing */
export function syslogMessage(event: TimedEvent, { source, host, program, processId }: Sender): Buffer {
  const priority = FACILITY * 8 + (event.outcome === 'success' ? NOTICE : WARNING);
  const time = event.time.toISOString();
  const header = `<${priority}>1 ${time} ${field(host, 255)} ${field(program, 48)} ${processId} DICOM+RFC3881 -`;
  return Buffer.from(`${header} ${BYTE_ORDER_MARK}${auditXml(event, source)}`, 'utf8');
}
