// De-identification of results that leave the trust domain.

export { deidentify, type Deidentified, type Replaced } from './deidentify';
export type { Profile } from './profile';
export { Pseudonyms } from './pseudonyms';
export { ReidentificationMap } from './reidentification';
