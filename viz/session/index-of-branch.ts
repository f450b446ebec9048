/**
 * What an execution tells of a branch: arrows, marks, the truth of its properties, what clients saw, which parts each
 * action changed. Built in slices, from the first action on, so that a long run is shown while it is still being read.
 *
 * Contract. Every number comes from executing the real cores in a world of its own. While nothing is violated the judge
 * of `sim/` looks, which knows what it need not look at again; from the first violation on every property is asked after
 * every step, since a judge stops there and people do not.
 */
import { Judge, Outcome, type Violation, type World, buildWorld, isFaultKind } from '../../sim/index.js'
import { sameViolation } from '../../sim/run/judge.js'
import { ClientEvents, tellHistory } from '../../sim/shrink/client-events.js'
import {
  type FingerprintDivergence,
  StateChecker,
  fingerprintWords,
  layoutDifferences,
  layoutWords,
} from '../../sim/trace/state-checker.js'
import { armedChoice, partsOf } from '../../sim/trace/trace.js'
import { ArrowTable } from './arrow-table.js'
import type { Branch } from './branch.js'
import { Column, countUpTo } from './columns.js'
import { MarkTable } from './mark-table.js'
import { PropertyWatch } from './property-watch.js'
import { type MarkKind, StepFlag, Truth } from './protocol.js'
import { TruthLog } from './truth-log.js'

/** What is needed to go on where the index ends; given up when it is complete and others need the memory. */
interface Live {
  readonly world: World
  readonly judge: Judge
  readonly watch: PropertyWatch
  /** Compares with what the trace tells of its states, until they differ. */
  checker: StateChecker | undefined
}

/** Verdicts of schedulers alone, and of a replay that runs every handler twice. */
const unseen: readonly string[] = ['liveness', 'hidden-state']
const shownIsThis = 'What is shown is this run, not what the file says.'

export class Index {
  readonly #branch: Branch
  #live: Live | undefined
  /** Up to which position everything here is complete. */
  known = 0
  /** The first violation, and the position at which it was found. */
  found: (Violation & { readonly at: number }) | undefined
  /** Whether the schedule cannot be followed beyond `known`. */
  isStuck = false
  /** What is to be told: where this run is another one than the trace tells of, and why it ends before its end. */
  remarks: readonly string[] = []
  arrows!: ArrowTable
  marks!: MarkTable
  truth: readonly TruthLog[] = []
  flags = new Column(Uint8Array)
  /** Parts that action i changed: `touched` from `touchedFrom[i]` on. */
  touchedFrom = new Column(Uint32Array)
  touched = new Column(Uint16Array)
  clients = new ClientEvents()
  /** The action of each event of clients. */
  clientActions = new Column(Uint32Array)
  #historyJudged = -1

  constructor(branch: Branch) {
    this.#branch = branch
  }

  get isComplete(): boolean {
    return this.isStuck || (this.known >= this.#branch.length && this.#historyJudged === this.known)
  }
  get isLive(): boolean {
    return this.#live !== undefined
  }
  /** Gives the world up. When the branch grows its index begins anew. */
  release(): void {
    this.#live = undefined
  }

  /** Goes on for at most so many actions. Returns whether there is more to do. */
  advance(most: number): boolean {
    if (this.isComplete) return false
    const { stage, length } = this.#branch
    const live = (this.#live ??= this.#begin())
    const end = Math.min(length, this.known + most)
    while (this.known < end) {
      if (!this.#step(live, this.known)) return false
      stage.keep(this.#branch, this.known, () => live.world.snapshot())
    }
    if (this.known < length) return true
    this.#judgeHistory(live)
    this.#compareVerdicts()
    return false
  }

  #begin(): Live {
    const { definition, setup, info } = this.#branch.stage
    const world = buildWorld(definition, setup)
    const judge = new Judge(world, setup.without)
    const lane = (kind: string, of: 'node' | 'client') => (number: number) =>
      info.lanes.findIndex((each) => each.kind === kind && each[of] === number)
    this.known = 0
    this.found = undefined
    this.remarks = []
    this.#historyJudged = -1
    this.clients = new ClientEvents()
    this.clientActions = new Column(Uint32Array)
    this.flags = new Column(Uint8Array)
    this.touched = new Column(Uint16Array)
    this.touchedFrom = new Column(Uint32Array)
    this.touchedFrom.push(0)
    this.arrows = new ArrowTable(world, lane('cpu', 'node'), lane('client', 'client'))
    this.marks = new MarkTable((kind, action, node, a, b) => this.#words(kind, action, node, a, b))
    this.truth = info.properties.map(() => new TruthLog())
    this.#listen(world, judge)
    const watch = new PropertyWatch(world, judge, info.properties)
    const violation = judge.atStart()
    if (violation !== undefined) this.found = { ...violation, at: 0 }
    watch.begin(violation)
    watch.truths().forEach((value, i) => this.truth[i]!.set(0, value))
    return { world, judge, watch, checker: this.#checker(world) }
  }

  #checker(world: World): StateChecker | undefined {
    const { recorded } = this.#branch
    if (recorded === undefined) return undefined
    const strangers = layoutDifferences(recorded.header.parts, partsOf(world))
    if (strangers.length > 0) {
      this.#remark(
        `${layoutWords(strangers)} So its states cannot be compared with the recorded ones. ${shownIsThis}`,
      )
      return undefined
    }
    const checker = new StateChecker(recorded, world)
    return this.#agrees(checker.check(0)) ? checker : undefined
  }
  #agrees(divergence: FingerprintDivergence | undefined): boolean {
    if (divergence === undefined) return true
    const { header } = this.#branch.recorded!
    this.#remark(
      `This run is not the one that was recorded (by ${header.createdBy}). ${fingerprintWords(divergence)} ${shownIsThis}`,
    )
    return false
  }
  #remark(words: string): void {
    this.remarks = [...this.remarks, words]
  }
  /** What no execution of a schedule shows is not compared. */
  #compareVerdicts(): void {
    const { found } = this
    const { recorded, claimed } = this.#branch
    if (recorded === undefined || unseen.includes(claimed?.kind ?? '')) return
    const isSame =
      found === undefined || claimed === undefined
        ? found === claimed
        : sameViolation(found, claimed) && found.at === claimed.at
    const words = (violation: typeof claimed): string =>
      violation === undefined ? 'no violation' : `${violation.name} violated at ${String(violation.at)}`
    if (!isSame)
      this.#remark(`The trace tells of ${words(claimed)}, this run shows ${words(found)}. ${shownIsThis}`)
  }

  #listen(world: World, judge: Judge): void {
    const { clients } = this
    const decisions = world.nodes.map(({ definition: { notes, decisions: decided = [] } }) =>
      notes.map((note) => decided.includes(note)),
    )
    const tell = (): void => {
      this.clientActions.push(this.known)
    }
    world.listener = {
      note: (node, kind, value) => {
        const decided = decisions[node]![kind] === true
        this.marks.add(decided ? 'commit' : 'note', this.known, node, kind, value)
        if (decided) this.#flag(StepFlag.commit)
      },
      call: (client, position) => {
        judge.call(client, position)
        clients.call(client, position)
        tell()
      },
      return: (client, position, memory, at, length) => {
        judge.return(client, position, memory, at, length)
        clients.return(client, position, memory, at, length)
        tell()
        this.marks.add('reply', this.known, -1, client, clients.events.length - 1)
        this.#flag(StepFlag.reply)
      },
      abandon: (client, position) => {
        judge.abandon(client)
        clients.abandon(client, position)
        tell()
      },
    }
  }

  #flag(bits: number): void {
    this.flags.extend(this.known + 1)
    this.flags.mark(this.known, bits)
  }

  #step(live: Live, action: number): boolean {
    const { world, judge, watch } = live
    const { log } = this.#branch
    const site = world.sites[log.site(action)]!
    const subject = log.subject(action)
    const choice = armedChoice(site, subject)
    if (choice < 0) return this.#stop(action, `${site.name} ${String(subject)} is not possible`)
    const isFault = isFaultKind(site.kind)
    this.flags.extend(action + 1)
    if (isFault) {
      this.marks.add('fault', action, site.node)
      this.#flag(StepFlag.fault)
    } else if (site.kind === 'control') {
      this.marks.add('rights', action, site.node)
      this.#flag(StepFlag.rightsChange)
    }
    this.arrows.before(action, site, subject)
    if (world.step(site.index, choice) !== Outcome.moved)
      return this.#stop(action, `${site.name} ${String(subject)} changes nothing`)
    for (let i = 0; i < world.touchedCount; i++) this.touched.push(world.touchedPart(i))
    this.touchedFrom.push(this.touched.length)
    if (live.checker !== undefined && !this.#agrees(live.checker.afterAction(action)))
      live.checker = undefined
    this.arrows.after()
    for (const { node, before, after } of watch.roleChanges()) {
      this.marks.add('role', action, node, before, after)
      this.#flag(StepFlag.roleChange)
    }
    const at = action + 1
    if (this.found === undefined) {
      const violation = judge.afterStep(true)
      if (violation !== undefined) {
        this.found = { ...violation, at }
        this.marks.add('violation', action, -1)
        this.#flag(StepFlag.violation)
      }
      watch.afterGood(violation)
    } else watch.afterBad()
    const truths = watch.truths()
    for (let i = 0; i < truths.length; i++)
      if (this.#isAskedAtSteps(i) && this.truth[i]!.set(at, truths[i]!) && this.#isInvariant(i)) {
        this.marks.add('invariant', action, -1, i, truths[i])
        this.#flag(StepFlag.invariantChange)
      }
    this.known = at
    return true
  }
  /** The history is judged as a whole, at the end: what no step can tell, no step makes true or false. */
  #isAskedAtSteps(property: number): boolean {
    return this.#branch.stage.info.properties[property]!.kind !== 'history'
  }
  #isInvariant(property: number): boolean {
    return this.#branch.stage.info.properties[property]!.kind !== 'goal'
  }
  #stop(action: number, why: string): false {
    this.isStuck = true
    this.#remark(`Action ${String(action)}: ${why} in this version of ${this.#branch.stage.definition.name}.`)
    return false
  }

  /** Judges what clients saw, and looks for the first reply with which it cannot be explained any more. */
  #judgeHistory({ judge }: Live): void {
    this.#historyJudged = this.known
    const row = this.#branch.stage.info.properties.findIndex(({ kind }) => kind === 'history')
    if (row < 0) return
    const log = this.truth[row]!
    const { events } = this.clients
    const judged = (count: number): Violation | undefined => {
      tellHistory(judge, events.slice(0, count))
      return judge.finish()
    }
    const unjudged = judge.unjudgedHistories
    const violation = judged(events.length)
    if (violation === undefined) {
      log.restart(judge.unjudgedHistories > unjudged ? Truth.unknown : Truth.holds)
      return
    }
    // Of a history that can be explained every beginning can be, so the first bad one is found by halving.
    let good = 0
    let bad = events.length
    while (bad - good > 1) {
      const middle = (good + bad) >>> 1
      if (judged(middle) === undefined) good = middle
      else bad = middle
    }
    const at = this.clientActions.at(bad - 1) + 1
    log.restart(Truth.holds)
    log.set(at, Truth.violated)
    this.flags.mark(at - 1, StepFlag.invariantChange)
    // Found at the end, as in a trace: what is violated earlier by a state comes first.
    this.found ??= { ...violation, at: this.known }
  }

  // ---- asked afterwards

  /** Events of clients that have happened at a position. */
  eventsUpTo(at: number): number {
    return countUpTo(this.clientActions.view(), at - 1)
  }
  /** Parts that an action changed. */
  touchedBy(action: number): readonly number[] {
    const to = this.touchedFrom.at(action + 1)
    const parts: number[] = []
    for (let i = this.touchedFrom.at(action); i < to; i++) parts.push(this.touched.at(i))
    return parts
  }

  #words(kind: MarkKind, action: number, node: number, a: number, b: number): string {
    const { world, info } = this.#branch.stage
    const site = world.sites[this.#branch.log.site(action)]!
    const name = node < 0 ? '' : world.nodeName(node)
    switch (kind) {
      case 'fault':
      case 'rights':
        return site.name
      case 'role': {
        const names = world.nodes[node]!.definition.role!.machine.stateNames
        return `${name} ${names[a] ?? '?'} → ${names[b] ?? '?'}`
      }
      case 'commit':
      case 'note':
        return `${name} ${world.nodes[node]!.definition.notes[a] ?? `note ${String(a)}`} ${String(b)}`
      case 'invariant':
        return `${info.properties[a]!.name} ${b === Truth.violated ? 'is violated' : 'holds again'}`
      case 'violation':
        return this.found === undefined ? '' : `${this.found.name}: ${this.found.reason}`
      case 'reply': {
        const { content, position } = this.clients.events[b]!
        const { workload } = world.clients!
        const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
        const request = workload.describeRequest(workload.clients[a]!.script[position]!)
        return `c${String(a)} ${request} → ${workload.describeReply(view, 0, content.length)}`
      }
    }
  }
}
