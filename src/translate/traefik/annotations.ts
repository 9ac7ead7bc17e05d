import type { OriginatedTls } from '../../model/index.ts';
import { given } from '../given.ts';
import { nearestName } from '../ingress/nearest-name.ts';
import { parseCount, parseFlag, parseList } from '../ingress/values.ts';
import type { Report } from '../report.ts';
import {
  TRAEFIK_NEVER_EXISTED,
  TRAEFIK_PREFIX,
  TRAEFIK_ROUTERS,
  TRAEFIK_SERVICES,
  type TraefikRow,
} from './annotations.table.ts';
import type { BackendWords, RouterWords } from './model.ts';
import { schemeOf } from './routers.ts';

const routers: ReadonlyMap<string, TraefikRow> = new Map(TRAEFIK_ROUTERS.map(each => [each.name, each]));
const services: ReadonlyMap<string, TraefikRow> = new Map(TRAEFIK_SERVICES.map(each => [each.name, each]));

/** Traefik's annotations of one object, each read by its row; names have no capitals. A value that is none refuses the object. */
export class TraefikAnnotations {
  readonly #values: Readonly<Record<string, string>>;
  readonly #report: Report;

  constructor(all: Readonly<Record<string, unknown>> | undefined, report: Report) {
    const own = Object.entries(all ?? {}).flatMap(([name, value]) =>
      name.startsWith(TRAEFIK_PREFIX) && typeof value === 'string'
        ? [[name.slice(TRAEFIK_PREFIX.length).toLowerCase(), value.trim()] as const]
        : [],
    );
    this.#values = Object.fromEntries(own);
    this.#report = report;
  }

  get isEmpty(): boolean {
    return Object.keys(this.#values).length === 0;
  }

  text(name: string): string | undefined {
    return this.#values[name] || undefined;
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return parseFlag(text) ?? this.wrong(name, `'${text}' is no boolean; write true or false`);
  }

  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return parseCount(text) ?? this.wrong(name, `'${text}' is no whole number`);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find(each => each.toLowerCase() === text.toLowerCase());
    return found ?? this.wrong(name, `'${text}' is none of ${choices.join(', ')}`);
  }

  wrong(name: string, why: string): undefined {
    this.#report.error('field-invalid', at(name), `${at(name)} ${why}`);
    return undefined;
  }

  tell(name: string, why: string): void {
    this.#report.warn('field-not-supported', at(name), `${at(name)}: ${why}`);
  }

  /** Names what is there and has no effect, what keeps the object from being taken, and what nobody knows. */
  rest(place: 'ingress' | 'service'): void {
    const [own, others] = place === 'ingress' ? [routers, services] : [services, routers];
    for (const name of Object.keys(this.#values)) {
      const plain = name.replace(/\.\d+\./, '.n.');
      const row = own.get(plain);
      const where = place === 'ingress' ? 'Service' : 'Ingress';
      if (row === undefined && others.has(plain))
        this.tell(name, `it has no effect here; write it on the ${where}`);
      else if (row === undefined) this.tell(name, unknownTraefik(name, own.keys()));
      else if (row.support === 'differs') this.tell(name, `it has no effect: ${row.words}`);
      else if (row.support === 'refused' && this.text(name) !== undefined)
        this.wrong(name, `cannot be carried out: ${row.words}`);
    }
  }
}

/** Why an annotation that Traefik has not does nothing. */
export function unknownTraefik(name: string, known: Iterable<string>): string {
  const told = 'Traefik does not know it, so that it never had an effect';
  const instead = TRAEFIK_NEVER_EXISTED.get(name);
  if (instead !== undefined) return `${told}; write ${instead}`;
  const near = nearestName(name, known);
  return near === undefined ? told : `${told}; did you mean ${near}?`;
}

/** What an Ingress says. `hasTls`: whether it has a spec.tls. */
export function readRouter(
  annotations: TraefikAnnotations,
  hasTls: boolean,
): Pick<RouterWords, 'scheme' | 'priority' | 'matcher' | 'middlewares' | 'tlsOptions'> {
  const names = parseList(annotations.text('router.entrypoints') ?? '');
  const asked = schemeOf(names, why => annotations.wrong('router.entrypoints', why));
  const isTls = annotations.flag('router.tls') === true;
  const scheme = isTls ? 'https' : asked;
  if (scheme === 'https' && !hasTls)
    annotations.tell(
      isTls ? 'router.tls' : 'router.entrypoints',
      'TLS ends for hosts of spec.tls alone, so that nobody can come; write spec.tls with the hosts (without secretName: the certificate of the class)',
    );
  const named = (annotation: string, kind: string): readonly string[] =>
    parseList(annotations.text(annotation) ?? '').flatMap(each => {
      const [, name] = /^([a-z0-9][a-z0-9.-]*-[a-z0-9.-]+)@kubernetescrd$/.exec(each) ?? [];
      if (name !== undefined) return [name];
      annotations.wrong(annotation, `'${each}' is no NAMESPACE-NAME@kubernetescrd of a ${kind}`);
      return [];
    });
  const middlewares = named('router.middlewares', 'Middleware');
  const [tlsOptions] = named('router.tls.options', 'TLSOption');
  const priority = annotations.count('router.priority');
  const matcher =
    annotations.choice('router.pathmatcher', ['PathPrefix', 'Path', 'PathRegexp']) ?? 'PathPrefix';
  return { matcher, middlewares, ...given({ scheme, priority: priority || undefined, tlsOptions }) };
}

/** What a Service says. */
export function readBackend(
  annotations: TraefikAnnotations,
): Pick<BackendWords, 'traffic' | 'session' | 'ownHost'> {
  const scheme = annotations.choice('service.serversscheme', ['http', 'https', 'h2c']);
  const tls: OriginatedTls = { mode: 'simple' };
  const sameSite = annotations.choice('service.sticky.cookie.samesite', ['None', 'Lax', 'Strict']);
  const maxAge = annotations.count('service.sticky.cookie.maxage') ?? 0;
  const secure = annotations.flag('service.sticky.cookie.secure');
  const name = annotations.text('service.sticky.cookie.name') ?? '_weft';
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    annotations.wrong('service.sticky.cookie.name', `'${name}' is no name of a cookie`);
  const [path = '/', domain] = [
    annotations.text('service.sticky.cookie.path'),
    annotations.text('service.sticky.cookie.domain'),
  ];
  const isSticky =
    annotations.flag('service.sticky.cookie') ?? annotations.text('service.sticky.cookie.name') !== undefined;
  return {
    traffic: {
      ...(scheme === 'https' && { tls }),
      ...(scheme === 'h2c' && { http2: { priorKnowledge: true } }),
    },
    ...(isSticky && {
      session: { cookie: name, ttlSeconds: maxAge, path, ...given({ sameSite, secure, domain }) },
    }),
    ...(annotations.flag('service.passhostheader') === false && { ownHost: true as const }),
  };
}

function at(name: string): string {
  return `metadata.annotations['${TRAEFIK_PREFIX}${name}']`;
}
