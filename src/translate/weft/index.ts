// weft: our own objects, for what no other dialect can say. Pure: objects in, parts and problems out. docs/rate-limits.md,
// docs/traffic-settings.md and docs/acme.md tell users about them.
import type { KindTranslator } from '../dialect.ts';
import { certificateIssuerTranslator } from './certificate-issuer.ts';
import { rateLimitTranslator } from './rate-limit.ts';
import { trafficSettingsTranslator } from './traffic-settings.ts';

/** The kinds of policy.weft.dev. */
export const weft: readonly KindTranslator[] = [
  rateLimitTranslator,
  trafficSettingsTranslator,
  certificateIssuerTranslator,
];
