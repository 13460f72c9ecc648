import { plural } from './plural';

export const deliveries = {
  title: 'Deliveries',
  lead: 'What came from the archive, which rule it matched, what was made of it, and where that went.',
  absent: 'This server runs no bridge to a picture archive. automed pacs serve starts one.',
  none: 'No study came yet. Send one to the DICOM address of the bridge.',
  all: 'All studies',
  columns: {
    study: 'Study',
    arrival: 'Arrived',
    series: 'Series',
    objects: 'Objects',
    analyses: 'Analyses',
    deliveries: 'Deliveries',
  },
  study: (number: string) => `Study ${number}`,
  series: (modality: string, objects: number) => `${modality} series · ${plural(objects, 'object')}`,
  open: 'may still grow',
  why: 'Why: what each rule makes of it',
  fits: 'fits',
  missed: 'fits only now: “Try again” analyses it',
  to: (kind: string, destination: string) => `${kind} to ${destination}`,
  viewer: 'Open in the viewer',
  retry: 'Try again',
  discard: 'Give up',
  changed: (analyses: number, deliveries: number) =>
    `${plural(analyses, 'analysis', 'analyses')} and ${plural(deliveries, 'delivery', 'deliveries')} changed`,
  held: (analyses: number) => `${plural(analyses, 'analysis waits', 'analyses wait')} for a person's decision`,
} as const;
