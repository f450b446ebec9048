/**
 * Locks: what keeps a site from acting in a state, as a set of cells. As long as none of them changes, it cannot act. Of
 * several reasons any one will do, and the one with the fewest writers is the best.
 */
import {
  EndState,
  type Flow,
  Phase,
  acceptedCountAt,
  acceptedOf,
  arrivedAt,
  countAt,
  hasAnswer,
  isWrite,
  lateAt,
  operationAt,
  packetsAt,
  phaseAt,
  receivedCountAt,
  requestOf,
  stateAt,
  taken,
  targetAt,
} from '../../sim/world/fabric/flow.js'
import { budgetIndex } from '../../sim/world/faults.js'
import type { Node } from '../../sim/world/node.js'
import { type Site, isFaultKind } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import type { FaultKind } from '../../protocol/index.js'
import type { BitSet } from './bit-set.js'
import { type Cells, QueueCell, StatusCell } from './cells.js'
import { wayKinds } from './queue-use.js'

/** A site, the node whose handler its steps run, and the flow on whose requests they work. */
export interface Actor {
  readonly site: Site
  readonly node: Node | undefined
  readonly flow: Flow | undefined
}

export class Locks {
  /** By number, each set once. */
  readonly sets: BitSet[] = []
  readonly #numbers = new Map<string, number>()
  readonly #world: World
  readonly #cells: Cells

  constructor(world: World, cells: Cells) {
    this.#world = world
    this.#cells = cells
  }

  /** With a state in the world in which a site is not armed though its gate is open: the number of what must change. */
  of(actor: Actor): number {
    const cells = this.#cells.none()
    this.#add(actor, cells)
    return this.#intern(cells)
  }
  /** With a state in the world in which a site has choices: the number of what may give it more, or -1. */
  moreOf({ site, flow }: Actor): number {
    if (site.kind !== 'place' || this.#placesOneWrite(flow!)) return -1
    const cells = this.#cells.none()
    this.#cells.addOne(cells, flow!.queue.index, QueueCell.arrivals)
    return this.#intern(cells)
  }
  /** Whether what is placed next is a WRITE of which everything has arrived: whatever arrives behind it waits for it. */
  #placesOneWrite(flow: Flow): boolean {
    const { memory, fabric } = this.#world
    const { words } = memory
    const { rules } = fabric!
    const { regions } = this.#world.nodes[flow.to]!.definition
    // A relaxed WRITE may pass it.
    const mayPass = rules.relaxedRegions && regions.some(({ relaxedOrdering }) => relaxedOrdering === true)
    if (!rules.inOrderRequests || mayPass) return false
    const accepted = words[flow.queueBase + acceptedCountAt]!
    const count = words[flow.queueBase + countAt]!
    for (let i = -accepted; i < count; i++) {
      const request = i < 0 ? acceptedOf(flow, i + accepted) : requestOf(flow, i)
      if (words[request + phaseAt]! >= Phase.executed || words[request + arrivedAt] === 0) continue
      if (words[request + targetAt] === taken) continue
      const isWhole = i < 0 || words[request + arrivedAt] === words[request + packetsAt]
      return isWhole && isWrite(words[request + operationAt]!)
    }
    return false
  }
  /** The same where its gate is shut. */
  ofGate({ site }: Actor): number {
    const cells = this.#cells.none()
    this.#addGate(site, cells)
    return this.#intern(cells)
  }
  #intern(cells: BitSet): number {
    const key = cells.join()
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    this.#numbers.set(key, this.sets.length)
    return this.sets.push(cells) - 1
  }

  #add(actor: Actor, to: BitSet): void {
    const { site } = actor
    const { fabric } = this.#world
    const { kind } = site
    // Budgets and limits never rise.
    if (this.#isUsedUp(site)) return
    const { node } = actor
    const mayNotRun =
      kind === 'observe' ? node?.isRunning() === false : kind !== 'poll' && node?.ready() === false
    if (mayNotRun) {
      for (const part of node!.readyParts) this.#cells.addWhole(to, part)
      return
    }
    const { flow } = actor
    if (fabric !== undefined && flow !== undefined) {
      const { requester, responder } = fabric
      // What is posted is not acknowledged by that.
      if (kind === 'complete' && !isInError(this.#world, flow) && requester.completable(flow) < 0)
        return this.#addGuards(actor, acknowledging, to)
      if (kind === 'arrive') {
        const waits = responder.firstUnarrived(flow) >= 0
        // What is posted behind a request that has not arrived whole waits for it.
        return this.#addGuards(actor, waits ? allButPosted : [QueueCell.posted], to)
      }
      if (kind === 'place') return this.#addGuards(actor, [QueueCell.placed, QueueCell.arrivals], to)
      if (kind === 'answer')
        return this.#addGuards(actor, this.#awaitsAnswer(flow) ? answering : [QueueCell.posted], to)
      const isWell = requester.isAnswered(flow) && responder.hearsAll(flow) && responder.listens(flow)
      if (kind === 'expire' && isWell && fabric.model.receiverRetries !== 'finite')
        return this.#addGuards(actor, [], to)
    }
    this.#addGuards(actor, undefined, to)
  }
  #awaitsAnswer(flow: Flow): boolean {
    const { words } = this.#world.memory
    for (let i = 0; i < words[flow.queueBase + countAt]!; i++) {
      const request = requestOf(flow, i)
      if (hasAnswer(words[request + operationAt]!) && words[request + phaseAt]! < Phase.answered) return true
    }
    return false
  }
  /** All guards, and of the own queue these cells; without them all of it. */
  #addGuards({ site }: Actor, ofQueue: readonly QueueCell[] | undefined, to: BitSet): void {
    for (const part of site.guards) {
      const kind = this.#cells.kindOf(part)
      if (kind === 'budgets') continue
      if (part === site.guards[0] && ofQueue !== undefined)
        for (const cell of ofQueue) this.#cells.addOne(to, part, cell)
      else if (kind === 'status' && wayKinds.has(site.kind)) this.#cells.addOne(to, part, StatusCell.life)
      else this.#cells.addWhole(to, part)
    }
  }

  #isUsedUp({ kind, name }: Site): boolean {
    const { memory, budgets, limits } = this.#world
    const limit = limits?.of(name)
    if (limit !== undefined && memory.words[memory.parts[limit.part]!.offset / 4 + limit.number] === 0)
      return true
    const isBudgeted = isFaultKind(kind) && kind !== 'calm'
    return isBudgeted && memory.words[budgets.offset / 4 + budgetIndex(kind as FaultKind)] === 0
  }

  /** The cell of a site's gate. */
  #addGate({ gate }: Site, to: BitSet): void {
    const { memory, fabric } = this.#world
    const part = memory.parts.find(
      ({ offset, sizeBytes }) => gate >= offset / 4 && gate < (offset + sizeBytes) / 4,
    )!
    if (part.kind === 'budgets') return
    const flow = fabric?.flows.find(({ queue }) => queue === part)
    if (flow === undefined) this.#cells.addWhole(to, part.index)
    else this.#cells.addOne(to, part.index, queueCellOf(gate - flow.queueBase))
  }
}

/** Whether the end that posts is in ERR. */
export const isInError = ({ memory }: World, flow: Flow): boolean =>
  memory.words[flow.endBase + stateAt] === EndState.error

const allButPosted = Object.values(QueueCell).filter((cell) => cell !== QueueCell.posted)
/** What may bring an acknowledgement while an end is not in ERR. */
const acknowledging: readonly QueueCell[] = [QueueCell.arrivals, QueueCell.placed, QueueCell.answers]

const answering: readonly QueueCell[] = [QueueCell.placed, QueueCell.answers]

/** The cell of a gate before the requests of a queue. */
function queueCellOf(word: number): QueueCell {
  if (word === countAt) return QueueCell.posted
  if (word === receivedCountAt) return QueueCell.received
  // What is open has arrived.
  return word === lateAt ? QueueCell.late : QueueCell.arrivals
}
