/**
 * An auditor follows a world step by step and finds where it breaks its own rules. Each finding is one sentence that
 * names the site; equal sentences are one finding.
 */
import type { SystemDefinition } from '../../../protocol/index.js'
import { Random } from '../../../sim/random.js'
import { type Setup, buildWorld } from '../../../sim/run/setup.js'
import { type ActionKind, Outcome, type Site, isFaultKind } from '../../../sim/world/site.js'
import type { Snapshot, World } from '../../../sim/world/world.js'

export interface AuditOptions {
  readonly steps: number
  /** One in so many steps is also taken on a poisoned copy; and each choice looked up, polls repeated. */
  readonly deepEvery?: number
}

/** Polls after which nothing may move any more. */
const pollsMost = 4
const poisons = [0xa5a5a5a5, 0xffffffff, 1]

export class Auditor {
  readonly world: World
  readonly findings = new Map<string, number>()
  readonly kindsTaken = new Set<string>()
  readonly #twin: World
  readonly #random: Random
  readonly #label: string
  /** Sites with `wakes` whose only choice did nothing, and that were not said to have something new to offer since. */
  readonly #asleep = new Set<number>()

  constructor(definition: SystemDefinition, setup: Setup, seed: number) {
    this.world = buildWorld(definition, setup)
    this.#twin = buildWorld(definition, setup)
    this.#random = new Random(seed)
    this.#label = `${definition.name}/${setup.knobs.poll}`
  }

  /** Falsifies sites, to see that this is found. */
  tamper(change: (site: Site) => Partial<Site>): void {
    for (const world of [this.world, this.#twin])
      for (const site of world.sites) Object.assign(site, change({ ...site }))
  }

  /** Walks at random; starts again from the beginning when nothing is armed or the run failed. */
  walk({ steps, deepEvery = 7 }: AuditOptions): void {
    const { world } = this
    const start = world.snapshot()
    let saved: { snapshot: Snapshot; taken: [number, number, number][] } | undefined
    for (let i = 0; i < steps; i++) {
      if (world.failure !== undefined || world.armedTotal === 0 || this.#random.chance(0.002)) {
        saved = undefined
        this.#asleep.clear()
        world.restore(start)
      }
      const [site, choice] = this.#draw()
      if (site === undefined) break
      const deep = i % deepEvery === 0
      if (deep) {
        this.#lookUpAll()
        this.#tryPoison(site, choice)
        this.#repeatPolls()
        this.#rouse()
      }
      this.#step(site, choice)
      if (world.failure === undefined) saved?.taken.push([site.index, choice, world.fingerprint()])
      if (saved !== undefined && saved.taken.length === 30) {
        this.#replay(saved.snapshot, saved.taken)
        saved = undefined
      } else if (saved === undefined && world.failure === undefined && this.#random.chance(0.02))
        saved = { snapshot: world.snapshot(), taken: [] }
    }
  }

  find(sentence: string): void {
    const text = `${this.#label}: ${sentence}`
    this.findings.set(text, (this.findings.get(text) ?? 0) + 1)
  }

  /** A kind of site first, then a site, then a choice, so that rare kinds are met. */
  #draw(): [Site, number] | [undefined, number] {
    const { world } = this
    const armed = world.sites.filter((site) => world.armed[site.index]! > 0)
    if (armed.length === 0) return [undefined, 0]
    const kinds = [...new Set(armed.map((site) => site.kind))]
    const rare = this.#random.chance(0.5)
    const kind = this.#random.pick(kinds)
    const site = this.#random.pick(rare ? armed.filter((other) => other.kind === kind) : armed)
    const { length } = kinds.filter((other) => !interrupts(other))
    // Else hardly anything would get far enough to be met.
    if (length > 0 && interrupts(site.kind) && this.#random.chance(0.95)) return this.#draw()
    return [site, this.#random.below(world.armed[site.index]!)]
  }

  #step(site: Site, choice: number): void {
    const { world } = this
    const { bytes, parts } = world.memory
    const before = bytes.slice()
    const describedBefore = site.describe(choice)
    if (typeof describedBefore !== 'string') this.find(`${kindOf(site)} describes itself by no text`)
    const outcome = world.step(site.index, choice)
    this.kindsTaken.add(site.kind)
    for (let i = 0; i < world.dirtyCount; i++) this.#asleep.delete(world.dirty[i]!)
    // Idle inputs are left out: they may have something to do when a target of their effects has changed.
    const didNothing = outcome === Outcome.refused || (outcome === Outcome.idle && site.kind === 'poll')
    if (didNothing && world.armed[site.index] === 1 && site.wakes !== undefined) this.#asleep.add(site.index)
    const failed = world.failure !== undefined
    const touched = new Set<number>()
    for (let i = 0; i < world.touchedCount; i++) touched.add(world.touchedPart(i))
    let changed = 0
    for (const part of parts) {
      if (sameBytes(before, bytes, part.offset, part.sizeBytes)) continue
      changed++
      if (!site.writes.includes(part.index))
        this.find(`${kindOf(site)} writes a part of kind ${part.kind} that it does not declare`)
      if (!touched.has(part.index) && !failed)
        this.find(`${kindOf(site)} changes a part of kind ${part.kind} without touching it`)
    }
    for (const part of touched)
      if (!site.writes.includes(part))
        this.find(
          `${kindOf(site)} touches a part of kind ${parts[part]!.kind} that it does not declare to write`,
        )
    if (outcome !== Outcome.moved && changed > 0) this.find(`${kindOf(site)} is not moved but changes bytes`)
    if (outcome === Outcome.moved && changed === 0 && !failed)
      this.find(`${kindOf(site)} says moved but no byte changes`)
    if (failed) return
    let total = 0
    for (const other of world.sites) {
      total += other.armed()
      if (other.armed() !== world.armed[other.index])
        this.find(`after ${kindOf(site)} the cached count of ${kindOf(other)} is stale`)
    }
    if (total !== world.armedTotal) this.find('the total of armed choices is stale')
  }

  #lookUpAll(): void {
    const { world } = this
    for (const site of world.sites) {
      const subjects = new Set<number>()
      for (let choice = 0; choice < world.armed[site.index]!; choice++) {
        const subject = site.subject(choice)
        if (subjects.has(subject)) this.find(`${kindOf(site)} offers two choices of one subject`)
        subjects.add(subject)
        if (site.find(subject) !== choice) this.find(`${kindOf(site)} does not find the subject of a choice`)
        if (!(Number.isSafeInteger(subject) && subject >= 0 && subject < 2 ** 48))
          this.find(`${kindOf(site)} has a subject that is no number below 2^48`)
      }
      if (world.armed[site.index] === 0 && site.kind !== 'calm')
        for (let subject = 0; subject < 6; subject++)
          if (site.find(subject) >= 0) this.find(`${kindOf(site)} finds a subject although nothing is armed`)
    }
  }

  /** Neither what is armed nor a step may depend on a part that the site does not declare. */
  #tryPoison(site: Site, choice: number): void {
    const { world } = this
    const twin = this.#twin
    const here = world.snapshot()
    const declared = new Set([...site.guards, ...site.reads, ...site.writes])
    const honest = this.#stepOn(here, site, choice, new Set(world.memory.parts.map((part) => part.index)), 0)
    for (const poison of poisons) {
      const poisoned = this.#stepOn(here, site, choice, declared, poison)
      if (poisoned.outcome !== honest.outcome)
        this.find(
          `${kindOf(site)} depends on what it does not declare: outcome ${String(poisoned.outcome)} instead of ${String(honest.outcome)}`,
        )
      for (const part of world.memory.parts) {
        if (!declared.has(part.index)) {
          for (let k = part.offset / 4; k < (part.offset + part.sizeBytes) / 4; k++)
            if (poisoned.words[k] !== poison) {
              this.find(`${kindOf(site)} writes into a part of kind ${part.kind} that it does not declare`)
              break
            }
        } else
          for (let k = part.offset / 4; k < (part.offset + part.sizeBytes) / 4; k++)
            if (poisoned.words[k] !== honest.words[k]) {
              this.find(
                `${kindOf(site)} leaves other bytes in a part of kind ${part.kind} when undeclared parts differ`,
              )
              break
            }
      }
      // What is armed is a function of the guards alone.
      for (const other of world.sites) {
        twin.restore(here)
        fill(twin, new Set(other.guards), poison)
        let armed: number | string
        try {
          armed = twin.sites[other.index]!.armed()
        } catch (error) {
          armed = String(error)
        }
        if (armed !== world.armed[other.index])
          this.find(`${kindOf(other)} is armed by what its guards do not declare`)
      }
    }
  }

  #stepOn(
    from: Snapshot,
    site: Site,
    choice: number,
    kept: ReadonlySet<number>,
    poison: number,
  ): { outcome: number | string; words: Uint32Array } {
    const twin = this.#twin
    twin.restore(from)
    fill(twin, kept, poison)
    let outcome: number | string
    try {
      outcome = twin.sites[site.index]!.step(choice)
    } catch (error) {
      outcome = String(error)
    }
    return { outcome, words: twin.memory.words.slice() }
  }

  /** On unchanged memory polls must stop changing anything. */
  #repeatPolls(): void {
    const twin = this.#twin
    for (const node of twin.nodes) {
      if (node.windows.pollSite < 0) continue
      twin.restore(this.world.snapshot())
      let polls = 0
      while (twin.armed[node.windows.pollSite]! > 0 && twin.failure === undefined) {
        const before = twin.memory.bytes.slice()
        let words = 0
        do {
          twin.step(node.windows.pollSite, 0)
          if (++words > 64) break
        } while (node.windows.isPolling())
        if (sameBytes(before, twin.memory.bytes, 0, before.length)) break
        if (++polls > pollsMost) {
          this.find(`poll of node ${String(node.index)} reaches no fixed point`)
          break
        }
      }
    }
  }

  /** What did nothing must do nothing until it is said to have something new to offer. */
  #rouse(): void {
    const here = this.world.snapshot()
    for (const site of this.#asleep) {
      this.#twin.restore(here)
      if (this.#twin.armed[site]! > 0 && this.#twin.step(site, 0) === Outcome.moved)
        this.find(`${kindOf(this.world.sites[site]!)} has something new to do and was not woken`)
    }
  }

  #replay(from: Snapshot, taken: readonly (readonly [number, number, number])[]): void {
    const twin = this.#twin
    twin.restore(from)
    for (const [site, choice, fingerprint] of taken) {
      if (choice >= twin.armed[site]!) {
        this.find('after restoring a snapshot the same choices are not armed')
        return
      }
      twin.step(site, choice)
      if (twin.fingerprint() !== fingerprint) {
        this.find('after restoring a snapshot the same steps give other bytes')
        return
      }
    }
    const { side } = this.world.memory
    if (side.some((value, i) => value !== twin.memory.side[i]))
      this.find('after restoring a snapshot the same steps give another side')
  }
}

/** Whether a kind of action breaks off what is under way, or leads nowhere. */
const interrupts = (kind: ActionKind): boolean =>
  kind === 'tick' ||
  (isFaultKind(kind) && !['restart', 'resume', 'heal', 'mend', 'retransmit'].includes(kind))

function fill(world: World, kept: ReadonlySet<number>, poison: number): void {
  for (const part of world.memory.parts)
    if (!kept.has(part.index))
      world.memory.words.fill(poison, part.offset / 4, (part.offset + part.sizeBytes) / 4)
}

function sameBytes(a: Uint8Array, b: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (a[i] !== b[i]) return false
  return true
}

/** The first word of a site's name, and the second where a fault strikes different things: `duplicate request`. */
function kindOf(site: Site): string {
  const words = site.name.split(' ')
  return words.length > 2 && (site.kind === 'drop' || site.kind === 'duplicate')
    ? `${site.kind} ${words[1]!}`
    : site.kind
}
