// Runs every marked shell block of the README and docs/ as a reader would, page by page, each page in a folder of its own:
//
//   npm run docs:check [-- [--quick] PAGE...]      default: all pages; --quick: without blocks that train for minutes;
//   the last line is "N passed, N failed"

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pipInstall } from '../support/python';
import { runnableBlocks, type DocBlock, type Need } from './blocks';
import { Sandbox } from './sandbox';

const ROOT = join(__dirname, '..', '..');
const PYTHON_PACKAGES = ['grpcio', 'grpcio-tools', 'protobuf', 'setuptools'];
const PIP_TIMEOUT_MS = 300_000;

const counts = { passed: 0, failed: 0, skipped: 0 };

/** Why a block cannot run on this machine; undefined when it can. */
function obstacle({ needs }: DocBlock, pythonMissing: string | undefined): string | undefined {
  if (needs.includes('grpcurl') && spawnSync('grpcurl', ['-version']).error) return 'grpcurl is not installed';
  return needs.includes('python') ? pythonMissing : undefined;
}

async function checkPage(page: string, blocks: readonly DocBlock[]): Promise<void> {
  const needs = (need: Need): boolean => blocks.some((block) => block.needs.includes(need));
  const packages = join(process.env.TMPDIR ?? '/tmp', `automed-docs-python-${process.pid}`);
  const missing = needs('python') ? pipInstall(PYTHON_PACKAGES, packages, PIP_TIMEOUT_MS) : undefined;
  const sandbox = await Sandbox.make(ROOT, needs('python') ? { PYTHONPATH: packages } : {});
  try {
    if (needs('models') || needs('server')) await sandbox.addModels();
    if (needs('server')) await sandbox.serve(ROOT);
    for (const block of blocks) await checkBlock(sandbox, block, obstacle(block, missing));
  } catch (error) {
    counts.failed += 1;
    console.log(`${page}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await sandbox.close();
    spawnSync('rm', ['-rf', packages]);
  }
}

async function checkBlock(sandbox: Sandbox, block: DocBlock, hindered: string | undefined): Promise<void> {
  const name = `${block.page}:${block.line}`;
  if (hindered !== undefined) {
    counts.skipped += 1;
    console.log(`skipped  ${name} (${hindered})`);
    return;
  }
  const began = Date.now();
  const { code, output } = await sandbox.run(block.text);
  counts[code === 0 ? 'passed' : 'failed'] += 1;
  console.log(`${code === 0 ? 'passed ' : 'FAILED '}  ${name} (${Math.round((Date.now() - began) / 1000)} s)`);
  if (code !== 0) console.log(`${block.text}ended with ${code}:\n${output}`);
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const quick = words.includes('--quick');
  const wanted = words.filter((word) => word !== '--quick');
  const byPage = new Map<string, DocBlock[]>();
  const chosen = runnableBlocks(ROOT).filter(({ needs }) => !quick || !needs.includes('trains'));
  for (const block of chosen) byPage.set(block.page, [...(byPage.get(block.page) ?? []), block]);
  const pages = [...byPage].filter(([page]) => wanted.length === 0 || wanted.includes(page));
  if (pages.length === 0) throw new Error(`no page with a block to run: ${wanted.join(', ')}`);
  for (const [page, blocks] of pages) await checkPage(page, blocks);
  const { passed, failed, skipped } = counts;
  if (skipped > 0) console.log(`${skipped} skipped`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

void main();
