// Objects of an S3-compatible store. The SDK reads credentials, region and endpoint from its own variables.

import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type * as Sdk from '@aws-sdk/client-s3';
import { automedError } from '../../common/errors';
import { sleepMs } from '../../common/timers';
import type { Condition, Listed, ObjectStore } from './object-store';
import { httpStatusOf, objectStoreError } from './s3-errors';

/** A store that does not answer must be known as such before callers give up, milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;
/** Without a byte of an answer, milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;
const ATTEMPTS = 3;
/** What S3 takes in one request, bytes. */
const LARGEST_UPLOAD = 5 * 1024 ** 3;
/** Between tries to write what somebody else writes at the same moment, milliseconds. */
const CONFLICT_MS = 100;
const PROBE = '.conditional-writes';

export interface S3Location {
  bucket: string;
  /** Empty, or ends with a slash. */
  prefix: string;
  /** Buckets as folders of the endpoint, as stores other than AWS want it. */
  forcePathStyle: boolean;
}

export class S3Objects implements ObjectStore {
  private conditions: Promise<void> | undefined;

  private constructor(
    private readonly sdk: typeof Sdk,
    private readonly client: Sdk.S3Client,
    private readonly location: S3Location,
  ) {}

  static async open(location: S3Location): Promise<S3Objects> {
    // Loaded only here: most programs never see an object store.
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({
      forcePathStyle: location.forcePathStyle,
      maxAttempts: ATTEMPTS,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: ANSWER_TIMEOUT_MS },
      // What is read is compared with its sha256 anyway, and many stores do not know the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return new S3Objects(sdk, client, location);
  }

  get place(): string {
    const { bucket, prefix } = this.location;
    return `s3://${bucket}/${prefix}`.replace(/\/$/, '');
  }

  async list(prefix: string): Promise<Listed[]> {
    const { Bucket, Key: Prefix } = this.named(prefix);
    return this.told(async () => {
      const found: Listed[] = [];
      for await (const page of this.sdk.paginateListObjectsV2({ client: this.client }, { Bucket, Prefix })) {
        for (const { Key = '', ETag: etag = '', Size: bytes = 0, LastModified } of page.Contents ?? []) {
          const writtenMs = LastModified?.getTime() ?? Date.now();
          found.push({ key: Key.slice(this.location.prefix.length), etag, bytes, writtenMs });
        }
      }
      return found;
    });
  }

  async read(key: string): Promise<{ text: string; etag: string } | undefined> {
    return this.told(async () => {
      const answer = await this.get(key);
      return answer?.Body && { text: await answer.Body.transformToString(), etag: answer.ETag ?? '' };
    });
  }

  async open(key: string): Promise<{ bytes: number; body: Readable } | undefined> {
    return this.told(async () => {
      const answer = await this.get(key);
      return answer?.Body && { bytes: answer.ContentLength ?? 0, body: answer.Body as Readable };
    });
  }

  async write(key: string, text: string, condition?: Condition): Promise<boolean> {
    if (condition !== undefined) await this.requireConditions();
    return this.put(key, text, condition);
  }

  async upload(key: string, path: string, { sha256, bytes }: { sha256: string; bytes: number }): Promise<void> {
    if (bytes > LARGEST_UPLOAD) {
      throw automedError('INVALID_ARGUMENT', `${key} has ${bytes} bytes; an object store takes ${LARGEST_UPLOAD}.`);
    }
    const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
    await this.told(async () => {
      // A stream cannot be sent twice, so that the SDK does not try again by itself.
      for (let attempt = 1; ; attempt += 1) {
        const Body = createReadStream(path);
        try {
          await this.client.send(
            new this.sdk.PutObjectCommand({ ...this.named(key), Body, ContentLength: bytes, ChecksumSHA256 }),
          );
          return;
        } catch (error) {
          const status = httpStatusOf(error) ?? 500;
          if (attempt === ATTEMPTS || status < 500) throw error;
          await sleepMs(CONFLICT_MS * 2 ** attempt);
        } finally {
          Body.destroy();
        }
      }
    });
  }

  async remove(key: string): Promise<void> {
    await this.told(() => this.client.send(new this.sdk.DeleteObjectCommand(this.named(key))));
  }

  private named(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.location.bucket, Key: `${this.location.prefix}${key}` };
  }

  private async get(key: string): Promise<Sdk.GetObjectCommandOutput | undefined> {
    return this.client.send(new this.sdk.GetObjectCommand(this.named(key))).catch((error: unknown) => {
      if ((error as Error).name === 'NoSuchKey') return undefined;
      throw error;
    });
  }

  private async put(key: string, text: string, condition: Condition | undefined): Promise<boolean> {
    const wanted =
      condition === undefined ? {} : condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag };
    const ContentLength = Buffer.byteLength(text);
    const command = new this.sdk.PutObjectCommand({ ...this.named(key), Body: text, ContentLength, ...wanted });
    return this.told(async () => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await this.client.send(command);
          return true;
        } catch (error) {
          const status = httpStatusOf(error);
          // 404: what was to be replaced has gone.
          const noSuchKey = status === 404 && (error as Error).name !== 'NoSuchBucket';
          if (status === 412 || (condition !== undefined && noSuchKey)) return false;
          if (status !== 409 || attempt === ATTEMPTS) throw error;
          await sleepMs(CONFLICT_MS * attempt);
        }
      }
    });
  }

  /** Versions and aliases rely on conditions, and a store that ignores them would overwrite one with another. */
  private async requireConditions(): Promise<void> {
    this.conditions ??= this.tryConditions();
    await this.conditions.catch((error: unknown) => {
      this.conditions = undefined;
      throw error;
    });
  }

  private async tryConditions(): Promise<void> {
    await this.put(PROBE, '', undefined);
    const ignored =
      (await this.put(PROBE, '', 'absent')) || (await this.put(PROBE, '', { etag: `"${'0'.repeat(32)}"` }));
    if (!ignored) return;
    const text = `The object store of ${this.place} ignores If-None-Match or If-Match, so that versions could be overwritten; use one with conditional writes.`;
    throw automedError('ILLEGAL_STATE', text);
  }

  private async told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw objectStoreError(error, this.place);
    }
  }
}
