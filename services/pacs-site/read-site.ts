// Reads pacs.yaml. Every problem is reported at once, with the line where it stands.

import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { siteSchema, type Site } from './schema';

export interface SiteProblem {
  /** From 1. */
  line: number;
  message: string;
}

/** A file that does not hold; `problems` are in the order of their lines. */
export class SiteError extends Error {
  constructor(
    file: string,
    readonly problems: readonly SiteProblem[],
  ) {
    const lines = problems.map(({ line, message }) => `  ${file}:${line}: ${message}`);
    super(`${file} has ${problems.length} problem(s):\n${lines.join('\n')}`);
    this.name = 'SiteError';
  }
}

type Path = readonly PropertyKey[];

/** The line of the innermost thing on a path that the file has. */
function lineOf(document: Document, counter: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line;
  }
  return isNode(document.contents) && document.contents.range ? counter.linePos(document.contents.range[0]).line : 1;
}

/** A key that is unknown stands where it is written, not where its object begins. */
function placesOf(issue: z.core.$ZodIssue): { path: Path; message: string }[] {
  const at = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: `${at}there is no setting "${key}"` }));
  }
  if (issue.code === 'invalid_union') {
    const branches = issue.errors.flat().filter(({ path }) => path.length > 0);
    const [inner] = branches.length > 0 ? branches : issue.errors.flat();
    if (inner) return placesOf({ ...inner, path: [...issue.path, ...inner.path] });
  }
  return [{ path: issue.path, message: `${at}${issue.message}` }];
}

/** What the schema cannot see: names that lead nowhere, or are given twice. */
function* references(site: Site): Generator<{ path: Path; message: string }> {
  for (const [destination, { deidentify, encodings }] of Object.entries(site.destinations)) {
    if (deidentify && !deidentify.captures && encodings.every((encoding) => encoding === 'CAPTURE')) {
      yield {
        path: ['destinations', destination, 'encodings'],
        message: `destination "${destination}": captures may show names; allow them with deidentify.captures`,
      };
    }
  }
  const seen = new Set<string>();
  for (const [at, rule] of site.rules.entries()) {
    if (seen.has(rule.name)) yield { path: ['rules', at, 'name'], message: `there are two rules "${rule.name}"` };
    seen.add(rule.name);
    for (const destination of rule.send_to) {
      if (site.destinations[destination]) continue;
      yield {
        path: ['rules', at, 'send_to'],
        message: `rule "${rule.name}": no destination is called "${destination}"`,
      };
    }
    if (rule.task === 'classification' && rule.results.includes('SEG')) {
      yield { path: ['rules', at, 'results'], message: `rule "${rule.name}": a classification gives no SEG` };
    }
    if (rule.task === 'classification' && rule.threshold !== undefined) {
      yield { path: ['rules', at, 'threshold'], message: `rule "${rule.name}": a classification has no threshold` };
    }
  }
}

/**
 * @param file name for messages
 * @throws SiteError
 */
export function readSite(text: string, file: string): Site {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true });
  const broken = document.errors.map(({ pos, message }) => ({ line: counter.linePos(pos[0]).line, message }));
  if (broken.length > 0) throw new SiteError(file, broken);
  const parsed = siteSchema.safeParse(document.toJS({ maxAliasCount: 100 }));
  const places = parsed.success ? [...references(parsed.data)] : parsed.error.issues.flatMap(placesOf);
  if (!parsed.success || places.length > 0) {
    const problems = places.map(({ path, message }) => ({ line: lineOf(document, counter, path), message }));
    throw new SiteError(
      file,
      problems.sort((a, b) => a.line - b.line),
    );
  }
  return parsed.data;
}
