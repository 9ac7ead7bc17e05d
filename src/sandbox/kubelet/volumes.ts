import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import type { Cancel, Clock } from '../../time/index.ts';
import type { Pod, Volume } from '../kube/index.ts';
import { DEFAULT_UID } from './command.ts';
import type { EnvLookup } from './env.ts';
import { type IssueToken, type VolumeFile, volumeContent } from './volume-files.ts';

/** Renewing a token that could not be issued is tried again after this long. */
const retryMs = 5000;

/** The volumes of one pod as folders, kept current while the pod lives. */
export class PodVolumes {
  readonly #pod: Pod;
  readonly #folder: string;
  readonly #baseDir: string;
  readonly #lookup: EnvLookup;
  readonly #issueToken: IssueToken;
  readonly #clock: Clock;
  readonly #written = new Map<string, Set<string>>();
  readonly #timers = new Map<string, Cancel>();

  /** `folder` is the pod's own; `baseDir` is what relative hostPaths are relative to. */
  constructor(parts: {
    pod: Pod;
    folder: string;
    baseDir: string;
    lookup: EnvLookup;
    issueToken: IssueToken;
    clock: Clock;
  }) {
    this.#pod = parts.pod;
    this.#folder = parts.folder;
    this.#baseDir = parts.baseDir;
    this.#lookup = parts.lookup;
    this.#issueToken = parts.issueToken;
    this.#clock = parts.clock;
  }

  /**
   * Makes every volume. Undefined when all are there, else what is missing; call it again then, or to bring content up to date.
   */
  async prepare(): Promise<string | undefined> {
    for (const volume of this.#pod.spec.volumes ?? []) {
      const missing = await this.#prepareOne(volume);
      if (missing) return `volume ${volume.name} needs ${missing}`;
    }
    return undefined;
  }

  /** The folder of a volume on this machine. */
  pathOf(name: string): string {
    const volume = this.#pod.spec.volumes?.find(one => one.name === name);
    if (volume?.hostPath) return resolve(this.#baseDir, volume.hostPath.path);
    const claim = volume?.persistentVolumeClaim?.claimName;
    const namespace = this.#pod.metadata.namespace ?? 'default';
    // Beside the pod's folder, so that it outlives the pod.
    return claim ? join(this.#folder, '..', 'claims', namespace, claim) : join(this.#folder, 'volumes', name);
  }

  /** No file changes any more. */
  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
  }

  async #prepareOne(volume: Volume): Promise<string | undefined> {
    const folder = this.pathOf(volume.name);
    if (volume.hostPath) return existsSync(folder) ? undefined : `${folder}, which does not exist`;
    const content = await volumeContent(volume, this.#pod, this.#lookup, this.#issueToken);
    if (content && 'missing' in content) return content.missing;
    mkdirSync(folder, { recursive: true });
    // Any user of the pod may write to an emptyDir, and each container may run as another one.
    this.#own(folder, content ? 0o755 : 0o777);
    if (!content) return undefined;
    this.#write(volume.name, folder, content.files);
    if (content.renewAfterMs !== undefined) this.#renewLater(volume, content.renewAfterMs);
    return undefined;
  }

  #renewLater(volume: Volume, afterMs: number): void {
    this.#timers.get(volume.name)?.();
    const renew = (): void => {
      this.#prepareOne(volume).catch(() => this.#renewLater(volume, retryMs));
    };
    this.#timers.set(volume.name, this.#clock.after(afterMs, renew));
  }

  /**
   * Gives a folder or file its permission bits, and to the pod's fsGroup what the kubelet gives it: the group, reading (writing
   * too where the owner may) and, for folders, that what is made in them has the same group.
   */
  #own(path: string, mode: number, owner?: number): void {
    const group = this.#pod.spec.securityContext?.fsGroup;
    if (process.getuid?.() === 0 && (group ?? owner) !== undefined)
      chownSync(path, owner ?? 0, group ?? owner ?? 0);
    const isFolder = statSync(path).isDirectory();
    const more = group === undefined ? 0 : isFolder ? 0o2770 : 0o440;
    chmodSync(path, mode | more);
  }

  #write(name: string, folder: string, files: ReadonlyMap<string, VolumeFile>): void {
    const before = this.#written.get(name) ?? new Set();
    // The kubelet's files are root's. But where nobody says who the app is, its image would, and most images say root.
    const owner = this.#pod.spec.securityContext?.runAsUser === undefined ? DEFAULT_UID : 0;
    for (const [path, { bytes, mode }] of files) {
      const target = join(folder, normalize(`/${path}`));
      if (existsSync(target) && readFileSync(target).equals(bytes)) {
        this.#own(target, mode, owner);
        continue;
      }
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      writeFileSync(`${target}.new`, bytes, { mode: 0o600 });
      this.#own(`${target}.new`, mode, owner);
      renameSync(`${target}.new`, target);
    }
    for (const path of before)
      if (!files.has(path)) rmSync(join(folder, normalize(`/${path}`)), { force: true });
    this.#written.set(name, new Set(files.keys()));
  }
}
