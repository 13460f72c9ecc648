import type { NamedTerm } from '../content/terms';
import { ascii, LONG_STRING } from '../shared/ascii';
import { algorithmItem } from '../shared/identity';
import type { ModelIdentity, ResultContext } from '../types';
import { codeItem, type Elements } from '../write/elements';
import { uidOf } from '../write/uids';
import { colourOf, dicomLab } from './colours';

/** By what a structure is followed from object to object of one series: the report's measurements are of the same. */
export function trackingUid(model: ModelIdentity, sourceSeriesUid: string, name: string): string {
  return uidOf('tracking', sourceSeriesUid, model.name, String(model.version), name);
}

export const trackingId = (model: ModelIdentity, name: string): string => ascii(`${model.name} ${name}`, LONG_STRING);

/** What people read: the structure's name, or its term's meaning where the name is of another alphabet. */
export const labelOf = ({ name, type }: NamedTerm): string => {
  const label = ascii(name, LONG_STRING);
  return label === '' || label.includes('?') ? type.meaning : label;
};

/** Items of Segment Sequence (PS3.3 C.8.20.4), numbered from 1. */
export function segmentItems(context: ResultContext, sourceSeriesUid: string, terms: readonly NamedTerm[]): Elements[] {
  const { model } = context;
  return terms.map((term, at) => ({
    '00620003': ['SQ', [codeItem(term.category)]],
    '00620004': ['US', [at + 1]],
    '00620005': ['LO', labelOf(term)],
    '00620007': ['SQ', [algorithmItem(context)]],
    '00620008': ['CS', 'AUTOMATIC'],
    '00620009': ['LO', ascii(model.name, LONG_STRING)],
    '0062000d': ['US', dicomLab(colourOf(term.colour, at))],
    '0062000f': ['SQ', [codeItem(term.type)]],
    '00620020': ['UT', trackingId(model, term.name)],
    '00620021': ['UI', trackingUid(model, sourceSeriesUid, term.name)],
    ...(term.anatomy ? { '00082218': ['SQ', [codeItem(term.anatomy)]] as const } : {}),
  }));
}

const BACKGROUND = { value: '125040', scheme: 'DCM', meaning: 'Background' };

/** Segment 0 of label maps: where nothing was drawn. */
export function backgroundItem(model: ModelIdentity): Elements {
  return {
    '00620003': ['SQ', [codeItem(BACKGROUND)]],
    '00620004': ['US', [0]],
    '00620005': ['LO', 'Background'],
    '00620008': ['CS', 'AUTOMATIC'],
    '00620009': ['LO', ascii(model.name, LONG_STRING)],
    '0062000d': ['US', dicomLab([0, 0, 0])],
    '0062000f': ['SQ', [codeItem(BACKGROUND)]],
  };
}
