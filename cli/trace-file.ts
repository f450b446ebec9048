/** Trace files: recorded from findings, written, read back together with the system that they are about. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { systems } from '../protocol/index.js'
import {
  type NamedAction,
  type Setup,
  type SwarmOptions,
  type Violation,
  Run,
  drawPlan,
} from '../sim/index.js'
import {
  RunRecorder,
  type Trace,
  TraceError,
  decodeTrace,
  encodeTrace,
  fingerprintEvery,
  fromText,
  recordTrace,
} from '../sim/trace/index.js'
import { armedChoice } from '../sim/trace/trace.js'
import { Exit, UsageError, fileError } from './errors.js'
import type { RawFinding } from './hunt-order.js'
import { type LoadedSystem, litmusFrom, loadSystem, readPackage } from './load-system.js'

/** Runs a finding once more, and records its trace. */
export function traceOf(system: LoadedSystem, swarm: SwarmOptions, finding: RawFinding): Trace {
  const { definition } = system
  const { violation, sites, subjects } = finding
  const plan = drawPlan(definition, finding.seed, swarm)
  const run = new Run(definition, plan.setup, violation.kind === 'hidden-state')
  const log = new RunRecorder(run, fingerprintEvery(sites.length))
  for (let i = 0; i < sites.length; i++) {
    const site = run.world.sites[sites[i]!]!
    const choice = armedChoice(site, subjects[i]!)
    if (choice < 0)
      throw notDeterministic(system, finding, `${site.name} is not possible at step ${String(i)}`)
    run.take(site.index, choice)
  }
  run.finish()
  if (violation.kind === 'liveness') run.violation ??= violation
  if (run.violation?.kind !== violation.kind || run.violation.name !== violation.name)
    throw notDeterministic(system, finding, `it found ${run.violation?.name ?? 'nothing'}`)
  const about = {
    provenance: { seed: finding.seed, run: finding.run, scheduler: plan.scheduler },
    ...aboutCode(system),
  }
  return recordTrace(run, about, log)
}

const notDeterministic = (system: LoadedSystem, { seed, violation }: RawFinding, what: string): UsageError =>
  new UsageError(
    `${system.argument}, seed ${String(seed)}: a run that violated ${violation.name} went another way when it was repeated: ${what}`,
    'the system is not deterministic: keep all state of a core in its layout, and take chance from choice.draw only.',
    Exit.diverged,
  )

/** Runs a schedule that a search found, and records its trace. */
export function traceOfSchedule(
  system: LoadedSystem,
  setup: Setup,
  { violation, actions }: { readonly violation: Violation; readonly actions: readonly NamedAction[] },
  provenance: Readonly<Record<string, string | number>>,
): Trace {
  const selfTest = violation.kind === 'hidden-state' || violation.kind === 'assertion'
  const run = new Run(system.definition, setup, selfTest)
  const log = new RunRecorder(run, fingerprintEvery(actions.length))
  for (const { site: name, subject } of actions) {
    const site = run.world.siteNamed(name)
    const choice = site === undefined ? -1 : armedChoice(site, subject)
    if (site === undefined || choice < 0) throw new Error(`${name} is not possible where the search took it`)
    run.take(site.index, choice)
  }
  run.finish()
  if (violation.kind === 'liveness') run.violation ??= violation
  return recordTrace(run, { provenance, ...aboutCode(system) }, log)
}

/** What a trace says of the code that it was recorded with. */
export const aboutCode = (
  system: LoadedSystem,
): { codeFingerprint: string; createdBy: string; modulePath?: string } => ({
  codeFingerprint: system.codeFingerprint,
  createdBy: `aviary ${readPackage().version}`,
  ...(system.modulePath === undefined ? {} : { modulePath: system.argument }),
})

/** `<system>-<bug|right>-<name>-<seed>.aviary` */
export function traceFileName(trace: Trace): string {
  const { header, violation } = trace
  const parts = [
    header.system,
    header.setup.bug ?? 'right',
    violation?.name ?? 'run',
    header.provenance['seed'] ?? header.provenance['search'] ?? 0,
  ]
  return `${parts.map((part) => String(part).replace(/[^\w.-]+/g, '_')).join('-')}.aviary`
}

export function writeTrace(path: string, trace: Trace): void {
  writeOut(path, encodeTrace(trace))
}

/** Writes a file, and the folders on the way to it. */
function writeOut(path: string, content: Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  } catch (error) {
    throw fileError('cannot write', path, error)
  }
}

/** A trace file, as bytes or as text. */
export function readTrace(path: string): Trace {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw fileError('cannot read', path, error)
  }
  try {
    const begin = Buffer.from(bytes.subarray(0, 16)).toString('latin1').trimStart()
    return /^(aviary trace|#)/.test(begin)
      ? fromText(Buffer.from(bytes).toString('utf8'))
      : decodeTrace(bytes)
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    throw new TraceError(error.problem, `${path}: ${error.field}`, whatOf(error), error.mend)
  }
}

const whatOf = (error: TraceError): string =>
  error.message.slice(error.field.length + 2, error.message.length - error.mend.length - 2)

/** The system that a trace is about: what the user names, else the built-in or the module that the trace names. */
export async function systemOf(path: string, trace: Trace, named: string | undefined): Promise<LoadedSystem> {
  const { system, modulePath, provenance } = trace.header
  const program = provenance['program']
  if (named === undefined && modulePath?.endsWith('.litmus') === true && typeof program === 'string')
    return litmusFrom(modulePath, program)
  return systemNamed(path, system, modulePath, named)
}

/** The system that a file is about: what the user names, else the built-in or the module that the file names. */
export async function systemNamed(
  path: string,
  about: string,
  modulePath: string | undefined,
  named: string | undefined,
): Promise<LoadedSystem> {
  const system = await (named === undefined ? systemAt(path, about, modulePath) : loadSystem(named))
  const { name } = system.definition
  if (name !== about)
    throw new UsageError(
      `${path}: is about the system ${JSON.stringify(about)}, and ${system.argument} is ${JSON.stringify(name)}`,
      'name the system that it was recorded with: --system SYSTEM',
    )
  return system
}

async function systemAt(path: string, system: string, modulePath: string | undefined): Promise<LoadedSystem> {
  if (modulePath === undefined) {
    if (systems.some(({ name }) => name === system)) return loadSystem(system)
    throw new UsageError(
      `${path}: is about the system ${JSON.stringify(system)}, which does not come with Aviary`,
      'name its module: --system ./my-protocol.ts',
    )
  }
  const at = modulePath.replace(/#[^#/]*$/, '')
  const places = isAbsolute(at) ? [at] : [at, resolve(dirname(path), at)]
  const found = places.find((place) => existsSync(place))
  if (found === undefined)
    throw new UsageError(
      `${path}: its system was the module ${modulePath}, which is not here`,
      'name the module: --system ./my-protocol.ts',
    )
  const fromHere = relative(process.cwd(), resolve(found))
  if (fromHere.startsWith('..') || isAbsolute(fromHere) || fromHere.split(/[\\/]/).includes('node_modules'))
    throw new UsageError(
      `${path}: its system is the module ${modulePath}, outside of this folder; a trace does not decide what code is run`,
      `if you trust that module, name it: --system ${modulePath}`,
    )
  return loadSystem(`./${fromHere}${modulePath.slice(at.length)}`)
}
