import type { Channel } from '@grpc/grpc-js';
import type { Backbone__Output } from '../../../proto/gen/automed/models/v1/Backbone';
import type { Base__Output } from '../../../proto/gen/automed/models/v1/Base';
import type { Model__Output } from '../../../proto/gen/automed/models/v1/Model';
import type { ModelServiceDefinition } from '../../../proto/gen/automed/models/v1/ModelService';
import type { Task } from '../../../proto/gen/automed/models/v1/Task';
import { paged, present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';

/** SHA-256 digests in one LookUpSamples call: 1 MiB of them. */
const DIGESTS_PER_CALL = 32_768;

const PARTS = {
  SAMPLE_PART_UNSPECIFIED: undefined,
  SAMPLE_PART_TRAIN: 'train',
  SAMPLE_PART_VALIDATION: 'validation',
  SAMPLE_PART_TEST: 'test',
  SAMPLE_PART_UNUSED: 'unused',
} as const;

/** What a version knows of a sample. */
export interface SampleOrigin {
  /** Of its own training data; absent when it was not among them. */
  part?: 'train' | 'validation' | 'test' | 'unused';
  /** Whether it, or what it was trained from, was fitted or chosen on the sample. */
  seen: boolean;
}

/** What a version's record says of samples. */
export interface SampleOrigins {
  /** By digest; those that it does not know are absent. */
  origins: Map<string, SampleOrigin>;
  /** `name@version` of what the version stands on and was trained when nothing was recorded. */
  unrecorded: string[];
}

/** Models, bases and backbones of the store. Every method rejects with an AutomedError. */
export class ModelsClient {
  private readonly calls: Caller<ModelServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.models.v1.ModelService', channel, options);
  }

  /** Every version of every model, by name and version. @param task keeps those of one task */
  list({ task = 'TASK_UNSPECIFIED', ...options }: CallOptions & { task?: Task } = {}): AsyncGenerator<Model__Output> {
    return paged(async (page) => {
      const { models, nextPageToken } = await this.calls.unary('ListModels', { ...page, task }, options);
      return { items: models, nextPageToken };
    });
  }

  /** @param model `name` (its latest version), `name@3` or `name@alias`, as in all methods */
  async get(model: string, options?: CallOptions): Promise<Model__Output> {
    return present((await this.calls.unary('GetModel', { model }, options)).model, 'model');
  }

  /** Loads a model into the replica that answers, so that its first request does not wait. */
  async load(model: string, options?: CallOptions): Promise<Model__Output> {
    return present((await this.calls.unary('LoadModel', { model }, options)).model, 'model');
  }

  /** Unloads a model from the replica that answers. */
  async unload(model: string, options?: CallOptions): Promise<Model__Output> {
    return present((await this.calls.unary('UnloadModel', { model }, options)).model, 'model');
  }

  /** What a version knows of samples, by SHA-256 in hexadecimal digits; undefined when it recorded nothing. */
  async lookUpSamples(
    model: string,
    digests: readonly string[],
    options?: CallOptions,
  ): Promise<SampleOrigins | undefined> {
    const origins = new Map<string, SampleOrigin>();
    let unrecorded: string[] = [];
    // Once also without digests: whether there is a record is worth knowing.
    for (let from = 0; from === 0 || from < digests.length; from += DIGESTS_PER_CALL) {
      const some = digests.slice(from, from + DIGESTS_PER_CALL);
      const request = { model, digests: Buffer.from(some.join(''), 'hex') };
      const answer = await this.calls.unary('LookUpSamples', request, options);
      if (!answer.recorded) return undefined;
      ({ unrecorded } = answer);
      for (const [index, { part, seen }] of answer.origins.entries()) {
        const own = PARTS[part];
        if (own !== undefined || seen) origins.set(some[index]!, { ...(own === undefined ? {} : { part: own }), seen });
      }
    }
    return { origins, unrecorded };
  }

  /** Points an alias at a version; one that was ever promoted is refused. */
  async setAlias(model: string, alias: string, version: number, options?: CallOptions): Promise<void> {
    await this.calls.unary('SetAlias', { model, alias, version }, options);
  }

  /** @param force also an alias that was promoted */
  async deleteAlias(
    model: string,
    alias: string,
    { force = false, ...options }: CallOptions & { force?: boolean } = {},
  ): Promise<void> {
    await this.calls.unary('DeleteAlias', { model, alias, force }, options);
  }

  /** @param model `name@3` for one version, `name` for all */
  async delete(model: string, options?: CallOptions): Promise<void> {
    await this.calls.unary('DeleteModel', { model }, options);
  }

  /** Every version of every base. */
  listBases(options?: CallOptions): AsyncGenerator<Base__Output> {
    return paged(async (page) => {
      const { bases, nextPageToken } = await this.calls.unary('ListBases', page, options);
      return { items: bases, nextPageToken };
    });
  }

  /** @param base `name`, or `name@3` */
  async getBase(base: string, options?: CallOptions): Promise<Base__Output> {
    return present((await this.calls.unary('GetBase', { base }, options)).base, 'base');
  }

  /** Every version of every backbone. */
  listBackbones(options?: CallOptions): AsyncGenerator<Backbone__Output> {
    return paged(async (page) => {
      const { backbones, nextPageToken } = await this.calls.unary('ListBackbones', page, options);
      return { items: backbones, nextPageToken };
    });
  }
}
