// DICOM pictures that bear one SOP Instance UID, which is to identify one instance (PS3.5 section 9): faulty anonymisers and
// copies that somebody edited break that.

import type { Part } from '../datasets/files/part-names';
import type { Sample } from '../datasets/samples/sample';
import { finding, type Finding } from '../datasets/samples/finding';

interface Placed {
  part: Part;
  sample: Sample;
  pixelHash: string;
  answer: string;
}

const filesOf = (copies: readonly Placed[]): number => new Set(copies.map(({ sample }) => sample.imagePath)).size;

/** True where one mask file is of more than one of the pictures. */
function shareMasks(copies: readonly Placed[]): boolean {
  const owners = new Map<string, string>();
  return copies.some(({ sample: { imagePath, masks = [] } }) =>
    masks.some(({ paths }) =>
      paths.some((path) => {
        const owner = owners.get(path) ?? imagePath;
        owners.set(path, owner);
        return owner !== imagePath;
      }),
    ),
  );
}

function told(copies: readonly Placed[], all: boolean): Finding {
  const names = copies.map(({ sample }) => sample.name);
  const parts = [...new Set(copies.map(({ part }) => part))];
  const what = `${names.join(', ')} bear one SOP Instance UID`;
  if (shareMasks(copies)) {
    const message = `${what}: it is not certain which of them their segmentation is of`;
    return finding('instance-twice', 'error', message, names);
  }
  if (all)
    return finding('instance-twice', 'warning', `all ${names.length} DICOM pictures bear one SOP Instance UID`, names);
  return parts.length > 1
    ? finding('instance-twice', 'error', `${what}, and are in ${parts.join(' and ')}`, names)
    : finding('instance-twice', 'warning', `${what}: they may be versions of one picture`, names);
}

/** Different pictures of one UID: an error where a mask refers to it, or two parts have it. Equal ones are duplicates. */
export function instancesTwice(seen: readonly Placed[]): Finding[] {
  const instances = new Map<string, Placed[]>();
  for (const one of seen) {
    const { instance } = one.sample;
    if (instance === undefined) continue;
    const copies = instances.get(instance);
    if (copies) copies.push(one);
    else instances.set(instance, [one]);
  }
  return [...instances.values()].flatMap((copies): Finding[] => {
    const different = new Set(copies.map(({ pixelHash, answer }) => `${pixelHash} ${answer}`)).size > 1;
    // A UID that every picture bears tells nothing of them.
    return filesOf(copies) > 1 && different ? [told(copies, instances.size === 1 && copies.length > 2)] : [];
  });
}
