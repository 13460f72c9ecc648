import type { Channel } from '@grpc/grpc-js';
import type { GetStatusResponse__Output } from '../../../proto/gen/automed/pacs/v1/GetStatusResponse';
import type { GetStudyResponse__Output } from '../../../proto/gen/automed/pacs/v1/GetStudyResponse';
import type { PacsServiceDefinition } from '../../../proto/gen/automed/pacs/v1/PacsService';
import type { PullStudyResponse__Output } from '../../../proto/gen/automed/pacs/v1/PullStudyResponse';
import type { Study__Output } from '../../../proto/gen/automed/pacs/v1/Study';
import type { VerifyResultRequest } from '../../../proto/gen/automed/pacs/v1/VerifyResultRequest';
import type { VerifyResultResponse__Output } from '../../../proto/gen/automed/pacs/v1/VerifyResultResponse';
import type { WorkState } from '../../../proto/gen/automed/pacs/v1/WorkState';
import { InternalError } from '../../common/errors';
import { paged } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions, StreamOptions } from '../core/options';
import type { ResumeOptions } from '../core/breaks';

/** What was steered. */
export interface SteeredCounts {
  analysisCount: number;
  deliveryCount: number;
}

/** What is tried again, and how many analyses of the study wait for a person instead. */
export interface RetriedCounts extends SteeredCounts {
  heldCount: number;
}

/** Which objects of a study hold; at least one of both. */
export interface ObjectDecision {
  /** Of several under one UID. */
  keep?: 'first' | 'last' | undefined;
  /** The patient whose objects hold: ID, or `ID^^^ISSUER` where they name an issuer; default: all hold. */
  patient?: string | undefined;
}

/** What to fetch from an archive. */
export interface Pull {
  /** UID. */
  study: string;
  /** UID; default: all series of the study. */
  series?: string | undefined;
  /** Name of a destination of the site. */
  archive: string;
  /** How an archive that speaks DICOM sends; default: `get`. */
  by?: 'get' | 'move' | undefined;
}

/** A bridge to picture archives. Every method rejects with an AutomedError. */
export class PacsClient {
  private readonly calls: Caller<PacsServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.pacs.v1.PacsService', channel, options);
  }

  status(options?: CallOptions): Promise<GetStatusResponse__Output> {
    return this.calls.unary('GetStatus', {}, options);
  }

  /** The newest first. @param state of an analysis or a delivery that the study must have; default: all */
  list({ state, ...options }: CallOptions & { state?: WorkState | undefined } = {}): AsyncGenerator<Study__Output> {
    const wanted = state === undefined ? {} : { state };
    return paged(async (page) => {
      const { studies, nextPageToken } = await this.calls.unary('ListStudies', { ...page, ...wanted }, options);
      return { items: studies, nextPageToken };
    });
  }

  /** @param study UID, or number in the journal, as in all methods */
  get(study: string, options?: CallOptions): Promise<GetStudyResponse__Output> {
    return this.calls.unary('GetStudy', { study }, options);
  }

  /** Tries again what was given up or discarded, and analyses what rules fit only now. */
  retry(study: string, options?: CallOptions): Promise<RetriedCounts> {
    return this.calls.unary('RetryStudy', { study }, options);
  }

  /** Gives up what waits. */
  discard(study: string, options?: CallOptions): Promise<SteeredCounts> {
    return this.calls.unary('DiscardStudy', { study }, options);
  }

  /**
   * Computes a result again, and says what is equal and what has changed.
   * @param parts files in parts, the result first; without images those count that the bridge keeps. A stream that breaks once they
   * are there goes on.
   */
  async verify(
    parts: Iterable<VerifyResultRequest> | AsyncIterable<VerifyResultRequest>,
    options?: StreamOptions & ResumeOptions,
  ): Promise<VerifyResultResponse__Output> {
    // Without images there is only the token.
    for await (const answer of this.calls.resumedUpload('VerifyResult', parts, options))
      if (answer.imageCount > 0) return answer;
    throw new InternalError('INTERNAL', 'The bridge gave no answer.');
  }

  /**
   * Says which objects hold, so that what was held for that goes on.
   * @param decision `first` or `last` is short for `{ keep }`
   * @returns how many objects are not used any more
   */
  async resolve(study: string, decision: ObjectDecision | 'first' | 'last', options?: CallOptions): Promise<number> {
    const { keep, patient: patientId = '' } = typeof decision === 'string' ? { keep: decision } : decision;
    const kept = { first: 'KEPT_OBJECT_FIRST', last: 'KEPT_OBJECT_LAST', none: 'KEPT_OBJECT_UNSPECIFIED' } as const;
    return (await this.calls.unary('ResolveStudy', { study, keep: kept[keep ?? 'none'], patientId }, options))
      .rejectedCount;
  }

  /**
   * Fetches what is not here yet; yields how far it is, and at last what came of it. Who stops reading ends the pull; one whose
   * stream breaks goes on.
   */
  pull(
    { study, series, archive, by = 'get' }: Pull,
    options?: StreamOptions & ResumeOptions,
  ): AsyncGenerator<PullStudyResponse__Output> {
    const method = by === 'move' ? ('PULL_METHOD_MOVE' as const) : ('PULL_METHOD_GET' as const);
    const request = { studyUid: study, seriesUid: series ?? '', archive, method };
    return this.calls.resumedStream('PullStudy', request, options);
  }
}
