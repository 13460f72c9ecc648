// The settings by which a server says who may call it.

import { z } from 'zod';
import { ConfigError, integer, path } from '../common/config';
import type { AccessSettings } from './access';

export const accessSettings = {
  /** File of API keys (`automed keys create`): callers then need one, or a token. Read again when it changes. */
  keysFile: path().optional(),
  /** Where the identity provider's keys are (JSON Web Key Set): an https address or a file. Callers then need a token, or a key. */
  jwtJwks: z.string().optional(),
  /** What `iss` of a token must be. */
  jwtIssuer: z.string().optional(),
  /** What `aud` of a token must name. */
  jwtAudience: z.string().default('automed'),
  /** Claim of a token that holds the roles; dots lead into objects, e.g. `realm_access.roles`. */
  jwtRolesClaim: z.string().default('roles'),
  /** Of clocks against each other, seconds. */
  jwtClockToleranceSeconds: integer(0, 600).default(30),
  /** File of roles by method and model, YAML or JSON; default: predict, train, admin. Read again when it changes. */
  policyFile: path().optional(),
  /** Gateways that share the limits of the policy: each grants its part, so that all together grant no more than a limit says. */
  limitShares: integer(1, 10_000).default(1),
};

type AccessConfig = Readonly<z.infer<z.ZodObject<typeof accessSettings>>>;

/** What the settings say; undefined: everybody may call. @throws ConfigError for settings that do not fit each other */
export function accessOf(config: AccessConfig): Omit<AccessSettings, 'onProblem'> | undefined {
  const { keysFile, policyFile, limitShares, jwtJwks: jwks, jwtIssuer: issuer } = config;
  if ((jwks === undefined) !== (issuer === undefined))
    throw new ConfigError(['AUTOMED_JWT_JWKS and AUTOMED_JWT_ISSUER: give both or neither']);
  if (keysFile === undefined && jwks === undefined) {
    if (policyFile === undefined) return undefined;
    throw new ConfigError(['AUTOMED_POLICY_FILE: needs AUTOMED_KEYS_FILE or AUTOMED_JWT_JWKS, which say who calls']);
  }
  if (jwks === undefined || issuer === undefined) return { keysFile, policyFile, limitShares };
  const { jwtAudience: audience, jwtRolesClaim: rolesClaim, jwtClockToleranceSeconds: clockToleranceSeconds } = config;
  return { keysFile, policyFile, limitShares, jwt: { jwks, issuer, audience, rolesClaim, clockToleranceSeconds } };
}
