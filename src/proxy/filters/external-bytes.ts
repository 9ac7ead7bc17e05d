// External authorizers and connections whose bytes are not read: asked when a connection begins, before anything of either side
// goes on.
import type { Denial, JudgedCaller } from '../../authorization/index.ts';
import type { Decision } from '../../ext-authz/index.ts';
import type { WorkloadAuthorization } from '../../model/index.ts';
import type { AsksAuthorizer, OwnSide } from './external-authorization.ts';

/** Which connections one authorizer is asked about. */
export interface BytesCheck {
  /** As policies call it. */
  readonly provider: string;
  /** Undefined where the mesh's settings name nobody of that name: what is its business is refused. */
  readonly asks: AsksAuthorizer | undefined;
  /** The policy that makes the connection its business; undefined where none does. */
  readonly match: (caller: JudgedCaller) => WorkloadAuthorization | undefined;
}

/** Who connects, as authorizers are told of it. */
export interface BytesCaller extends JudgedCaller {
  /** Address and port. */
  readonly downstream: string;
}

/** The authorizers of a port, and what they are told of this side. */
export interface BytesChecks {
  readonly checks: readonly BytesCheck[];
  readonly own: OwnSide;
}

/** Whether anybody has to be asked about the caller. */
export function mustAsk({ checks }: BytesChecks, caller: BytesCaller): boolean {
  for (let i = 0; i < checks.length; i++) if (checks[i]!.match(caller) !== undefined) return true;
  return false;
}

/** Asks one after the other until one says no. `onVerdict` is called once, maybe before this returns; undefined: go on. */
export function askAboutBytes(
  { checks, own }: BytesChecks,
  caller: BytesCaller,
  onVerdict: (denial: Denial | undefined) => void,
): void {
  const next = (first: number): void => {
    for (let i = first; i < checks.length; i++) {
      const { provider, asks, match } = checks[i]!;
      const policy = match(caller);
      if (policy === undefined) continue;
      if (asks === undefined || asks.authorizer.protocol !== 'grpc') {
        onVerdict(nobodyToAsk(provider, asks, policy));
        return;
      }
      asks.askConnection(questionOf(caller, own), decision => {
        const denial = denialOf(decision, asks, policy);
        if (denial === undefined) next(i + 1);
        else onVerdict(denial);
      });
      return;
    }
    onVerdict(undefined);
  };
  next(0);
}

function questionOf({ address, downstream, principal, serverName }: BytesCaller, own: OwnSide) {
  const port = Number(/:(\d+)$/.exec(downstream)?.[1] ?? 0);
  return {
    source: { address, port, principal },
    destination: { address: own.address, port: own.port, principal: own.principal() },
    serverName,
    atMs: own.now(),
  };
}

function nobodyToAsk(
  provider: string,
  asks: AsksAuthorizer | undefined,
  policy: WorkloadAuthorization,
): Denial {
  const words =
    asks === undefined
      ? `no external authorizer is called ${provider}; see extensionProviders`
      : `the external authorizer ${provider} is asked over HTTP, which has no words for bytes; name one with envoyExtAuthzGrpc`;
  return { code: 'ext_authz_error', words, policy };
}

function denialOf(
  decision: Decision,
  { authorizer: { name, failOpen } }: AsksAuthorizer,
  policy: WorkloadAuthorization,
): Denial | undefined {
  if (decision.kind === 'allowed') return undefined;
  if (decision.kind === 'denied')
    return { code: 'ext_authz_denied', words: `the external authorizer ${name} refuses it`, policy };
  if (failOpen) return undefined;
  const words = `the external authorizer ${name} could not be asked: ${decision.why}`;
  return { code: 'ext_authz_error', words, policy };
}
