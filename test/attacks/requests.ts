// Framing attacks on the way in. Every one holds the word `smuggled` where a second reader might take it for a request or a
// header of its own; nothing of it may reach the upstream.
import type { Attack } from './attack.ts';
import { framingAttacks } from './requests/framing.ts';
import { headerLineAttacks } from './requests/header-lines.ts';
import { requestLineAttacks } from './requests/request-line.ts';

export { harmlessRequests } from './requests/harmless.ts';

export const requestAttacks: readonly Attack[] = [
  ...framingAttacks,
  ...headerLineAttacks,
  ...requestLineAttacks,
];
