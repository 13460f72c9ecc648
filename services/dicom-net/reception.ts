// What becomes of an object that arrives, and who keeps it.

/** How an object came. */
export interface Source {
  /** `dicom`, `stow`, `folder` or `pull`. */
  way: 'dicom' | 'stow' | 'folder' | 'pull';
  /** AE title of the sender, user or folder; empty where there is none. */
  calling: string;
  /** AE title that the sender called; empty where there is none. */
  called: string;
}

/** `kept`: new. `known`: the same bytes were there. `conflict`: the same UID with other bytes; both are kept. */
export type Kept = 'kept' | 'known' | 'conflict';

/** Why an object was not kept. */
export type Refusal = 'unreadable' | 'no-uids' | 'other-instance' | 'not-supported' | 'bomb' | 'disk-full' | 'failed';

/** What an object says of itself. */
export interface ObjectUids {
  sopClass: string;
  sopInstance: string;
}

/** `uids` are there when the object could be read so far. */
export type Outcome =
  { kept: Kept; uids: ObjectUids } | { refused: Refusal; message: string; uids?: ObjectUids | undefined };

/** A file that is being received. An error of the disk shows at the end, so that whoever sends gets an answer. */
export interface IncomingFile {
  /** Writes a part of the data set; false when more is waiting for the disk than should. */
  write(chunk: Buffer): boolean;
  /** Runs when the disk has taken what was waiting for it. */
  onceDrained(work: () => void): void;
  /** Deletes what has come, as when the sender went away. */
  discard(): Promise<void>;
}

/** Keeps objects. */
export interface ObjectReceiver<File extends IncomingFile = IncomingFile> {
  /** Whether there is room for more; without it nobody is let in. */
  readonly hasRoom: boolean;
  /** Begins an object. @param beginning what stands before its data set in the file */
  begin(beginning: Buffer): Promise<File>;
  /** Ends an object that has come whole. What this answers is final. @param announced by the sender beside the object */
  finish(file: File, source: Source, announced?: ObjectUids): Promise<Outcome>;
}
