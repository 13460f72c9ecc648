// `npm run audit [-- POLICY]`: known weaknesses of what a deployment holds, by the registry's advisories and the policy beside this file:
//
//   failFrom   the least severity that fails: low, moderate, high or critical
//   accepted   [{"id": "GHSA-...", "until": "2027-01-31", "reason": "..."}]: advisories that do not fail until that day
//
// A registry without advisories (a mirror, no network) is said in a line that begins with SKIPPED, and fails nothing; whatever
// else keeps npm from an audit, e.g. a lock file that is missing, fails.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'];

const [path = fileURLToPath(new URL('audit-policy.json', import.meta.url))] = process.argv.slice(2);
const policy = JSON.parse(readFileSync(path, 'utf8'));
const least = SEVERITIES.indexOf(policy.failFrom);
if (least < 0) stop(2, `${path}: failFrom must be one of ${SEVERITIES.join(', ')}`);
for (const { id, until, reason } of policy.accepted) {
  if (!/^GHSA-/.test(id ?? '') || Number.isNaN(Date.parse(until)) || !reason)
    stop(2, `${path}: accepted: id (GHSA-...), until (a date) and reason must be given`);
}

const args = [
  'audit',
  '--json',
  '--omit',
  'dev',
  '--package-lock-only',
  '--fetch-retries',
  '1',
  '--fetch-timeout',
  '20000',
];
const run = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 120_000 });
const report = parsed(run.stdout);
if (!report?.vulnerabilities) {
  const why = report?.error?.summary || report?.message || run.error?.message || 'no answer';
  const line = String(why).split('\n')[0];
  if (!isOfRegistry(report, run)) stop(2, `npm cannot audit (${line})`);
  stop(0, `SKIPPED: the registry tells no advisories (${line}); nothing was audited`);
}

const today = Date.now();
const found = new Map();
for (const { via } of Object.values(report.vulnerabilities)) {
  for (const advisory of via) if (typeof advisory === 'object') found.set(advisory.url, advisory);
}
let failed = 0;
for (const { url, name, title, severity, range } of found.values()) {
  const id = url.split('/').at(-1);
  const accepted = policy.accepted.find((each) => each.id === id);
  const holds = accepted && Date.parse(accepted.until) >= today;
  const fails = !holds && SEVERITIES.indexOf(severity) >= least;
  if (fails) failed += 1;
  const how = holds ? `accepted until ${accepted.until}: ${accepted.reason}` : fails ? 'FAILS' : 'below the policy';
  process.stdout.write(`${severity} ${id} ${name} ${range}: ${title} (${how})\n`);
}
stop(failed > 0 ? 1 : 0, `${found.size} advisories, ${failed} of them fail (from ${policy.failFrom} on)`);

/** Whether the registry answered something else, or nothing answered in time. */
function isOfRegistry(answer, { error }) {
  const { uri, message = '', error: told } = answer ?? {};
  const network =
    /^(request to \S+ failed|network)|E(AI_AGAIN|CONN\w+|NOTFOUND|NETUNREACH|HOSTUNREACH|TIMEDOUT)|ERR_SOCKET/i;
  return uri !== undefined || network.test(`${message || told?.summary} ${told?.code}`) || error?.code === 'ETIMEDOUT';
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function stop(code, line) {
  process.stdout.write(`${line}\n`);
  process.exit(code);
}
