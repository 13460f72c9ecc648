// Audit messages as XML (PS3.15 A.5.1), one line each.

import type { AuditAction, AuditedObjects, AuditedStudy, Participant, TimedEvent } from './types';

interface Code {
  value: string;
  meaning: string;
}

/** Event, type of event, and action code: create, read, update, delete, execute. */
const EVENTS: Readonly<Record<AuditAction, { event: Code; type?: Code; action: 'C' | 'R' | 'U' | 'D' | 'E' }>> = {
  start: {
    event: { value: '110100', meaning: 'Application Activity' },
    type: { value: '110120', meaning: 'Application Start' },
    action: 'E',
  },
  stop: {
    event: { value: '110100', meaning: 'Application Activity' },
    type: { value: '110121', meaning: 'Application Stop' },
    action: 'E',
  },
  received: { event: { value: '110104', meaning: 'DICOM Instances Transferred' }, action: 'C' },
  analysed: { event: { value: '110103', meaning: 'DICOM Instances Accessed' }, action: 'R' },
  sent: { event: { value: '110104', meaning: 'DICOM Instances Transferred' }, action: 'R' },
  exported: { event: { value: '110106', meaning: 'Export' }, action: 'R' },
  deleted: { event: { value: '110105', meaning: 'DICOM Study Deleted' }, action: 'D' },
  refused: {
    event: { value: '110113', meaning: 'Security Alert' },
    type: { value: '110126', meaning: 'Node Authentication' },
    action: 'E',
  },
  steered: { event: { value: '110111', meaning: 'Procedure Record' }, action: 'U' },
};

const ROLES: Readonly<Record<Participant['role'], Code>> = {
  source: { value: '110153', meaning: 'Source Role ID' },
  destination: { value: '110152', meaning: 'Destination Role ID' },
  application: { value: '110150', meaning: 'Application' },
  model: { value: '110150', meaning: 'Application' },
};

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Characters that XML 1.0 does not have become question marks. */
const escaped = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u001f\ufffe\uffff]|[\ud800-\udfff]/g, '?').replace(/[&<>"']/g, (one) => ESCAPED[one] ?? one);

const element = (name: string, attributes: Readonly<Record<string, string | undefined>>, content = ''): string => {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escaped(value)}"`],
  );
  return content === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${content}</${name}>`;
};

const code = (name: string, { value, meaning }: Code, system = 'DCM'): string =>
  element(name, { 'csd-code': value, codeSystemName: system, originalText: meaning });

/** 1: name of a machine, 2: IP address, 5: URI. */
function accessPointType(address: string): string {
  if (/^[a-z]+:\/\//.test(address)) return '5';
  return /^[\d.]+$|:/.test(address) ? '2' : '1';
}

const participant = ({ id, address, alternative, role, isRequestor }: Participant): string =>
  element(
    'ActiveParticipant',
    {
      UserID: id,
      AlternativeUserID: alternative,
      UserIsRequestor: String(isRequestor),
      NetworkAccessPointID: address,
      NetworkAccessPointTypeCode: address === undefined ? undefined : accessPointType(address),
    },
    code('RoleIDCode', ROLES[role]),
  );

/** A system object that is a report, of a patient's study; the patient. */
function studyObjects({ study, patient, number }: AuditedStudy, objects: readonly AuditedObjects[]): string {
  const classes = objects.map(({ sopClass, count }) =>
    element('SOPClass', { UID: sopClass, NumberOfInstances: String(count) }),
  );
  const detail = element('ParticipantObjectDetail', {
    type: 'journal',
    value: Buffer.from(String(number)).toString('base64'),
  });
  return (
    element(
      'ParticipantObjectIdentification',
      { ParticipantObjectID: study, ParticipantObjectTypeCode: '2', ParticipantObjectTypeCodeRole: '3' },
      code('ParticipantObjectIDTypeCode', { value: '110180', meaning: 'Study Instance UID' }) +
        element('ParticipantObjectName', {}, 'pseudonym') +
        detail +
        (classes.length === 0 ? '' : element('ParticipantObjectDescription', {}, classes.join(''))),
    ) +
    element(
      'ParticipantObjectIdentification',
      { ParticipantObjectID: patient, ParticipantObjectTypeCode: '1', ParticipantObjectTypeCodeRole: '1' },
      code('ParticipantObjectIDTypeCode', { value: '2', meaning: 'Patient Number' }, 'RFC-3881') +
        element('ParticipantObjectName', {}, 'pseudonym'),
    )
  );
}

const APPLICATION_SERVER = { 'csd-code': '4' };

/** @param source name of this system */
export function auditXml(event: TimedEvent, source: string): string {
  const { action, outcome, time, participants, study, objects = [], detail, count } = event;
  const { event: what, type, action: kind } = EVENTS[action];
  const said = [detail, count !== undefined && count > 1 ? `${count} times` : undefined].filter(Boolean).join(', ');
  return element(
    'AuditMessage',
    {},
    element(
      'EventIdentification',
      {
        EventActionCode: kind,
        EventDateTime: time.toISOString(),
        EventOutcomeIndicator: outcome === 'success' ? '0' : '4',
      },
      code('EventID', what) +
        (type ? code('EventTypeCode', type) : '') +
        (said === '' ? '' : element('EventOutcomeDescription', {}, escaped(said))),
    ) +
      participants.map(participant).join('') +
      element(
        'AuditSourceIdentification',
        { AuditSourceID: source },
        element('AuditSourceTypeCode', APPLICATION_SERVER),
      ) +
      (study ? studyObjects(study, objects) : ''),
  );
}
