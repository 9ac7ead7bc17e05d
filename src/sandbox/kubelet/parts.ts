import type { Clock } from '../../time/index.ts';
import type { EventLog, ObjectStore, Pod } from '../kube/index.ts';
import type { PodNetwork } from '../network/index.ts';
import type { IssueToken } from './volume-files.ts';

/** What the kubelet works with. */
export interface KubeletParts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly network: PodNetwork;
  /** Where each pod gets a folder of its own. */
  readonly podsDir: string;
  /** `<logsDir>/<namespace>/<pod>/<container>.<restart>.log` */
  readonly logsDir: string;
  /** What relative working directories and hostPaths are relative to. */
  readonly baseDir: string;
  /** Folders that stand for paths of images, by container path: `/app` is `examples`. The longest that fits counts. */
  readonly pathMap: ReadonlyMap<string, string>;
  /** The program behind an image of Weft's own, as the words of its command; undefined for every other image. */
  readonly programOf: (image: string) => readonly string[] | undefined;
  /** Where those programs are. */
  readonly programsDir: string;
  /** What a pod waits for before its first container starts; its network and volumes are made meanwhile. */
  readonly holdBack: (pod: Pod) => Promise<void>;
  readonly issueToken: IssueToken;
  /** A pod's /etc/resolv.conf. */
  readonly resolvConf: (namespace: string) => string;
  /** Whether processes need more than their uid's rights to read what they run (see LaunchSpec). */
  readonly readAnywhere: boolean;
  /** Environment that every container starts from. */
  readonly baseEnv: Readonly<Record<string, string>>;
}
