import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');

/** What a new process prints, whose pool nobody has used. */
function inNewProcess(script: string): unknown {
  const loader = join(root, 'tests/support/stack-register.cjs');
  const text = `const { lowerPoolPriority, giveWay } = require('./services/common/niceness.ts'); ${script}`;
  const printed = execFileSync(process.execPath, ['-r', loader, '-e', text], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: '3' },
  });
  return JSON.parse(printed);
}

const PRIORITIES = `require('node:fs').readdirSync('/proc/self/task').map((thread) => require('node:os').getPriority(Number(thread)))`;

describe('lowerPoolPriority', () => {
  const onLinux = process.platform === 'linux' ? it : it.skip;

  onLinux('lowers the threads of the pool and no others', () => {
    const [lowered, before, after] = inNewProcess(`
      const before = ${PRIORITIES};
      const lowered = lowerPoolPriority();
      console.log(JSON.stringify([lowered, before, ${PRIORITIES}]));`) as [number, number[], number[]];
    const normal = before[0] ?? NaN;
    expect(lowered).toBe(3);
    expect(after.filter((priority) => priority === normal)).toHaveLength(before.length);
    expect(after.filter((priority) => priority > normal)).toHaveLength(3);
  });

  onLinux('leaves a pool alone that runs already', () => {
    const lowered = inNewProcess(`
      require('node:fs').readFile('/dev/null', () => console.log(JSON.stringify(lowerPoolPriority())));`);
    expect(lowered).toBe(0);
  });
});

describe('giveWay', () => {
  const LOWERED = `giveWay(); console.log(require('node:os').getPriority())`;

  it('lowers a process of normal priority, and raises none', () => {
    const normal = inNewProcess(`console.log(require('node:os').getPriority())`) as number;
    expect(inNewProcess(LOWERED)).toBe(Math.max(normal, 5));
    expect(inNewProcess(`require('node:os').setPriority(12); ${LOWERED}`)).toBe(Math.max(normal, 12));
  });
});
