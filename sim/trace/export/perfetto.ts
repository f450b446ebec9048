/**
 * Traces for the Perfetto UI (https://ui.perfetto.dev): a protocol buffer of TracePackets with TrackEvents.
 *
 * Contract. Each node is a process with a lane for its CPU (handlers) and one for its NIC (what happens to memory and
 * queues behind the CPU's back); clients are a process with a lane each; faults of links and the calm have a process of
 * their own. An action is a slice in the lane where it happens, a fault an instant. Flows join sending with delivery,
 * post with placement and completion, and a client's request with its reply. Names are not interned.
 *
 * A trace holds no times: unless the caller gives them, action i begins at i microseconds.
 */
import type { SystemDefinition } from '../../../protocol/index.js'
import { type ActionKind, isFaultKind } from '../../world/site.js'
import type { Site } from '../../world/site.js'
import type { World } from '../../world/world.js'
import type { Trace } from '../trace.js'
import { walk } from '../walk.js'
import { type ArrowEnds, Arrows } from './arrows.js'
import { annotation, describeProcesses, emit, event, eventType, laneOf } from './perfetto-packets.js'
import { Message } from './protobuf.js'

export interface PerfettoOptions {
  /** Virtual time of an action in nanoseconds, never falling; the index in microseconds unless given. */
  readonly nanosOf?: ((index: number) => number) | undefined
  /** Width of a slice, unless the next action of its lane comes sooner. */
  readonly sliceNanos?: number | undefined
}

const nicKinds: readonly ActionKind[] = ['fetch', 'place', 'land', 'expire']
const chunkBytes = 1 << 16

/** Chunks of the file, to be written one after the other. */
export function* perfettoChunks(
  definition: SystemDefinition,
  trace: Trace,
  options: PerfettoOptions = {},
): Generator<Uint8Array<ArrayBuffer>, void> {
  const given = options.nanosOf
  const nanosOf = (index: number): number => (given === undefined ? index * 1000 : Math.round(given(index)))
  const sliceNanos = options.sliceNanos ?? 800
  let arrows: Arrows | undefined
  let out = new Message()
  const steps = walk(definition, trace, {
    begin: (run) => {
      arrows = new Arrows(run.world)
      describeTracks(out, run.world)
    },
    before: (_index, site, choice) => arrows?.before(site, site.subject(choice)),
  })
  for (const { index, site, subject, words } of steps) {
    const ends = arrows!.after()
    const track = trackOf(site)
    const begin = nanosOf(index)
    const fault = isFaultKind(site.kind)
    const first = describeAction(track, fault ? eventType.instant : eventType.sliceBegin, site, words, ends)
    first.message(
      event.annotations,
      new Message().uint(annotation.uint, index).string(annotation.name, 'index'),
    )
    first.message(
      event.annotations,
      new Message().uint(annotation.uint, subject).string(annotation.name, 'subject'),
    )
    emit(out, begin, first)
    if (!fault) {
      // Slices of one lane must not overlap; ending at the next action's time at the latest is enough.
      const next = index + 1 < trace.actions.length ? nanosOf(index + 1) : begin + sliceNanos
      const end = Math.max(begin, Math.min(begin + sliceNanos, next))
      emit(out, end, new Message().uint(event.type, eventType.sliceEnd).uint(event.track, track))
    }
    if (out.length >= chunkBytes) {
      yield out.take()
      out = new Message()
    }
  }
  if (out.length > 0) yield out.take()
}

function describeAction(
  track: number,
  type: number,
  site: Site,
  words: string,
  { through, ends }: ArrowEnds,
): Message {
  const message = new Message()
    .uint(event.type, type)
    .uint(event.track, track)
    .string(event.categories, site.kind)
    .string(event.name, words === '' ? site.name : `${site.name}: ${words}`)
  for (const arrow of through) message.fixed64(event.flows, arrow)
  for (const arrow of ends) message.fixed64(event.endingFlows, arrow)
  return message
}

// ---- tracks. Process 1 is for faults, 2 for clients, 3 + n for node n; a lane's uuid is its process and its place there.

const faults = 1
const clients = 2
const cpu = 1
const nic = 2

function trackOf(site: Site): number {
  const client = / ?c(\d+)$/.exec(site.name)
  if (site.node < 0 && client !== null) return laneOf(clients, 1 + Number(client[1]))
  if (site.node < 0 || site.kind === 'cut' || site.kind === 'heal') return laneOf(faults, 1)
  return laneOf(3 + site.node, nicKinds.includes(site.kind) ? nic : cpu)
}

function describeTracks(out: Message, world: World): void {
  const process = describeProcesses(out)
  process(faults, 'faults', ['links'])
  const clientLanes = world.clients?.parts.map((_, i) => `c${String(i)}`) ?? []
  if (clientLanes.length > 0) process(clients, 'clients', clientLanes)
  for (const { index } of world.nodes)
    process(3 + index, world.nodeName(index), world.fabric === undefined ? ['CPU'] : ['CPU', 'NIC'])
}
