// Concepts that reports are made of (PS3.16 annex D), and units of UCUM.

import type { Code } from '../../store/terms';

const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });
const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });
const ucum = (value: string, meaning: string): Code => ({ value, scheme: 'UCUM', meaning });

export const REPORT = dcm('126000', 'Imaging Measurement Report');
export const LANGUAGE = dcm('121049', 'Language of Content Item and Descendants');
export const ENGLISH: Code = { value: 'en', scheme: 'RFC5646', meaning: 'English' };
export const OBSERVER_TYPE = dcm('121005', 'Observer Type');
export const DEVICE = dcm('121007', 'Device');
export const DEVICE_UID = dcm('121012', 'Device Observer UID');
export const DEVICE_NAME = dcm('121013', 'Device Observer Name');
export const DEVICE_MANUFACTURER = dcm('121014', 'Device Observer Manufacturer');
export const DEVICE_MODEL = dcm('121015', 'Device Observer Model Name');
export const DEVICE_SERIAL = dcm('121016', 'Device Observer Serial Number');
export const PROCEDURE = dcm('121058', 'Procedure reported');
export const IMAGING = sct('363679005', 'Imaging procedure');
export const LIBRARY = dcm('111028', 'Image Library');
export const LIBRARY_GROUP = dcm('126200', 'Image Library Group');
export const MEASUREMENTS = dcm('126010', 'Imaging Measurements');
export const GROUP = dcm('125007', 'Measurement Group');
export const TRACKING_ID = dcm('112039', 'Tracking Identifier');
export const TRACKING_UID = dcm('112040', 'Tracking Unique Identifier');
export const CATEGORY = sct('276214006', 'Finding category');
export const FINDING = dcm('121071', 'Finding');
export const FINDING_SITE = sct('363698007', 'Finding Site');
export const ALGORITHM_NAME = dcm('111001', 'Algorithm Name');
export const ALGORITHM_VERSION = dcm('111003', 'Algorithm Version');
export const ALGORITHM_MANUFACTURER = dcm('122405', 'Algorithm Manufacturer');
export const ALGORITHM_PARAMETER = dcm('111002', 'Algorithm Parameters');
export const ALGORITHM_FAMILY = dcm('111000', 'Algorithm Family');
export const SEGMENT = dcm('121191', 'Referenced Segment');
export const SEGMENT_FRAME = dcm('121214', 'Referenced Segmentation Frame');
export const SOURCE_SERIES = dcm('121232', 'Source series for segmentation');
export const SOURCE_IMAGE = dcm('121233', 'Source image for segmentation');
export const SOURCE_OF_MEASUREMENT = dcm('121112', 'Source of Measurement');
export const DERIVATION = dcm('121401', 'Derivation');
export const MAXIMUM = sct('56851009', 'Maximum');
export const AREA = sct('42798000', 'Area');
export const DIAMETER = sct('81827009', 'Diameter');
export const VOLUME = sct('118565006', 'Volume');
export const CERTAINTY = dcm('111012', 'Certainty of Finding');
export const COMMENT = dcm('121106', 'Comment');

export const MM = ucum('mm', 'millimeter');
export const MM2 = ucum('mm2', 'square millimeter');
export const MM3 = ucum('mm3', 'cubic millimeter');
export const PIXELS = ucum('{pixels}', 'pixels');
export const SHARE = ucum('1', 'no units');
