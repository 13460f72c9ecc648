// The Basic Application Level Confidentiality Profile (PS3.15 table E.1-1) for objects of this program: what of the source they repeat is
// listed in services/dicom-results/source/carried.ts, all else they say themselves.

/** `X`: removed. `Z`: empty. `D`: a dummy value. `P`: a pseudonym, by a keyed hash. `date`, `time`: see `dates`. */
export type Action = 'X' | 'Z' | 'D' | 'P' | 'date' | 'time';

export interface Profile {
  /** Removed (dummies where an object must have one), moved by a number of days that is the patient's own, or kept. */
  dates: 'remove' | 'shift' | 'keep';
  /** Sex, age, size, weight, smoking, pregnancy status, ethnic group. */
  characteristics: 'remove' | 'keep';
  uids: 'replace' | 'keep';
  /** Serial number of the device, which is the SHA-256 of the model's weights, wherever it stands, and that of the base. */
  device: 'remove' | 'keep';
}

/** Patient characteristics that an option keeps (113108). */
const CHARACTERISTICS: Readonly<Record<string, Action>> = {
  '00100040': 'Z', // sex
  '00101010': 'X', // age
  '00101020': 'X', // size
  '00101030': 'X', // weight
  '001021a0': 'X', // smoking
  '001021c0': 'X', // pregnancy
  '00102160': 'X', // ethnic group
  '00102203': 'X', // neutered
};

const DATES: Readonly<Record<string, Action>> = {
  '00080012': 'date',
  '00080013': 'time',
  '00080020': 'date',
  '00080021': 'date',
  '00080022': 'date',
  '00080023': 'date',
  '00080030': 'time',
  '00080031': 'time',
  '00080032': 'time',
  '00080033': 'time',
  '00181012': 'date',
  '00181014': 'time',
  '00700082': 'date',
  '00700083': 'time',
};

const ALWAYS: Readonly<Record<string, Action>> = {
  '00080050': 'Z', // accession number
  '00080051': 'X',
  '00080080': 'X', // institution
  '00080081': 'X',
  '00080082': 'X',
  '00080090': 'Z', // referring physician
  '00080092': 'X',
  '00080094': 'X',
  '00080096': 'X',
  '00080201': 'X', // time zone
  '00081010': 'X', // station
  '00081030': 'X', // study description
  '00081032': 'X', // procedure
  '00081040': 'X',
  '00081048': 'X',
  '00081049': 'X',
  '00081050': 'X',
  '00081060': 'X',
  '00081070': 'X',
  '00081080': 'X', // admitting diagnoses
  '00081084': 'X',
  '00100010': 'P', // patient's name
  '00100020': 'P', // and ID
  '00100021': 'X',
  '00100022': 'X',
  '00100024': 'X',
  '00100030': 'Z', // birth date
  '00100032': 'X',
  '00100050': 'X',
  '00101000': 'X',
  '00101001': 'X',
  '00101002': 'X',
  '00101005': 'X',
  '00101040': 'X',
  '00101060': 'X',
  '00102154': 'X',
  '00102180': 'X',
  '001021b0': 'X',
  '001021f0': 'X',
  '00104000': 'X',
  '00200010': 'Z', // study ID
  '00321030': 'X',
  '00321032': 'X',
  '00321033': 'X',
  '00321060': 'X',
  '00380010': 'X',
  '00400275': 'X',
  '00400244': 'X',
  '00400245': 'X',
  '00400253': 'X',
  '00400254': 'X',
};

/** What happens to an element; undefined: it stays, but for UIDs, names of persons and private elements. */
export function actionOn(tag: string, { dates, characteristics, device }: Profile): Action | undefined {
  // Clinical trial subjects and sponsors: none or all of a module may be there.
  if (/^0012(00[1-8]|005)/.test(tag) && !/^0012006[234]$/.test(tag)) return 'X';
  if (dates !== 'keep' && DATES[tag]) return DATES[tag];
  if (characteristics !== 'keep' && CHARACTERISTICS[tag]) return CHARACTERISTICS[tag];
  if (device !== 'keep' && tag === '00181000') return 'D';
  return ALWAYS[tag];
}

/** Codes of what was done (PS3.16 CID 7050). */
export function methodsOf({ dates, characteristics, uids, device }: Profile) {
  const dcm = (value: string, meaning: string) => ({ value, scheme: 'DCM', meaning });
  return [
    dcm('113100', 'Basic Application Confidentiality Profile'),
    dcm('113104', 'Clean Structured Content Option'),
    dcm('113105', 'Clean Descriptors Option'),
    ...(dates === 'keep' ? [dcm('113106', 'Retain Longitudinal Temporal Information Full Dates Option')] : []),
    ...(dates === 'shift' ? [dcm('113107', 'Retain Longitudinal Temporal Information Modified Dates Option')] : []),
    ...(characteristics === 'keep' ? [dcm('113108', 'Retain Patient Characteristics Option')] : []),
    ...(device === 'keep' ? [dcm('113109', 'Retain Device Identity Option')] : []),
    ...(uids === 'keep' ? [dcm('113110', 'Retain UIDs Option')] : []),
  ];
}
