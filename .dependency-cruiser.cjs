// Who may import whom. The packages of services/ are libraries (common, access, store, codecs, imaging, isolated-decoding, dicomweb, dicom-net, dicom-results, analysis, audit, deidentification, synthetic, datasets, checks,
// scoring, client, evaluation, next-labels, reproduction, reviews, database, status, pacs-site, stack) and programs, and programs meet over gRPC.

const LIBRARIES =
  'common|access|store|codecs|imaging|isolated-decoding|dicomweb|dicom-net|dicom-results|analysis|audit|deidentification|synthetic|datasets|checks|scoring|client|evaluation|load|next-labels|reproduction|reviews|database|status|pacs-site|stack|terminal';

/** The files of other programs that a program may import: messages and recipes, how its processes are started, and what they leave on the disk. */
const DOORS = {
  cli: '^services/worker/protocol/',
  training: '^services/worker/(protocol|launch|job-folder)/',
  inference: '^services/(segmentation|classification)/',
};

const importing = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    importing('no-circular', 'Files that import each other are one file, or need a third.', {}, { circular: true }),
    {
      ...importing(
        'no-circular-folders',
        'Folders in a circle cannot be read one after the other.',
        {},
        { circular: true },
      ),
      scope: 'folder',
    },
    importing(
      'not-to-unresolvable',
      'An import must name something; what the proofs with a viewer and with readers of others import is installed apart.',
      { pathNot: '^tests/e2e/pacs/(viewer/page|readers/read)[.]mjs$' },
      { couldNotResolve: true },
    ),
    importing('not-to-tests', 'Nothing imports tests.', { pathNot: '^tests/' }, { path: '^tests/' }),
    importing('native-apart', 'native/ knows nothing of the services.', { path: '^native/' }, { path: '^services/' }),
    importing(
      'addon-in-adapters',
      'Only adapters import the addon; types are free.',
      { path: '^services/', pathNot: ['/adapters/', '^services/common/(errors|installation)[.]ts$'] },
      { path: '^native/lib/', dependencyTypesNot: ['type-only'] },
    ),
    importing(
      'without-addon',
      'These run without the addon, so that they stay small and cannot crash with it.',
      {
        path: '^services/(gateway|cli|training|supervisor|pacs|dicom-results|analysis|audit|deidentification|synthetic|datasets|checks|scoring|client|evaluation|load|next-labels|reproduction|reviews|database|status|pacs-site|stack|worker/(protocol|launch|job-folder))/',
      },
      { path: '^native/lib/', dependencyTypesNot: ['type-only'] },
    ),
    importing(
      'domain-without-grpc',
      'domain/ knows nothing of gRPC.',
      { path: '^services/[^/]+/domain/' },
      { path: '(^|/)node_modules/(@grpc/|grpc-health-check|nice-grpc)' },
    ),
    importing(
      'libraries-in-order',
      'Of the libraries, common knows no other, and data come before scores.',
      {
        path: '^services/(common|store|codecs|imaging|isolated-decoding|dicomweb|dicom-net|dicom-results|synthetic|datasets|checks)/',
      },
      { path: '^services/(scoring|client|evaluation|load|reproduction|stack)/' },
    ),
    importing(
      'console-in-browsers',
      'The console runs in browsers and meets the services over HTTP.',
      { path: '^services/console' },
      { path: '^(services|native)/', pathNot: '^services/console' },
    ),
    importing(
      'console-kit-first',
      'What pages share knows no page.',
      { path: '^services/console-kit/' },
      { path: '^services/console/' },
    ),
    importing(
      'common-first',
      'services/common knows no other package.',
      { path: '^services/common/' },
      { path: '^services/', pathNot: '^services/common/' },
    ),
    importing(
      'client-alone',
      'automed/client is light: of this project it needs services/common.',
      { path: '^services/client/' },
      { path: '^(services|native)/', pathNot: '^services/(client|common)/' },
    ),
    importing(
      'libraries-without-programs',
      'Libraries know no program.',
      { path: `^services/(${LIBRARIES})/` },
      { path: '^services/', pathNot: `^services/(${LIBRARIES})/` },
    ),
    ...Object.entries({
      ...DOORS,
      gateway: '^$',
      pacs: '^$',
      supervisor: '^$',
      worker: '^$',
      segmentation: '^$',
      classification: '^$',
    }).map(([name, door]) =>
      importing(
        `${name}-meets-others-over-grpc`,
        'Programs meet over gRPC.',
        { path: `^services/${name}/` },
        {
          path: '^services/',
          pathNot: [`^services/(${name}|${LIBRARIES})/`, door],
          dependencyTypesNot: ['type-only'],
        },
      ),
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|build|proto/gen)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
