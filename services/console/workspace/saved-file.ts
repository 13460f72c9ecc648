// The open file comes back after a reload of the tab and with nothing else: it lies encrypted in the browser's database, under a
// key that the tab's session storage alone holds and that goes with the tab.

import { fromBase64, toBase64 } from '../../console-kit/api/bytes';

const DATABASE = 'automed';
const STORE = 'files';
const SESSION_KEY = 'automed.file';
/** What tabs left behind that are gone; it cannot be read any more. */
const KEPT_MS = 24 * 3_600_000;
const IV_BYTES = 12;

interface Session {
  id: string;
  key: string;
}

interface Row {
  id: string;
  time: number;
  iv: Uint8Array<ArrayBuffer>;
  data: ArrayBuffer;
}

export interface SavedFile {
  id: string;
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Pages that came over plain HTTP from another machine have no cryptography, and keep nothing. */
const possible = (): boolean => isSecureContext && 'indexedDB' in globalThis;

export async function saveFile({ id, name, bytes }: SavedFile): Promise<void> {
  if (!possible()) return;
  const key = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const head = new TextEncoder().encode(JSON.stringify(name));
  const plain = new Uint8Array(4 + head.length + bytes.length);
  new DataView(plain.buffer).setUint32(0, head.length);
  plain.set(head, 4);
  plain.set(bytes, 4 + head.length);
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await importKey(key, 'encrypt'), plain);
  const before = session()?.id;
  await change((store) => {
    if (before !== undefined) store.delete(before);
    store.put({ id, time: Date.now(), iv, data } satisfies Row);
  });
  sessionStorage.setItem(SESSION_KEY, JSON.stringify({ id, key: toBase64(key) } satisfies Session));
}

/** The file that this tab had open; undefined when there is none, or it cannot be read. */
export async function savedFile(): Promise<SavedFile | undefined> {
  const known = session();
  if (!possible() || !known) return undefined;
  await change(removeOld);
  const row = await read(known.id);
  if (!row) return undefined;
  const key = await importKey(fromBase64(known.key), 'decrypt');
  const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: row.iv }, key, row.data);
  const length = new DataView(plain).getUint32(0);
  const name = JSON.parse(new TextDecoder().decode(new Uint8Array(plain, 4, length))) as string;
  return { id: known.id, name, bytes: new Uint8Array(plain.slice(4 + length)) };
}

/** Removes the file that this tab had open, and its key. */
export async function forgetFile(): Promise<void> {
  const known = session();
  sessionStorage.removeItem(SESSION_KEY);
  if (possible() && known) await change((store) => store.delete(known.id));
}

function session(): Session | undefined {
  const text = sessionStorage.getItem(SESSION_KEY);
  return text === null ? undefined : (JSON.parse(text) as Session);
}

const importKey = (key: Uint8Array<ArrayBuffer>, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', key, 'AES-GCM', false, [use]);

function removeOld(store: IDBObjectStore): void {
  const request = store.openCursor();
  request.onsuccess = () => {
    const cursor = request.result;
    if (!cursor) return;
    if (Date.now() - (cursor.value as Row).time > KEPT_MS) cursor.delete();
    cursor.continue();
  };
}

async function read(id: string): Promise<Row | undefined> {
  const database = await open();
  const request = database.transaction(STORE).objectStore(STORE).get(id) as IDBRequest<Row | undefined>;
  return done(request).finally(() => database.close());
}

async function change(work: (store: IDBObjectStore) => void): Promise<void> {
  const database = await open();
  const transaction = database.transaction(STORE, 'readwrite');
  work(transaction.objectStore(STORE));
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('not saved'));
  }).finally(() => database.close());
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
  return done(request);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the database of the browser does not answer'));
  });
}
