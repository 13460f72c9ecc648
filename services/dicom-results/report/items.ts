// Content items of structured reports (PS3.3 C.17.3).

import type { Code } from '../../store/terms';
import { codeItem, type Elements } from '../write/elements';
import { decimal } from '../write/decimal';

export type Relation = 'CONTAINS' | 'HAS OBS CONTEXT' | 'HAS CONCEPT MOD';

const item = (relation: Relation, valueType: string, concept: Code | undefined, value: Elements): Elements => ({
  '0040a010': ['CS', relation],
  '0040a040': ['CS', valueType],
  ...(concept ? { '0040a043': ['SQ', [codeItem(concept)]] as const } : {}),
  ...value,
});

const children = (content: readonly Elements[]): Elements =>
  content.length > 0 ? { '0040a730': ['SQ', content] } : {};

export const textItem = (relation: Relation, concept: Code, text: string): Elements =>
  item(relation, 'TEXT', concept, { '0040a160': ['UT', text] });

export const codedItem = (relation: Relation, concept: Code, code: Code): Elements =>
  item(relation, 'CODE', concept, { '0040a168': ['SQ', [codeItem(code)]] });

export const uidItem = (relation: Relation, concept: Code, uid: string): Elements =>
  item(relation, 'UIDREF', concept, { '0040a124': ['UI', uid] });

/** @param reference item of Referenced SOP Sequence */
export const imageItem = (concept: Code | undefined, reference: Elements): Elements =>
  item('CONTAINS', 'IMAGE', concept, { '00081199': ['SQ', [reference]] });

/** @param unit of UCUM */
export function numberItem(concept: Code, value: number, unit: Code, content: readonly Elements[] = []): Elements {
  const measured: Elements = { '004008ea': ['SQ', [codeItem(unit)]], '0040a30a': ['DS', decimal(value)] };
  return item('CONTAINS', 'NUM', concept, { '0040a300': ['SQ', [measured]], ...children(content) });
}

/** @param template number of the template of DCMR that it follows */
export function container(concept: Code, content: readonly Elements[], template?: string): Elements {
  return item('CONTAINS', 'CONTAINER', concept, {
    '0040a050': ['CS', 'SEPARATE'],
    ...(template === undefined
      ? {}
      : { '0040a504': ['SQ', [{ '00080105': ['CS', 'DCMR'], '0040db00': ['CS', template] }]] as const }),
    ...children(content),
  });
}
