/**
 * Traces in and out.
 *
 * Contract. What comes from outside is read by the codecs of `sim/trace`, which check every byte and throw nothing but
 * TraceError; nothing in a file is run. What is written is a trace as the CLI writes it.
 */
import { ActionLog, Run, type Violation } from '../../sim/index.js'
import {
  type Trace,
  TraceError,
  type TraceHeader,
  RunRecorder,
  decodeTrace,
  encodeTrace,
  fingerprintEvery,
  fromText,
  recordTrace,
} from '../../sim/trace/index.js'
import { sitesByName } from '../../sim/trace/trace.js'
import type { Branch } from './branch.js'
import { impossible } from './errors.js'
import type { Stage } from './stage.js'

/** A trace as bytes, in either form. Throws TraceError. */
export function readTraceBytes(bytes: Uint8Array): Trace {
  const begin = String.fromCharCode(...bytes.subarray(0, 16)).trimStart()
  if (!/^(aviary trace|#)/.test(begin)) return decodeTrace(bytes)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new TraceError('corrupt', 'text', 'it is not UTF-8', 'Save the file anew, as UTF-8.')
  }
  return fromText(text)
}

/** The actions of a trace as those of a stage's world; ends before the first that the world has no site for. */
export function logOf(stage: Stage, trace: Trace): { readonly log: ActionLog; readonly missing: string } {
  const { actions, header } = trace
  const sites = sitesByName(stage.world, header.sites)
  const log = new ActionLog()
  for (let i = 0; i < actions.length; i++) {
    const site = sites[actions.site(i)]!
    if (site < 0)
      return {
        log,
        missing: `Action ${String(i)} belongs to ${header.sites[actions.site(i)]!}, which this version of ${header.system} does not have.`,
      }
    log.add(site, actions.subject(i))
  }
  return { log, missing: '' }
}

/** A header for schedules of a stage. */
export function headerOf(stage: Stage, provenance: TraceHeader['provenance'] = {}): TraceHeader {
  const blank = new Run(stage.definition, stage.setup)
  return recordTrace(blank, { provenance, image: false }).header
}

const slice = 4096

/** The trace of a branch up to a position, executed once more. Yields now and then. */
export function* traceOf(branch: Branch, at: number): Generator<{ done: number; total: number }, Trace> {
  const { stage, log } = branch
  const { definition, setup } = stage
  const run = new Run(definition, setup)
  const recorder = new RunRecorder(run, fingerprintEvery(at))
  for (let i = 0; i < at; i++) {
    if (i % slice === slice - 1) yield { done: i, total: at }
    const site = run.world.sites[log.site(i)]!
    const choice = site.find(log.subject(i))
    if (choice < 0) throw impossible(`action ${String(i)}, ${site.name}, is not possible when it is saved`)
    run.take(site.index, choice)
  }
  run.finish()
  if (at === branch.length && branch.claimed?.kind === 'liveness' && !run.judge.goalReached())
    run.violation ??= branch.claimed
  return recordTrace(run, { provenance: branch.provenance, modulePath: stage.modulePath }, recorder)
}

export function fileNameOf(stage: Stage, violation: Violation | undefined, branch: number): string {
  const parts = [
    stage.definition.name,
    stage.setup.bug ?? 'right',
    violation?.name ?? 'run',
    `branch-${String(branch)}`,
  ]
  return `${parts.map((part) => part.replace(/[^\w.-]+/g, '_')).join('-')}.aviary`
}

// ---- links

/** The schedule alone: no fingerprints, no image, and of the sites those that it names. */
export function bareBytes(branch: Branch, at: number): Uint8Array<ArrayBuffer> {
  const { stage } = branch
  const header = headerOf(stage, branch.provenance)
  const used: string[] = []
  const numbers = new Map<number, number>()
  const actions = new ActionLog()
  for (let i = 0; i < at; i++) {
    const site = branch.log.site(i)
    if (!numbers.has(site)) {
      numbers.set(site, used.length)
      used.push(header.sites[site]!)
    }
    actions.add(numbers.get(site)!, branch.log.subject(i))
  }
  const empty = new Uint32Array(0)
  const components = { starts: new Uint32Array(1), parts: new Uint16Array(0), folds: new Uint16Array(0) }
  return encodeTrace({
    header: { ...header, sites: used, parts: [] },
    actions,
    fingerprints: empty,
    components,
  })
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    // A link of a few kilobytes must not fill the memory.
    if (length > most) throw new RangeError('too long')
    chunks.push(value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

const mostSharedBytes = 1 << 26

export async function toShared(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const packed = await through(bytes, new CompressionStream('deflate-raw'), mostSharedBytes)
  let text = ''
  for (const byte of packed) text += String.fromCharCode(byte)
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Throws TraceError when the text is none that {@link toShared} gave. */
export async function fromShared(text: string): Promise<Uint8Array> {
  const mend = 'Copy the whole link, or open a trace file.'
  if (!/^[\w-]+$/.test(text))
    throw new TraceError('foreign', 'link', 'it holds characters that no shared schedule has', mend)
  try {
    const packed = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    )
    return await through(packed, new DecompressionStream('deflate-raw'), mostSharedBytes)
  } catch {
    throw new TraceError('corrupt', 'link', 'the shared schedule in it is damaged or cut off', mend)
  }
}
