// What is used of WebAssembly, whose types come with those of a browser alone.

export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** Functions of a module by their names, and its memory. */
export interface Instance {
  exports: Record<string, unknown>;
}

export type Imports = Record<string, Record<string, (...values: never[]) => unknown>>;

/** Compiled code, which several instances share. */
export type Module = object;

interface Wasm {
  compile(bytes: Uint8Array): Promise<Module>;
  Instance: new (module: Module, imports: Imports) => Instance;
  Memory: new (descriptor: { initial: number }) => Memory;
}

export const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };

export const PAGE_BYTES = 65_536;
