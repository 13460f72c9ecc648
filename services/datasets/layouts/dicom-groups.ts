// Which pictures are of one patient, by their headers. A study is of exactly one patient (PS3.3 A.1.2): two ids in one study
// are a later correction or a half-finished anonymisation.

import { createHash } from 'node:crypto';
import type { DicomHeader } from '../../imaging/dicom';
import { counted, finding, type Finding } from '../samples/finding';
import { spelledTwice } from '../files/names';

/** Attributes that pictures may be grouped by, as --group-column names them. */
export const HEADER_GROUPS = ['PatientID', 'StudyInstanceUID'] as const;
export type HeaderGroup = (typeof HEADER_GROUPS)[number];

type Headers = ReadonlyMap<string, DicomHeader>;

/** Hexadecimal digits of a pseudonym. */
const PSEUDONYM = 16;

/**
 * Stands for an identifier in splits, findings and reports: the same for the same, in every run and on every machine. No
 * anonymisation: who can guess an identifier can tell whether this is its pseudonym, and short ones can be tried one by one.
 */
export function pseudonym(identifier: string): string {
  return createHash('sha256').update(identifier).digest('hex').slice(0, PSEUDONYM);
}

export interface HeaderGroups {
  /** Absent where no file is DICOM. */
  column: HeaderGroup | undefined;
  /** By path; of a file that says nothing none, unless it has several frames. */
  groups: ReadonlyMap<string, string>;
  notes: string[];
  findings: Finding[];
}

/**
 * What pictures are grouped by: patients, unless all bear one id (as some anonymisers write), where only studies can be told
 * apart.
 */
function chooseGroup(headers: Headers, notes: string[]): HeaderGroup {
  const patients = new Set([...headers.values()].flatMap(({ patientId }) => patientId ?? []));
  if (headers.size < 2 || patients.size > 1) return 'PatientID';
  notes.push(
    `${patients.size === 1 ? 'every DICOM file bears the same patient id' : 'no DICOM file bears a patient id'}, ` +
      'so studies are kept together, and a split may separate one patient',
  );
  return 'StudyInstanceUID';
}

/** Sets of keys that were linked, directly or through others. */
class Components {
  private readonly above = new Map<string, string>();

  /** The least key of its set. */
  find(key: string): string {
    let top = key;
    for (let next = this.above.get(top); next !== undefined; next = this.above.get(top)) top = next;
    if (top !== key) this.above.set(key, top);
    return top;
  }

  link(a: string, b: string): void {
    const [low = '', high = ''] = [this.find(a), this.find(b)].sort();
    if (low !== high) this.above.set(high, low);
  }
}

/** Keys sort patients before studies: a set is named after its least patient id, else its least study. */
const keysOf = ({ patientId, studyUid }: DicomHeader): string[] => [
  ...(patientId === undefined ? [] : [`0${patientId}`]),
  ...(studyUid === undefined ? [] : [`1${studyUid}`]),
];

/** Patients whose ids and studies meet; an id and a study alone are one patient each. */
function patientsOf(headers: Headers): Map<string, string> {
  const sets = new Components();
  for (const header of headers.values()) {
    const [first, second] = keysOf(header);
    if (first !== undefined && second !== undefined) sets.link(first, second);
  }
  // Ids that differ in case, blanks or zeros only may be of one patient: to keep two together harms no score.
  for (const [id = '', ...same] of spelledIds(headers)) for (const other of same) sets.link(`0${id}`, `0${other}`);
  return new Map(
    [...headers].flatMap(([path, header]): [string, string][] => {
      const [key] = keysOf(header);
      return key === undefined ? [] : [[path, sets.find(key).slice(1)]];
    }),
  );
}

interface Study {
  ids: Set<string>;
  paths: string[];
  /** Some picture has no patient id. */
  without: boolean;
}

function studiesOf(headers: Headers): Study[] {
  const studies = new Map<string, Study>();
  for (const [path, { patientId, studyUid }] of headers) {
    if (studyUid === undefined) continue;
    const study = studies.get(studyUid) ?? { ids: new Set(), paths: [], without: false };
    if (patientId === undefined) study.without = true;
    else study.ids.add(patientId);
    study.paths.push(path);
    studies.set(studyUid, study);
  }
  return [...studies.values()];
}

/** Studies that contradict themselves. */
function studyFindings(studies: readonly Study[]): Finding[] {
  const add = (those: readonly Study[], what: string): Finding[] => {
    if (those.length === 0) return [];
    const count = those.length === 1 ? '1 study has' : `${those.length} studies have`;
    const message = `${count} pictures ${what}: kept together as one patient`;
    return [
      finding(
        'note',
        'warning',
        message,
        those.flatMap(({ paths }) => paths),
      ),
    ];
  };
  return [
    ...add(
      studies.filter(({ ids }) => ids.size > 1),
      'of several patient ids',
    ),
    ...add(
      studies.filter(({ ids, without }) => ids.size === 1 && without),
      'with and without a patient id',
    ),
  ];
}

/** Patient ids that may be one. */
function spelledIds(headers: Headers): string[][] {
  return spelledTwice(new Set([...headers.values()].flatMap(({ patientId }) => patientId ?? [])));
}

/** The same as a finding, which names no patient. */
function spellingFindings(headers: Headers): Finding[] {
  const same = new Set(spelledIds(headers).flat());
  if (same.size === 0) return [];
  const paths = [...headers].flatMap(([path, { patientId }]) => (same.has(patientId ?? '') ? path : []));
  const message = `${counted(same.size, 'patient id')} differ from another in case, blanks or zeros only, and are kept together with it: they may be one patient`;
  return [finding('group-spelling', 'warning', message, paths)];
}

/** A warning about pictures of which only the study is known, where other pictures have a patient. */
function studiesAlone(headers: Headers): Finding[] {
  const sets = patientsOf(headers);
  const patients = new Set(
    [...headers].flatMap(([path, { patientId }]) => (patientId === undefined ? [] : (sets.get(path) ?? []))),
  );
  const alone = [...sets].flatMap(([path, set]) => (patients.has(set) ? [] : path));
  if (alone.length === 0) return [];
  const message =
    `${alone.length} of ${counted(headers.size, 'DICOM picture', ' has', ' have')} no patient id: of these only studies are ` +
    'kept together, and a split may separate one patient';
  return [finding('group-missing', 'warning', message, alone)];
}

/** @param by attribute that groups are made of; absent: patients where they can be told apart */
export function groupsOf(headers: Headers, by: HeaderGroup | undefined): HeaderGroups {
  const notes: string[] = [];
  const column = by ?? (headers.size > 0 ? chooseGroup(headers, notes) : undefined);
  const studies = studiesOf(headers);
  const ids = new Set([...headers.values()].flatMap(({ patientId }) => patientId ?? []));
  // A study that all files bear, as some anonymisers write it, tells nothing.
  const oneStudy = column === 'PatientID' && studies.length === 1 && ids.size > 1;
  if (oneStudy) {
    notes.push('all DICOM files bear one StudyInstanceUID, but several patient ids: a split may separate one patient');
  }
  const identifiers =
    column === 'StudyInstanceUID'
      ? new Map([...headers].flatMap(([path, { studyUid }]) => (studyUid === undefined ? [] : [[path, studyUid]])))
      : patientsOf(oneStudy ? withoutStudy(headers) : headers);
  const groups = new Map<string, string>();
  for (const [path, { frames }] of headers) {
    // Frames of one file are of one patient, whoever that is.
    const identifier = identifiers.get(path) ?? (frames > 1 ? path : undefined);
    if (identifier !== undefined) groups.set(path, pseudonym(identifier));
  }
  const findings =
    column === 'PatientID'
      ? [
          ...(oneStudy ? [] : studyFindings(studies)),
          ...spellingFindings(headers),
          ...(ids.size > 0 ? studiesAlone(headers) : []),
        ]
      : [];
  return { column, groups, notes, findings };
}

/** Patients by their ids alone, where they have one. */
function withoutStudy(headers: Headers): Headers {
  return new Map(
    [...headers].map(([path, header]) => [
      path,
      header.patientId === undefined ? header : { ...header, studyUid: undefined },
    ]),
  );
}
