// What Telemetry objects ask of a proxy: loaded when somebody asks for the first time.
import { hostname } from 'node:os';
import { guarded, internalError } from '../errors/index.ts';
import type { TelemetrySettings } from '../model/index.ts';
import type { DataPlane } from '../proxy/index.ts';
import type { AccessLog, Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

/** What its parts are made of. */
export interface ProxyTelemetryOptions {
  readonly plane: () => DataPlane;
  readonly accessLog: AccessLog;
  readonly log: Log;
  readonly clock: Clock;
}

/** At the end of a proxy, for lines that wait for a collector. */
const lastLinesMs = 2_000;

/** The access logs and tags of one data plane, as its settings have them. */
export class ProxyTelemetry {
  readonly #options: ProxyTelemetryOptions;
  #latest: TelemetrySettings | undefined;
  #apply: ((settings: TelemetrySettings | undefined) => void) | undefined;
  #loading = false;
  #end: (withinMs: number) => Promise<void> = async () => {};

  constructor(options: ProxyTelemetryOptions) {
    this.#options = options;
  }

  /** For DataPlaneOptions.onTelemetry. */
  readonly apply = (settings: TelemetrySettings | undefined): void => {
    this.#latest = settings;
    if (this.#apply !== undefined) this.#apply(settings);
    else if (settings !== undefined && !this.#loading) {
      this.#loading = true;
      void import('../proxy/telemetry/index.ts').then(guarded('telemetry', loaded => this.#begin(loaded)));
    }
  };

  /** For the end of the process: resolves when everything is handed on, cannot be, or that has taken too long. */
  async end(): Promise<void> {
    await this.#end(lastLinesMs).catch((thrown: unknown) => internalError('telemetry', thrown));
  }

  #begin({ AccessLogs, Tagger }: typeof import('../proxy/telemetry/index.ts')): void {
    const { plane, accessLog: own, log, clock } = this.#options;
    const { services } = plane();
    const { observers } = services;
    const self = { clock, hostname: hostname(), self: () => services.self };
    const logs = new AccessLogs({
      ...self,
      log,
      own,
      observers,
      metrics: services.logs,
      environment: name => process.env[name],
    });
    let stopTagger = (): void => {};
    this.#end = withinMs => logs.end(withinMs);
    this.#apply = settings => {
      logs.apply(settings);
      stopTagger();
      const tagger = Tagger.of(settings, self, log);
      services.tagger = tagger?.tagsRequests === true ? tagger : undefined;
      services.sessionTagger = tagger?.tagsSessions === true ? tagger : undefined;
      stopTagger = tagger?.watches === true ? observers.add(tagger) : () => {};
    };
    this.#apply(this.#latest);
  }
}
