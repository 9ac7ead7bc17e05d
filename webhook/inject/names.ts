// Names that only inject and those who read its work share. Everything that it adds is found again by these.
import { dirname } from 'node:path/posix';
import { PATHS } from '../../src/config/index.ts';

/** Containers that inject adds. */
export const CONTAINERS = {
  /** Writes the packet rules and ends. */
  init: 'weft-init',
  proxy: 'weft-proxy',
  /** Copies `run-app` into a volume that the app's container sees (only with wrapJobCommands). */
  runApp: 'weft-run-app',
} as const;

/** Volumes that inject adds. */
export const VOLUMES = {
  token: 'weft-token',
  trust: 'weft-trust',
  state: 'weft-state',
  runApp: 'weft-run-app',
} as const;

/** Folders that the volumes are mounted at. */
export const MOUNTS = {
  token: dirname(PATHS.token),
  trust: dirname(PATHS.rootCertificate),
  state: PATHS.state,
  runApp: '/var/run/weft/run-app',
} as const;

/** What a wrapped command starts with; `--` ends its own arguments. */
export const RUN_APP = `${MOUNTS.runApp}/run-app`;

/** The port's name on the proxy's container. */
export const HEALTH_PORT_NAME = 'weft-health';

/** Annotations of others that inject sets. */
export const FOREIGN_ANNOTATIONS = {
  scrape: 'prometheus.io/scrape',
  scheme: 'prometheus.io/scheme',
  port: 'prometheus.io/port',
  path: 'prometheus.io/path',
  /** Which container `kubectl logs` and `kubectl exec` mean; otherwise it would be the first one, the proxy. */
  defaultContainer: 'kubectl.kubernetes.io/default-container',
  /** The same for kubectl before 1.21. */
  defaultLogsContainer: 'kubectl.kubernetes.io/default-logs-container',
} as const;
