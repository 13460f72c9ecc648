import { excerpt } from '../common/bounded-text';
import { automedError } from '../common/errors';
import { findKey, KEY_PREFIX, parseKeys, type ApiKey } from './api-keys';
import { JwtVerifier, type JwtSettings } from './jwt';
import { allows, DEFAULT_POLICY, parsePolicy, type Policy } from './policy';
import { WatchedFile } from '../common/watched-file';
import { Limiter } from './limits';

export interface AccessSettings {
  /** File of API keys (`automed keys create`); absent: none is accepted. */
  keysFile?: string | undefined;
  /** Identity provider; absent: no token is accepted. */
  jwt?: JwtSettings | undefined;
  /** File of the policy; absent: DEFAULT_POLICY. */
  policyFile?: string | undefined;
  /** Gateways that share the limits of the policy; default 1. */
  limitShares?: number | undefined;
  /** Told of a file that changed and does not hold, and of keys that cannot be fetched. */
  onProblem: (error: Error, what: string) => void;
}

/** Who calls. */
export interface Principal {
  /** `key:NAME` or `user:SUBJECT`. */
  readonly id: string;
  readonly roles: readonly string[];
}

/** A call: `package.Service/Method`, and the names of the models that its request addresses, without versions. */
export interface Asked {
  method: string;
  models: readonly string[];
}

/** Says who calls, by the header `authorization: Bearer TOKEN`, and what they may. */
export class Access {
  private constructor(
    private readonly keys: WatchedFile<ApiKey[]> | undefined,
    private readonly jwt: JwtVerifier | undefined,
    private readonly policy: WatchedFile<Policy> | undefined,
    private readonly onProblem: AccessSettings['onProblem'],
    private readonly limiter: Limiter,
  ) {}

  /** @throws Error when a file cannot be read or does not hold */
  static async open({ keysFile, jwt, policyFile, limitShares, onProblem }: AccessSettings): Promise<Access> {
    const watched = async <T>(file: string, parse: (text: string) => T): Promise<WatchedFile<T>> => {
      try {
        return await WatchedFile.open(file, parse, (error) => onProblem(error, file));
      } catch (error) {
        throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
      }
    };
    const keys = keysFile === undefined ? undefined : await watched(keysFile, parseKeys);
    const policy = policyFile === undefined ? undefined : await watched(policyFile, parsePolicy);
    const tokens = jwt === undefined ? undefined : await JwtVerifier.open(jwt);
    return new Access(keys, tokens, policy, onProblem, new Limiter(limitShares));
  }

  /** @throws UnauthenticatedError; why exactly is told to nobody but the log */
  async authenticate(authorization: string | undefined): Promise<Principal> {
    const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      const text = 'The call names nobody: send the header `authorization: Bearer KEY`.';
      throw automedError('UNAUTHENTICATED', text);
    }
    if (token.startsWith(KEY_PREFIX)) {
      const entry = this.keys && findKey(this.keys.value, token);
      if (entry) return { id: `key:${entry.name}`, roles: entry.roles };
      throw automedError('UNAUTHENTICATED', 'The key is unknown, expired or revoked.');
    }
    if (!this.jwt) throw automedError('UNAUTHENTICATED', 'Tokens are not accepted here, only keys.');
    try {
      const { subject, roles } = await this.jwt.check(token);
      return { id: `user:${subject}`, roles };
    } catch (error) {
      const { code = '' } = error as { code?: string };
      // Not the caller's fault: the provider does not answer.
      if (!code.startsWith('ERR_J') || code === 'ERR_JWKS_TIMEOUT') this.onProblem(error as Error, 'keys of tokens');
      throw automedError('UNAUTHENTICATED', 'The token does not hold or has expired.', { cause: error });
    }
  }

  /** @throws PermissionDeniedError */
  authorize({ roles }: Principal, { method, models }: Asked): void {
    if (allows(this.policy?.value ?? DEFAULT_POLICY, roles, method, models)) return;
    const subject = models.length === 0 ? method : `${method} with ${excerpt(models.join(', '))}`;
    const held = roles.length === 0 ? 'no role' : `the roles ${roles.join(', ')}`;
    throw automedError('PERMISSION_DENIED', `${subject} is not allowed with ${excerpt(held)}.`);
  }

  /**
   * Counts a call against the limits of its caller.
   * @returns what is to be called when the call has ended
   * @throws ResourceExhaustedError (LIMIT_EXCEEDED) with the time to come back
   */
  enter({ id }: Principal, method: string): () => void {
    return this.limiter.enter(this.policy?.value.limits ?? [], id, method);
  }

  close(): void {
    this.keys?.close();
    this.policy?.close();
  }
}
