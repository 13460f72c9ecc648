// The codecs of dcmjs-codecs (WebAssembly), which are loaded at the first frame that needs them. Of the libraries tried it alone
// decodes JPEG of 12 bits, and decodes JPEG 2000 fastest.

import type * as Codecs from 'dcmjs-codecs';

export interface Library {
  codecs: typeof Codecs.NativeCodecs;
  context: typeof Codecs.Context;
  /** What the codecs said since they began with the frame at hand. */
  said: string[];
}

let loading: Promise<Library> | undefined;

async function load(): Promise<Library> {
  // Node cannot tell the names of a minified CommonJS module: an import finds them behind `default`.
  const imported = (await import('dcmjs-codecs')) as typeof Codecs & { default?: typeof Codecs };
  const { NativeCodecs, Context, log } = imported.default ?? imported;
  const said: string[] = [];
  // The library's own copy of its logger: what libjpeg only warns of comes this way and no other.
  (log as { info: (message: string) => void }).info = (message) => said.push(message);
  await NativeCodecs.initializeAsync({ logCodecsInfo: true, logCodecsTrace: false });
  return { codecs: NativeCodecs, context: Context, said };
}

/**
 * What `use` makes of the library, or nothing when it fails; then the library is loaded anew for the next frame: a trap may
 * leave the memory of its module damaged.
 */
export async function withLibrary<T>(use: (library: Library) => T): Promise<T | undefined> {
  for (;;) {
    const mine = (loading ??= load());
    const library = await mine;
    // While this caller waited another one may have failed, and released what both had got. From here on nobody waits.
    if (mine !== loading) continue;
    library.said.length = 0;
    // Whoever initialises the library again turns it off.
    (library.codecs as { logCodecsInfo?: boolean }).logCodecsInfo = true;
    try {
      return use(library);
    } catch {
      library.codecs.release();
      loading = undefined;
      return undefined;
    }
  }
}

const CORRUPT = 'Corrupt JPEG data: ';
const EXTRANEOUS = /^(\d+) extraneous bytes/;
/** Bytes that nothing is coded in, as some encoders leave them before a marker. */
const STRAY = 4;

/**
 * Whether JPEG was decoded that is not whole. The decoder fills what is missing with pixels of its own, and only warns: of coded
 * samples that end early, or that leave bytes over, as where a transfer failed and the rest was filled with zeros.
 */
export function isCorrupt({ said }: Library): boolean {
  return said.some((message) => {
    const at = message.indexOf(CORRUPT);
    if (at < 0) return false;
    const stray = EXTRANEOUS.exec(message.slice(at + CORRUPT.length))?.[1];
    return stray === undefined || Number(stray) > STRAY;
  });
}
