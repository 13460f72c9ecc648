// Objects of this program without what identifies the patient (PS3.15 annex E): without what the profile lists, and, wherever they stand,
// names of persons, private elements, those of unknown VR, and dates and times that the profile does not list. All else this program wrote.

import type { DataSet, Element } from 'dicom-parser';
import { parseFile } from '../imaging/dicom/data-set';
import { codeItem, part10, type Elements, type ElementValue } from '../dicom-results';
import { actionOn, methodsOf, type Action, type Profile } from './profile';
import type { Pseudonyms } from './pseudonyms';

/** What a pseudonym stands for. */
export interface Replaced {
  kind: 'patient' | 'study' | 'series' | 'instance';
  pseudonym: string;
  original: string;
}

export interface Deidentified {
  bytes: Buffer;
  sopInstanceUid: string;
  replaced: Replaced[];
}

const DUMMY_DATE = '19000101';
const DUMMY_TIME = '000000';
const DUMMY_TEXT = 'REMOVED';
const DAY_MS = 86_400_000;
/** Hashes of the images without a key: who has an image could find its result. */
const LINKING = /^(inputs|pixels)_sha256=/;
/** Hashes of the weights, which stand for the device. */
const DEVICE = /^(weights|base)_sha256=/;
const DEVICE_SERIAL = '121016';
const isTime = (vr: string): boolean => ['DA', 'TM', 'DT'].includes(vr);
const TEXT_VALUE = '0040a160';
const PARAMETERS = '00660032';

const textOf = ({ byteArray }: DataSet, { dataOffset, length }: Element): string =>
  Buffer.from(byteArray.subarray(dataOffset, dataOffset + length))
    .toString('latin1')
    .replace(/[ \0]+$/, '');

function shifted(date: string, days: number): string {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(date) ?? [];
  if (year === undefined) return DUMMY_DATE;
  const moved = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)) - days * DAY_MS);
  return moved.toISOString().slice(0, 10).replaceAll('-', '');
}

class Rewriter {
  constructor(
    private readonly profile: Profile,
    private readonly names: Pseudonyms,
    private readonly patient: string,
  ) {}

  elements(dataSet: DataSet): Elements {
    const entries = Object.entries(dataSet.elements).flatMap(([key, element]) => {
      const tag = key.slice(1);
      const group = parseInt(tag.slice(0, 4), 16);
      // File meta information is written anew; private elements and group lengths go.
      if (group === 2 || group % 2 === 1 || tag.endsWith('0000')) return [];
      const written = this.element(tag, dataSet, element);
      return written ? [[tag, written] as const] : [];
    });
    return Object.fromEntries(entries);
  }

  private element(
    tag: string,
    dataSet: DataSet,
    element: Element,
  ): readonly [vr: string, value: ElementValue] | undefined {
    const { vr = 'UN' } = element;
    const action = actionOn(tag, this.profile);
    if (action) return this.replaced(action, vr, textOf(dataSet, element));
    if (vr === 'UN' || (isTime(vr) && this.profile.dates !== 'keep')) return undefined;
    if (vr === 'PN') return [vr, ''];
    if (vr === 'SQ') {
      const items = (element.items ?? []).flatMap((item) => (item.dataSet ? [item.dataSet] : []));
      const kept = items.filter(
        (item) => !this.isDeviceSerial(item) && this.stays(item.string(`x${TEXT_VALUE}`) ?? ''),
      );
      return [vr, kept.map((item) => this.elements(item))];
    }
    if (vr === 'UI' && this.profile.uids === 'replace') {
      const uids = textOf(dataSet, element).split('\\');
      return [vr, uids.map((uid) => this.names.uid(uid)).join('\\')];
    }
    if (tag === PARAMETERS) {
      const lines = textOf(dataSet, element).split('\n');
      return [vr, lines.filter((line) => this.stays(line)).join('\n')];
    }
    return [vr, Uint8Array.from(dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length))];
  }

  /** Whether a parameter, as `name=value`, may stay. */
  private stays(text: string): boolean {
    return !LINKING.test(text) && (this.profile.device === 'keep' || !DEVICE.test(text));
  }

  /** Whether a content item is the observer's serial number, and is to go. */
  private isDeviceSerial(item: DataSet): boolean {
    if (this.profile.device === 'keep' || !item.elements[`x${TEXT_VALUE}`]) return false;
    return item.elements['x0040a043']?.items?.[0]?.dataSet?.string('x00080100') === DEVICE_SERIAL;
  }

  private replaced(action: Action, vr: string, was: string): readonly [string, ElementValue] | undefined {
    const isShifted = this.profile.dates === 'shift';
    switch (action) {
      case 'X':
        return undefined;
      case 'Z':
        return [vr, vr === 'SQ' ? [] : ''];
      case 'D':
        return [vr, DUMMY_TEXT];
      case 'P':
        return [vr, this.names.patient(this.patient)];
      case 'date':
        return [vr, was === '' ? '' : isShifted ? shifted(was, this.names.days(this.patient)) : DUMMY_DATE];
      case 'time':
        return [vr, was === '' ? '' : isShifted ? was : DUMMY_TIME];
    }
  }
}

/**
 * Writes an object anew: the same object and key give the same bytes.
 * @param file a Part 10 file that services/dicom-results wrote, in Explicit VR Little Endian
 * @throws DicomError for what is no DICOM
 */
export function deidentify(file: Uint8Array, profile: Profile, names: Pseudonyms): Deidentified {
  const { dataSet } = parseFile(file, { maxBytes: file.length });
  const of = (tag: string): string => {
    const element = dataSet.elements[tag];
    return element ? textOf(dataSet, element) : '';
  };
  const patient = JSON.stringify([of('x00100020'), of('x00100021')]);
  const elements = new Rewriter(profile, names, patient).elements(dataSet);
  const uid = (tag: string): string => (profile.uids === 'keep' ? of(tag) : names.uid(of(tag)));
  const sopInstanceUid = uid('x00080018');
  const bytes = part10(of('x00080016'), sopInstanceUid, {
    ...elements,
    '00120062': ['CS', 'YES'],
    '00120063': ['LO', 'Automed, PS3.15 annex E'],
    '00120064': ['SQ', methodsOf(profile).map(codeItem)],
    '00280303': ['CS', { keep: 'UNMODIFIED', shift: 'MODIFIED', remove: 'REMOVED' }[profile.dates]],
  });
  const replaced: Replaced[] = [
    { kind: 'patient', pseudonym: names.patient(patient), original: of('x00100020') },
    ...(profile.uids === 'keep'
      ? []
      : (['study', 'series', 'instance'] as const).map((kind): Replaced => {
          const tag = { study: 'x0020000d', series: 'x0020000e', instance: 'x00080018' }[kind];
          return { kind, pseudonym: names.uid(of(tag)), original: of(tag) };
        })),
  ];
  return { bytes, sopInstanceUid, replaced };
}
