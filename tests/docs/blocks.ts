// The shell blocks of the documentation that are marked to be run: ```sh run, and after it what they need.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a block needs beside the pictures: `models` polyp and tumour of random weights on the base tiny; `server` the same, served;
 * `python` Python's gRPC; `grpcurl` that program; `trains` minutes of training.
 */
const NEEDS = ['models', 'server', 'python', 'grpcurl', 'trains'] as const;
export type Need = (typeof NEEDS)[number];

/** The folders of pictures that the pages speak of: images/ and masks/, and one folder per class. */
export const FOLDERS = { segmentation: 'polyps', classification: 'tumours' } as const;

export interface DocBlock {
  /** Path of the page from the root of the repository. */
  page: string;
  /** Line of the page that the block begins on, from 1. */
  line: number;
  needs: readonly Need[];
  text: string;
}

/** Every page of the documentation, as paths from the root. */
export function pagesOf(root: string): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))].sort();
}

/** @throws Error that names the page and line of a mark that is not known */
export function blocksOf(page: string, text: string): DocBlock[] {
  return [...text.matchAll(/^```sh run([^\n]*)\n([^]*?)^```$/gm)].map(({ 1: marks = '', 2: block = '', index }) => {
    const line = text.slice(0, index).split('\n').length;
    const needs = marks.split(' ').filter((mark) => mark !== '');
    const unknown = needs.find((need) => !(NEEDS as readonly string[]).includes(need));
    if (unknown !== undefined) throw new Error(`${page}:${line}: a block cannot need ${unknown}`);
    return { page, line, needs: needs as Need[], text: block };
  });
}

export function runnableBlocks(root: string): DocBlock[] {
  return pagesOf(root).flatMap((page) => blocksOf(page, readFileSync(join(root, page), 'utf8')));
}
