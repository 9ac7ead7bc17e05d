import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sentinelFiles } from '../cli/kdl/sentinel-files.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { formatProblem, type KdlProblem } from '../kdl/index.ts';
import { equal, type Problem, problem, type UpstreamSettings } from '../model/index.ts';
import type { Entries, KubeObject } from '../registry/index.ts';
import type { Source } from '../source/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import {
  acmeName,
  authoritiesName,
  BUILTIN_NAME,
  certificateName,
  configurationObject,
  endpointsObject,
  readFiles,
  readFolders,
  readSentinelFiles,
  SENTINEL_KINDS,
  type SentinelConfiguration,
  type SentinelFiles,
  secretObject,
} from '../translate/sentinel/index.ts';
import type { UpstreamStatus } from '../upstreams/index.ts';

/** Files that are watched are looked at this often. */
const LOOK_MS = 2_000;

/** What the source is made of. */
export interface SentinelSourceOptions {
  readonly file: string;
  /** Of the gateway that the file describes. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Of who answers for the gateway itself, on loopback. */
  readonly builtinPort: number;
  /** Is told which upstreams there are, and calls `endpointsChanged`. */
  readonly upstreams: { set(all: readonly UpstreamSettings[]): void };
}

/**
 * A file of Sentinel's dialect as objects: itself, the certificates that it names, and the endpoints of its upstreams. Read when
 * it starts, where an error ends it, and at `reload`, where an error changes nothing and is a problem of the object. Certificates
 * are read again when they change, and the file too where it asks for that (auto-reload).
 */
export class SentinelSource implements Source {
  readonly name: string;
  readonly #options: SentinelSourceOptions;
  #entries: Entries | undefined;
  /** The last one without errors. */
  #configuration: SentinelConfiguration | undefined;
  #files: SentinelFiles | undefined;
  #secrets = new Map<string, string>();
  #upstreams = new Set<string>();
  #unreadable: readonly Problem[] = [];
  /** When folders of certificates with an interval were looked into, monotonic. */
  readonly #lookedMs = new Map<string, number>();
  readonly #waiting = new Map<string, UpstreamStatus>();

  constructor(options: SentinelSourceOptions) {
    this.#options = options;
    this.name = `kdl:${options.file}`;
  }

  /** The file as it holds now; undefined before the start. */
  get configuration(): SentinelConfiguration | undefined {
    return this.#configuration;
  }

  async start(entries: Entries, signal: AbortSignal): Promise<void> {
    const { file, clock } = this.#options;
    this.#entries = entries;
    const { configuration, files } = readOrThrow(file);
    this.#take(files, configuration);
    entries.put(endpointsObject(this.#options.namespace, BUILTIN_NAME, [this.#builtin()]));
    entries.flush();
    const stop = clock.every(LOOK_MS, () => this.#look());
    signal.addEventListener('abort', stop, { once: true });
  }

  problems(): readonly Problem[] {
    return this.#unreadable;
  }

  /** Reads the file and the certificates again. A file with an error changes nothing. */
  reload(why: string): void {
    const { file } = this.#options;
    let files: SentinelFiles;
    try {
      files = readFiles(file, sentinelFiles);
      this.#unreadable = [];
    } catch (error) {
      this.#unreadable = [
        problem(
          'file-unreadable',
          `${file}: cannot be read (${errorMessage(error)}); what it said before stays in use`,
        ),
      ];
      return;
    }
    this.#use(files, why);
  }

  #use(files: SentinelFiles, why: string): void {
    const { file, log } = this.#options;
    const { configuration } = readSentinelFiles(files);
    if (configuration) {
      log.info({ file, why }, 'the configuration is read again');
      this.#take(files, configuration);
    } else {
      log.error({ file, why }, 'the configuration has errors and is not used; the last good one stays');
      // The translator refuses it, too, and keeps its parts: its problems stay visible.
      this.#put(files);
    }
    this.#files = files;
    this.#entries?.flush();
  }

  /** Endpoints of an upstream were found, or have become well or unwell. */
  endpointsChanged(status: UpstreamStatus): void {
    const { namespace, log } = this.#options;
    const before = this.#waiting.get(status.name);
    this.#waiting.set(status.name, status);
    for (const each of status.failures)
      if (!before?.failures.includes(each)) log.warn({ upstream: status.name }, each);
    if (!status.known) return;
    this.#entries?.put(endpointsObject(namespace, status.name, status.endpoints));
  }

  #take(files: SentinelFiles, configuration: SentinelConfiguration): void {
    const { namespace, upstreams } = this.#options;
    this.#configuration = configuration;
    this.#files = files;
    this.#put(files);
    this.#readCertificates();
    const names = new Set(configuration.upstreams.map(each => each.id));
    for (const gone of this.#upstreams) {
      if (names.has(gone)) continue;
      this.#waiting.delete(gone);
      this.#entries?.delete(SENTINEL_KINDS.endpoints, `${namespace}/${gone}`);
    }
    this.#upstreams = names;
    upstreams.set(configuration.upstreams.map(each => each.settings));
  }

  #put(files: SentinelFiles): void {
    const { namespace, file } = this.#options;
    this.#entries?.put(configurationObject(namespace, files), file);
  }

  #builtin() {
    return { address: '127.0.0.1', port: this.#options.builtinPort, weight: 1, healthy: true };
  }

  #look(): void {
    this.#readCertificates();
    this.#lookIntoFolders();
    if (!this.#configuration?.system.autoReload) return;
    try {
      if (!equal(readFiles(this.#options.file, sentinelFiles), this.#files)) this.reload('it has changed');
    } catch {
      // It is being replaced; the next look finds it.
    }
  }

  /** Where a file came or went, all is worked out again with what is there now. */
  #lookIntoFolders(): void {
    const files = this.#files;
    const due = Object.keys(files?.folders ?? {}).filter(each => this.#isDue(each));
    if (files === undefined || due.length === 0) return;
    const folders = { ...files.folders, ...readFolders(due, sentinelFiles) };
    if (!equal(folders, files.folders))
      this.#use({ ...files, folders }, 'a folder of certificates has changed');
  }

  #isDue(folder: string): boolean {
    const named = this.#configuration?.listeners.flatMap(({ tls }) => tls?.folder ?? []) ?? [];
    const { reload = 'watch' } = named.find(each => each.folder === folder) ?? {};
    if (typeof reload === 'string') return reload === 'watch';
    const nowMs = this.#options.clock.monotonic();
    const lookedMs = this.#lookedMs.get(folder);
    if (lookedMs !== undefined && nowMs - lookedMs < reload.everyMs) return false;
    this.#lookedMs.set(folder, nowMs);
    return lookedMs !== undefined;
  }

  /** Secrets of what listeners name. A file that cannot be read keeps what it had; without that its Secret is empty. */
  #readCertificates(): void {
    const found = new Map<string, KubeObject>();
    for (const { id, tls } of this.#configuration?.listeners ?? []) {
      for (const [index, { certificate, key, stem }] of (tls?.certificates ?? []).entries()) {
        const files = { 'tls.crt': certificate, 'tls.key': key };
        this.#secret(
          found,
          certificateName(id, index, stem),
          files,
          stem === undefined ? undefined : pairFault,
        );
      }
      for (const [index, { external, dns }] of (tls?.acme ?? []).entries()) {
        const name = acmeName(id, index);
        const { namespace } = this.#options;
        if (external !== undefined)
          found.set(
            `${name}-account`,
            secretObject(namespace, `${name}-account`, { 'hmac-key': external.hmacKey }),
          );
        if (dns?.credentialsFile !== undefined)
          this.#secret(found, `${name}-dns`, { token: dns.credentialsFile });
      }
      if (tls?.clientAuthorities !== undefined)
        this.#secret(found, authoritiesName(id), { 'ca.crt': tls.clientAuthorities });
    }
    const texts = new Map([...found].map(([name, object]) => [name, JSON.stringify(object)]));
    for (const name of this.#secrets.keys())
      if (!texts.has(name)) this.#entries?.delete('Secret', `${this.#options.namespace}/${name}`);
    for (const [name, object] of found)
      if (this.#secrets.get(name) !== texts.get(name)) this.#entries?.put(object);
    this.#secrets = texts;
  }

  /** `fault`: what is wrong with its texts; then they are not taken, as if they could not be read. */
  #secret(
    found: Map<string, KubeObject>,
    name: string,
    files: Readonly<Record<string, string>>,
    fault?: (data: Readonly<Record<string, string>>) => string | undefined,
  ): void {
    const { namespace, log } = this.#options;
    const data: Record<string, string> = {};
    const keep = (file: string, why: string): void => {
      const before = this.#secrets.get(name);
      if (before === undefined) {
        log.error({ listener: name, file }, `the certificate cannot be read: ${why}`);
        found.set(name, secretObject(namespace, name, {}));
      } else found.set(name, JSON.parse(before) as KubeObject);
    };
    for (const [key, file] of Object.entries(files)) {
      try {
        data[key] = readFileSync(file, 'utf8');
      } catch (error) {
        keep(file, errorMessage(error));
        return;
      }
    }
    const why = fault?.(data);
    // While a pair is being replaced one of its files may be the new one already.
    if (why !== undefined) keep(Object.values(files)[0]!, why);
    else found.set(name, secretObject(namespace, name, data));
  }
}

/** What is wrong with a certificate and its key; undefined where they fit. */
function pairFault({ 'tls.crt': certificate = '', 'tls.key': key = '' }: Readonly<Record<string, string>>) {
  try {
    const fits = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
    return fits ? undefined : 'the key is not that of the certificate';
  } catch (error) {
    return errorMessage(error);
  }
}

/** Throws a WeftError `bad-configuration` with every error of the file. */
export function readOrThrow(file: string): {
  readonly configuration: SentinelConfiguration;
  readonly problems: readonly KdlProblem[];
  readonly files: SentinelFiles;
} {
  let files: SentinelFiles;
  try {
    files = readFiles(file, sentinelFiles);
  } catch (error) {
    throw new WeftError('bad-configuration', `--config ${file} cannot be read: ${errorMessage(error)}`, {
      source: 'config',
    });
  }
  const { configuration, problems } = readSentinelFiles(files);
  if (configuration) return { configuration, problems, files };
  const errors = problems.filter(each => each.severity === 'error').map(formatProblem);
  throw new WeftError('bad-configuration', errors.join('\n'), { source: 'config' });
}
