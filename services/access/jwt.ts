// JSON Web Tokens of an identity provider, checked by jose against its keys.

import { readFile } from 'node:fs/promises';
import type { JWTPayload, JWTVerifyGetKey } from 'jose' with { 'resolution-mode': 'import' };

export interface JwtSettings {
  /** Where the provider's keys are: an https address, or a file (JSON Web Key Set). */
  jwks: string;
  /** What `iss` must be. */
  issuer: string;
  /** What `aud` must name. */
  audience: string;
  /** Claim that holds the roles, a list or words between spaces; dots lead into objects, e.g. `realm_access.roles`. */
  rolesClaim: string;
  /** Of clocks against each other, seconds. */
  clockToleranceSeconds: number;
}

/** Only signatures by asymmetric keys: with a shared secret whoever checks could sign. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

export class JwtVerifier {
  private constructor(
    private readonly settings: JwtSettings,
    private readonly verify: (token: string) => Promise<JWTPayload>,
  ) {}

  /** Keys of an address are fetched when first needed, kept, and asked for again when a token names one that is unknown. */
  static async open(settings: JwtSettings): Promise<JwtVerifier> {
    const { createLocalJWKSet, createRemoteJWKSet, jwtVerify } = await import('jose');
    const { jwks, issuer, audience, clockToleranceSeconds } = settings;
    const keys: JWTVerifyGetKey = /^https?:/.test(jwks)
      ? createRemoteJWKSet(new URL(jwks), { cooldownDuration: 5_000 })
      : createLocalJWKSet(JSON.parse(await readFile(jwks, 'utf8')) as Parameters<typeof createLocalJWKSet>[0]);
    return new JwtVerifier(settings, async (token) => {
      const options = {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      };
      return (await jwtVerify(token, keys, options)).payload;
    });
  }

  /** Subject and roles of a token that holds. @throws when it does not, or the keys cannot be fetched */
  async check(token: string): Promise<{ subject: string; roles: string[] }> {
    const payload = await this.verify(token);
    return { subject: String(payload.sub), roles: rolesIn(payload, this.settings.rolesClaim) };
  }
}

/** Roles at a dotted path of the claims; none when there is something else. */
export function rolesIn(claims: Readonly<Record<string, unknown>>, path: string): string[] {
  let value: unknown = claims;
  for (const key of path.split('.')) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as never)[key] : undefined;
  }
  if (typeof value === 'string') return value.split(' ').filter((role) => role !== '');
  return Array.isArray(value) ? value.filter((role) => typeof role === 'string') : [];
}
