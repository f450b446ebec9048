/**
 * Limits: how often the environment may do something of its own accord, in all nodes together, or how often a site may
 * act. Like the budget of a fault a limit is part of the model: what is left of it is in the bytes of the state. A world
 * with limits does less than the same world without, so what happens in it may happen there too, by the same actions.
 */
import { type StructLayout, struct, u32 } from '../../protocol/index.js'
import type { Memory, Part } from './memory.js'
import { type ActionKind, Outcome, type SiteDraft } from './site.js'
import { UnknownLimit } from './unknown-limit.js'

/**
 * By `kind`, `kind.name` for one timer or input, or `kind.name@node` at one node: `{ 'timer.suspect@1': 2, retry: 1 }`;
 * or by the name of any site, as traces have it: `{ 'poll n2': 0 }`. What is not named has no limit.
 */
export type Limits = Readonly<Record<string, number>>

/** Whether a limit is that of one site: names of sites are words with spaces between them. */
export const isOfSite = (name: string): boolean => name.includes(' ')

/** What nobody but the environment decides. */
export const limitedKinds: readonly ActionKind[] = ['timer', 'input', 'tick', 'invoke', 'retry', 'abandon']
/** Kinds of which each has a name of its own: the last word of the name of its sites. */
const namedKinds: readonly ActionKind[] = ['timer', 'input']

/** The bytes of what is left; undefined without limits, so that they cost nothing. */
export function limitsLayout(limits: Limits): StructLayout | undefined {
  const names = Object.keys(limits)
  return names.length === 0
    ? undefined
    : struct(Object.fromEntries(names.map((_, i) => [`left${String(i)}`, u32])))
}

/** The limits of a world. */
export class LimitedSites {
  readonly #names: readonly string[]
  readonly #counts: readonly number[]
  readonly #part: Part
  readonly #memory: Memory
  readonly #used = new Set<string>()
  readonly #sites = new Set<string>()
  /** By the name of a site the number of its limit. */
  readonly #limitOf = new Map<string, number>()

  constructor(memory: Memory, part: Part, limits: Limits) {
    this.#memory = memory
    this.#part = part
    this.#names = Object.keys(limits)
    this.#counts = Object.values(limits)
    for (const [name, count] of Object.entries(limits))
      if (!Number.isInteger(count) || count < 0 || count >= 2 ** 32)
        throw new RangeError(`the limit ${name} must be a whole number from 0, not ${String(count)}`)
  }

  /** The site as it is within its limit. The narrowest name counts: its own, then `timer.look@1`, `timer.look`, `timer`. */
  within(draft: SiteDraft, touch: (part: number) => void): SiteDraft {
    const { kind, name, node } = draft
    const candidates: string[] = []
    if (limitedKinds.includes(kind)) {
      const own = namedKinds.includes(kind) ? `${kind}.${name.slice(name.lastIndexOf(' ') + 1)}` : kind
      if (node >= 0) candidates.push(`${own}@${String(node)}`)
      candidates.push(own, kind)
    }
    for (const each of candidates) this.#used.add(each)
    this.#sites.add(name)
    const limit = [name, ...candidates].find((each) => this.#names.includes(each))
    if (limit === undefined) return draft
    const i = this.#names.indexOf(limit)
    this.#limitOf.set(name, i)
    const { words } = this.#memory
    const at = this.#part.offset / 4 + i
    const part = this.#part.index
    return {
      ...draft,
      guards: [...draft.guards, part],
      writes: [...draft.writes, part],
      armed: () => (words[at] === 0 ? 0 : draft.armed()),
      step(choice) {
        const outcome = draft.step(choice)
        if (outcome === Outcome.moved) {
          words[at] = words[at]! - 1
          touch(part)
        }
        return outcome
      },
    }
  }

  /** The part of the state, and in it the number of what a site uses up; undefined for a site without a limit. */
  of(site: string): { readonly part: number; readonly number: number } | undefined {
    const number = this.#limitOf.get(site)
    return number === undefined ? undefined : { part: this.#part.index, number }
  }

  /** Puts the limits into the state. Throws when one of them limits nothing. */
  begin(): void {
    const stray = this.#names.find((name) => !this.#used.has(name) && !this.#sites.has(name))
    if (stray !== undefined) throw new UnknownLimit(stray, [...this.#used])
    for (const [i, count] of this.#counts.entries()) this.#memory.words[this.#part.offset / 4 + i] = count
  }
}
