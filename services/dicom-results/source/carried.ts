// What results repeat of their source, byte for byte: attributes of patient and study, which all objects of a study must agree on.

import type { DataSet, Element } from 'dicom-parser';
import type { Elements, ElementValue } from '../write/elements';

/** Elements of the source in the source's character set, ready to be written; types 2 that it lacks are empty. */
export type CarriedElements = Elements;

/** VRs of what is carried: an implicit source does not say them. Elements of sequences are in here, too. */
const VRS: Readonly<Record<string, string>> = {
  // Character set, time zone
  '00080005': 'CS',
  '00080201': 'SH',
  // Study
  '00080020': 'DA',
  '00080030': 'TM',
  '00080050': 'SH',
  '00080051': 'SQ',
  '00080090': 'PN',
  '00081030': 'LO',
  '00081032': 'SQ',
  '00081048': 'PN',
  '00081060': 'PN',
  '0020000d': 'UI',
  '00200010': 'SH',
  // Patient
  '00100010': 'PN',
  '00100020': 'LO',
  '00100021': 'LO',
  '00100022': 'CS',
  '00100030': 'DA',
  '00100032': 'TM',
  '00100040': 'CS',
  '00101000': 'LO',
  '00101001': 'PN',
  '00101002': 'SQ',
  '00102160': 'SH',
  '00104000': 'LT',
  '00120062': 'CS',
  '00120063': 'LO',
  '00120064': 'SQ',
  // Patient in the study
  '00081080': 'LO',
  '00101010': 'AS',
  '00101020': 'DS',
  '00101030': 'DS',
  '00102180': 'SH',
  '001021b0': 'LT',
  '00102203': 'CS',
  // Clinical trial
  '00120010': 'LO',
  '00120020': 'LO',
  '00120021': 'LO',
  '00120030': 'LO',
  '00120031': 'LO',
  '00120040': 'LO',
  '00120042': 'LO',
  '00120050': 'LO',
  '00120051': 'ST',
  '00120060': 'LO',
  // Frame of reference
  '00200052': 'UI',
  '00201040': 'LO',
  // Of the images: what part of the body, lossy compression, how the picture lies
  '00080070': 'LO',
  '00082218': 'SQ',
  '00180015': 'CS',
  '00185100': 'CS',
  '00200020': 'CS',
  '00200060': 'CS',
  '00200062': 'CS',
  '00280301': 'CS',
  '00282110': 'CS',
  '00282112': 'DS',
  '00282114': 'CS',
  // Codes and issuers in sequences
  '00080100': 'SH',
  '00080102': 'SH',
  '00080103': 'SH',
  '00080104': 'LO',
  '00400031': 'UT',
  '00400032': 'UT',
  '00400033': 'CS',
};

/** Of sequences alone, or of the images: written only where an object asks for them. */
const NESTED = /^0008010[0-4]$|^0040003[1-3]$|^00100022$/;

const EMPTY_WHERE_ABSENT: Elements = {
  '00080020': ['DA', ''],
  '00080030': ['TM', ''],
  '00080050': ['SH', ''],
  '00080090': ['PN', ''],
  '00100010': ['PN', ''],
  '00100020': ['LO', ''],
  '00100030': ['DA', ''],
  '00100040': ['CS', ''],
  '00200010': ['SH', ''],
};

const tagOf = (key: string): string => key.slice(1);

/** Bytes of one element, or its items; nothing where a sequence holds what has no VR here. */
function valueOf({ byteArray }: DataSet, element: Element, vr: string): ElementValue | undefined {
  if (vr !== 'SQ') {
    const bytes = Buffer.from(byteArray.subarray(element.dataOffset, element.dataOffset + element.length));
    // Text that was padded as UIDs are.
    if (vr !== 'UI' && bytes.at(-1) === 0) bytes.fill(0x20, bytes.length - 1);
    return bytes;
  }
  const items: Elements[] = [];
  for (const { dataSet } of element.items ?? []) {
    const entries = Object.entries(dataSet?.elements ?? {});
    const item = entries.map(([key, inner]) => {
      const innerVr = VRS[tagOf(key)];
      const value = dataSet && innerVr ? valueOf(dataSet, inner, innerVr) : undefined;
      return innerVr && value !== undefined ? ([tagOf(key), [innerVr, value]] as const) : undefined;
    });
    if (item.includes(undefined)) return undefined;
    items.push(Object.fromEntries(item.flatMap((entry) => (entry ? [entry] : []))));
  }
  return items;
}

export function carriedOf(dataSet: DataSet): CarriedElements {
  const carried = Object.entries(VRS).flatMap(([tag, vr]) => {
    const element = NESTED.test(tag) ? undefined : dataSet.elements[`x${tag}`];
    const value = element && valueOf(dataSet, element, vr);
    return value === undefined ? [] : [[tag, [vr, value]] as const];
  });
  return { ...EMPTY_WHERE_ABSENT, ...Object.fromEntries(carried) };
}

const OF_IMAGE = /^(0008(0070|2218)|0018....|0020(0020|0052|006[02]|1040)|0028....)$/;

/** Those of patient, study and trial, which go into every object. */
export function studyElements(carried: CarriedElements): Elements {
  return Object.fromEntries(Object.entries(carried).filter(([tag]) => !OF_IMAGE.test(tag)));
}

const isEmpty = (value: ElementValue): boolean =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1').trim() === '' : value.length === 0;

/** Some of the others, where the source has values for them. */
export function chosen(carried: CarriedElements, ...tags: readonly string[]): Elements {
  return Object.fromEntries(
    tags.flatMap((tag) => {
      const element = carried[tag];
      return element && !isEmpty(element[1]) ? [[tag, element] as const] : [];
    }),
  );
}

/** Terms of body parts of which there are two (PS3.16 annex L). */
const PAIRED =
  /^(ADRENAL|ANKLE|ARM|BREAST|CALF|CLAVICLE|EAR|ELBOW|EXTREMITY|EYE|FINGER|FOOT|FOREARM|HAND|HIP|HUMERUS|JAW|KIDNEY|KNEE|LEG|LUNG|ORBIT|OVARY|PAROTID|RIB|SCAPULA|SHOULDER|TESTIS|THIGH|THUMB|TOE|UPPERARM|WRIST|ZYGOMA)/;

/** Body part and side, for objects that must say the side unless the part has none (PS3.3 C.7.3.1): empty where it is unknown. */
export function sideElements(carried: CarriedElements): Elements {
  const part = carried['00180015']?.[1];
  const name = part instanceof Uint8Array ? Buffer.from(part).toString('latin1').trim() : '';
  const needed = name === '' || PAIRED.test(name);
  return { ...(needed ? { '00200060': ['CS', ''] as const } : {}), ...chosen(carried, '00180015', '00200060') };
}
