import { readSite, SiteError } from '../../../../services/pacs-site/read-site';

const GOOD = `ae_title: AUTOMED
accept:
  - ae: SCANNER
destinations:
  archive: { kind: dicom, host: 127.0.0.1, port: 104, ae: ARCHIVE }
rules:
  - name: liver
    when:
      modality: CT
      series_description: ['*abdomen*', 'liver?']
    task: segmentation
    model: liver@production
    results: [SEG]
    send_to: archive
`;

function problemsOf(text: string): { line: number; message: string }[] {
  try {
    readSite(text, 'pacs.yaml');
  } catch (error) {
    if (error instanceof SiteError) return [...error.problems];
    throw error;
  }
  return [];
}

describe('the file of a site', () => {
  it('is read with its defaults, one value standing for a list of it', () => {
    const site = readSite(GOOD, 'pacs.yaml');
    expect(site.ae_title).toEqual(['AUTOMED']);
    expect(site.complete).toEqual({ series_seconds: 10, study_seconds: 60, longest_seconds: 3600 });
    expect(site.rules[0]).toMatchObject({ when: { modality: ['CT'] }, send_to: ['archive'], wait_for: 'series' });
    expect(site.storage.reserve).toBe(5e9);
  });

  it('takes bytes in units', () => {
    expect(readSite(`${GOOD}storage: { reserve: 1.5 GB }\n`, 'pacs.yaml').storage.reserve).toBe(1.5e9);
  });

  it('says of every problem in which line it is', () => {
    const text = GOOD.replace('port: 104', 'port: 104000')
      .replace('      modality: CT', '      modality: CT\n      colour: red')
      .replace('send_to: archive', 'send_to: nowhere');
    expect(problemsOf(text).map(({ line }) => line)).toEqual([5, 10]);
    expect(problemsOf(text)[1]?.message).toContain('there is no setting "colour"');
  });

  it('finds names that lead nowhere, or are given twice', () => {
    expect(problemsOf(GOOD.replace('send_to: archive', 'send_to: nowhere'))).toEqual([
      { line: 14, message: 'rule "liver": no destination is called "nowhere"' },
    ]);
    const twice = GOOD + GOOD.slice(GOOD.indexOf('  - name: liver'));
    expect(problemsOf(twice)).toEqual([{ line: 15, message: 'there are two rules "liver"' }]);
  });

  it('refuses a SEG of a classification, and broken YAML', () => {
    const classification = GOOD.replace('task: segmentation', 'task: classification');
    expect(problemsOf(classification)).toMatchObject([{ line: 13 }]);
    expect(problemsOf('ae_title: [AUTOMED\naccept: []\n')[0]?.line).toBeGreaterThan(0);
    expect(problemsOf('ae_title: A\nae_title: B\n')[0]?.line).toBe(2);
  });
});
