/** The configuration of a cluster: a TOML file that is the same at all members. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { RunError } from './errors.js'
import type { FabricChoice } from './fabric-choice.js'

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$/, 'must be HOST:PORT')
  .transform((text) => {
    const at = text.lastIndexOf(':')
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
  })
  .refine(({ port }) => port <= 65_535, 'must have a port up to 65535')

/** Which port of which RDMA device; what a member says goes before what the file says for all. */
const verbsPort = {
  device: z.string().min(1).max(64).optional(),
  port: z.int().min(1).max(255).optional(),
  /** RoCE: an IP address of the port, or the index of a GID. */
  gid: z.string().min(1).max(64).optional(),
}

const schema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,40}$/, 'must be 1 to 40 letters, digits, ".", "_" or "-"'),
  system: z.string(),
  secret: z.string().min(16, 'must have at least 16 characters').max(200),
  fabric: z.enum(['shm', 'verbs']).default('shm'),
  verbs: z
    .strictObject({
      ...verbsPort,
      /** Microseconds that a request waits for an answer. */
      retry_micros: z.int().min(1).max(60_000_000).optional(),
      /** How often it is sent again meanwhile. 7 would be for ever on soft-RoCE. */
      retry_count: z.int().min(1).max(6).optional(),
    })
    .optional(),
  /** Of the system, or of its service where it has one. */
  parameters: z.record(z.string(), z.int()).default({}),
  /** Draws scripts and spontaneous inputs of systems that have them. */
  seed: z.int().min(0).default(1),
  /** Microseconds of looking in vain before the thread of the core sleeps. */
  spin_micros: z.number().min(0).max(1e6).optional(),
  member: z
    .array(
      z.strictObject({
        control: address,
        clients: address.optional(),
        metrics: address.optional(),
        verbs: z.strictObject(verbsPort).optional(),
        /** Folder for what must outlive the process. */
        folder: z.string(),
      }),
    )
    .min(1)
    .max(32),
})

export interface Address {
  readonly host: string
  readonly port: number
}

export interface MemberConfig {
  readonly control: Address
  /** Where clients of the service are served. */
  readonly clients: Address | undefined
  /** Where metrics are served for Prometheus. */
  readonly metrics: Address | undefined
  readonly folder: string
  readonly fabric: FabricChoice
}

export interface Cluster {
  readonly name: string
  /** As given: a name, or a module relative to the file. */
  readonly system: string
  readonly secret: string
  readonly parameters: Readonly<Record<string, number>>
  readonly seed: number
  readonly spinMicros: number | undefined
  readonly members: readonly MemberConfig[]
  /** Of everything that must be alike at all members. */
  readonly digest: string
}

/** Reads and checks a file. Throws {@link RunError} that names the field. */
export function readCluster(path: string): Cluster {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new RunError(`${path} cannot be read: ${(error as Error).message}`, 'check the path.')
  }
  return parseCluster(text, path)
}

export function parseCluster(text: string, path: string): Cluster {
  let raw: unknown
  try {
    raw = parse(text)
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n')
    throw new RunError(`${path} is not TOML: ${reason}`, 'mend the file; docs/running.md shows one.')
  }
  const parsed = schema.safeParse(raw)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue!.path
      .map((part) => (typeof part === 'number' ? `[${String(part)}]` : String(part)))
      .join('.')
    throw new RunError(
      `${path}: ${where === '' ? 'the file' : where}: ${issue!.message}`,
      'mend that field; docs/running.md says what each means.',
    )
  }
  const { name, system, secret, parameters, seed, spin_micros: spinMicros, member, fabric } = parsed.data
  const { retry_micros: retryMicros, retry_count: retryCount, ...port } = parsed.data.verbs ?? {}
  const folder = dirname(resolve(path))
  const members = member.map((each) => ({
    control: each.control,
    clients: each.clients,
    metrics: each.metrics,
    folder: resolve(folder, each.folder),
    fabric:
      fabric === 'shm'
        ? ({ kind: 'shm' } as const)
        : defined({ kind: 'verbs' as const, ...port, ...each.verbs, retryMicros, retryCount }),
  }))
  const alike = JSON.stringify([
    name,
    system,
    Object.entries(parameters).sort(),
    seed,
    members.length,
    fabric,
  ])
  const digest = createHash('sha256').update(alike).digest('hex')
  const isModule = /[./\\]/.test(system)
  return {
    name,
    system: isModule ? resolve(folder, system) : system,
    secret,
    parameters,
    seed,
    spinMicros,
    members,
    digest,
  }
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
