// npm and npx leave what they started running when they are ended: the program ends with them instead. They give it no pipe
// of theirs that the kernel would close, so it looks, twice a second, whether they are still its ancestors.

import { readFileSync } from 'node:fs';

const LOOK_MS = 500;

/** Parent, session and start time of a process (Linux); undefined when it is gone or cannot be seen. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { parent: Number(fields[1]), session: fields[3], started: fields[19] };
  } catch {
    return undefined;
  }
}

const isNpm = (pid) => {
  try {
    return /(^|\/|\0)(npm|npx)(-cli\.js)?[\0 ]/.test(`${readFileSync(`/proc/${pid}/cmdline`, 'latin1')}\0`);
  } catch {
    return false;
  }
};

/** Processes between this one and the npm that started it, npm included; in another session (`setsid`) there are none. */
function ancestorsUpToNpm() {
  const own = statOf(process.pid);
  const chain = [];
  for (let pid = process.ppid; own !== undefined && pid > 1;) {
    const stat = statOf(pid);
    if (stat === undefined || stat.session !== own.session) return [];
    chain.push({ pid, started: stat.started });
    if (isNpm(pid)) return chain;
    pid = stat.parent;
  }
  return [];
}

/** Sends this process SIGTERM when npm, or the shell that npm started it with, is gone. */
export function endWithNpm() {
  if (process.env.npm_command === undefined) return;
  const parent = process.ppid;
  const watched = ancestorsUpToNpm();
  const gone = () => process.ppid !== parent || watched.some(({ pid, started }) => statOf(pid)?.started !== started);
  if (watched.length === 0) return;
  const timer = setInterval(() => {
    if (!gone()) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_MS);
  timer.unref();
}
