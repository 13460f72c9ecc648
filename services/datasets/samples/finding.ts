// What is worth saying about a data set: its kinds, and how serious each is.

export type FindingKind =
  | 'unusable'
  | 'duplicate'
  | 'duplicate-across-parts'
  | 'alike-across-parts'
  | 'contradiction'
  | 'instance-twice'
  | 'group-across-parts'
  | 'group-table'
  | 'group-missing'
  | 'group-spelling'
  | 'class-spelling'
  | 'class-missing'
  | 'part-as-class'
  | 'not-read'
  | 'left-out'
  | 'split-share'
  | 'empty-mask'
  | 'full-mask'
  | 'mask-values'
  | 'mask-orientation'
  | 'background-foreground'
  | 'vanishing-mask'
  | 'vanishing-lesion'
  | 'value-range'
  | 'nothing-to-learn'
  | 'imbalance'
  | 'name-twice'
  | 'many-unusable'
  | 'note';

/**
 * An error makes a score wrong or a run pointless, and training refuses it unless it is told otherwise; a warning is worth a
 * look.
 *
 * | kind | severity | what |
 * |---|---|---|
 * | duplicate-across-parts | error | the same pixels in two parts: the test knows the answer |
 * | alike-across-parts | warning | pictures in two parts that look the same and are not: copies with loss or resized, neighbours |
 * | contradiction | error | the same pixels with different classes or masks |
 * | instance-twice | error where a mask refers to it or in two parts, else warning | different DICOM pictures of one SOP Instance UID |
 * | group-across-parts | error | a patient, sequence or source in two parts |
 * | group-table | error when nothing matches, else warning | rows of a table that reach no picture, pictures without row |
 * | group-missing | error for most samples, else warning | samples without a group, where others have one |
 * | group-spelling | warning | groups that differ only in case, blanks, normal form or zeros before a number |
 * | class-spelling | error | classes that differ only so |
 * | part-as-class | error | a folder named like a part, e.g. test/, that counts as a class |
 * | class-missing | warning | a class without an image in the validation or test part |
 * | not-read | warning | pictures in the folder that are no samples and no masks, and folders that systems add |
 * | left-out | warning | DICOM objects that are no images, and pictures that are no samples by what their header says |
 * | split-share | warning | a split by groups that misses the share by far |
 * | nothing-to-learn | error | every training mask empty or full, or a class without training image |
 * | mask-values | error | masks of which it is not certain which values are foreground |
 * | mask-orientation | error | EXIF turns an image, and one cannot tell whether its mask too |
 * | background-foreground | error, of few masks a warning | the border of the picture is foreground |
 * | vanishing-mask | warning | something that is lost at the size of the model's input |
 * | vanishing-lesion | warning | a lesion that is lost there, beside others that are left |
 * | value-range | warning | pictures of 16 bits or float that use a small share of their range, or leave it |
 * | name-twice | error | different files of a published data set that bear the name of one |
 * | many-unusable | error, of what is measured a warning | more than a fifth of the files: what is left is another data set |
 * | unusable | warning | a file that cannot be read or has no partner; it is left out |
 * | duplicate | warning | the same pixels twice in one part |
 * | empty-mask, full-mask | warning | may be right, often is not |
 * | imbalance | warning | a class with ten times fewer training images than the largest |
 * | note | warning | what the reader of the layout has to say |
 */
export interface Finding {
  kind: FindingKind;
  severity: 'error' | 'warning';
  message: string;
  /** Files that it concerns, sorted. */
  names: string[];
}

export function finding(
  kind: FindingKind,
  severity: Finding['severity'],
  message: string,
  names: readonly string[] = [],
): Finding {
  return { kind, severity, message, names: [...names].sort() };
}

/** `1 picture has`, `2 pictures have` */
export function counted(count: number, noun: string, one = '', more = one): string {
  return `${count} ${noun}${count === 1 ? one : `s${more}`}`;
}
