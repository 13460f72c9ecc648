// Objects as the bridge's journal gets them.

import type { InstanceHeader } from '../../services/pacs/domain/instance-header';
import type { Arrival } from '../../services/pacs/domain/reception';

let files = 0;

/** An axial CT image of study 1.2, series 1.2.1, patient P1, from SCANNER. */
export function arrival(
  sopInstance: string,
  changes: Partial<InstanceHeader> = {},
  sha256 = `of ${sopInstance}`,
): Arrival {
  files += 1;
  const header: InstanceHeader = {
    sopClass: '1.2.840.10008.5.1.4.1.1.2',
    sopInstance,
    transferSyntax: '1.2.840.10008.1.2.1',
    study: '1.2',
    series: '1.2.1',
    patient: 'P1',
    modality: 'CT',
    bodyPart: '',
    seriesDescription: '',
    imageType: [],
    rows: 8,
    columns: 8,
    frames: 1,
    orientation: [1, 0, 0, 0, 1, 0],
    ...changes,
  };
  const source = { way: 'dicom' as const, calling: 'SCANNER', called: 'AUTOMED' };
  return { header, source, file: `${files}.dcm`, sha256, bytes: 100 };
}
