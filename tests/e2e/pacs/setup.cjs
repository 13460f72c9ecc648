// Installs what the proofs run, where apt can; what is missing afterwards is skipped, and named.

const makePrivateTmp = require('../../support/private-tmp.cjs');
const { installPackages } = require('../../support/debian.ts');
const { PACS_PACKAGES, whyNoOrthanc } = require('../../support/orthanc.ts');
const { RSYSLOG_PACKAGES, whyNoRsyslog } = require('../../support/rsyslog.ts');

module.exports = async (...settings) => {
  await makePrivateTmp(...settings);
  const missing = [
    ...(whyNoOrthanc() === undefined ? [] : PACS_PACKAGES),
    ...(whyNoRsyslog() === undefined ? [] : RSYSLOG_PACKAGES),
  ];
  if (missing.length === 0) return;
  try {
    installPackages(missing);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
  }
};
