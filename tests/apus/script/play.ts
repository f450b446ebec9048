/**
 * Plays a story step by step. Every step of the protocol is judged by the whole spec while it happens, and at the end what
 * the clients saw is judged too: a violation ends the story, as does a step that is not possible and an `expect` that
 * does not hold.
 *
 * The steps:
 *
 * - `client C OPERATION`: client C begins its next operation. `retry cC`: it asks the next replica.
 * - `run until CONDITION`, `run 500 us`, `run 2 ms`: things happen in virtual time, each as fast as it usually is.
 *   `quietly` before it: without a record of it.
 * - `expect CONDITION`. `show`: a line about each replica.
 * - `hold ACTION`, `release ACTION`, `release everything`: what is held does not happen by itself. `*` means anything:
 *   `hold place n0->n1`, `hold * n0->n1`, `hold n0->n1` (the same), `hold timer n2 *`.
 * - `power loss`: every replica crashes. `heal`: faults end, what was broken works again, nothing is held any more.
 * - `cut n0 n1`, `heal n0 n1`: a link in both directions.
 * - Anything else is an action by its name, then words that tell its choices apart, then how often (`x3`, or `all`):
 *   `crash n0`, `fire n1 suspect`, `deliver n0->n1 vote`, `drop n0->n1 vote`, `place n0->n1 x2`, `place n0->n1 word 3`.
 */
import type { Violation } from '../../../sim/run/judge.js'
import { castOf, conditionForms, conditionOf, describeNote, describeReplicas, operationOf } from './apus.js'
import { Scribe } from './scribe.js'
import { Stage } from './stage.js'
import { type Step, type Story, StoryError } from './story.js'

/** Virtual time that a `run until` may take. */
const PATIENCE_MICROS = 60_000
/** Repetitions that `all` stands for, at most. */
const MOST_REPETITIONS = 1000

export interface Performance {
  /** Per step what is written below it. */
  readonly golden: readonly (readonly string[])[]
  readonly violation: Violation | undefined
}

/** Plays the story on the right protocol, or on a wrong variant. Throws StoryError when it cannot go on. */
export function play(story: Story, bug?: string): Performance {
  const { definition, setup } = castOf(story, bug)
  return new Player(story, new Stage(definition, setup)).play()
}

class Player {
  readonly #story: Story
  readonly #stage: Stage
  readonly #scribe: Scribe
  #step: Step
  #firstNote = 0

  constructor(story: Story, stage: Stage) {
    this.#story = story
    this.#stage = stage
    this.#scribe = new Scribe(stage, describeNote)
    this.#step = story.steps[0]!
  }

  play(): Performance {
    const golden: (readonly string[])[] = []
    const { run } = this.#stage
    for (const step of this.#story.steps) {
      this.#step = step
      this.#firstNote = this.#scribe.notes.length
      try {
        const shown = this.#take(step.text)
        golden.push([...this.#scribe.lines(), ...shown])
      } catch (error) {
        // A wrong variant leaves the story at some place: what the clients saw until then counts.
        if (run.setup.bug === undefined || !(error instanceof StoryError)) throw error
        if (run.finish() === undefined) throw error
      }
      if (run.violation !== undefined) return { golden, violation: run.violation }
    }
    run.finish()
    return { golden, violation: run.violation }
  }

  #fail(what: string, mend: string): StoryError {
    const lines = this.#scribe.lines()
    const before = lines.length === 0 ? '' : `\nUntil then:\n    ${lines.slice(-40).join('\n    ')}`
    const now = describeReplicas(this.#stage).join('\n    ')
    return new StoryError(this.#story.file, this.#step.line, what, `${mend}${before}\nNow:\n    ${now}\n`)
  }

  /** Takes a step; returns what is written below what happened. */
  #take(text: string): readonly string[] {
    const stage = this.#stage
    const [verb = '', ...rest] = text.split(' ')
    const argument = rest.join(' ')
    if (verb === 'quietly') {
      this.#take(argument)
      this.#scribe.lines()
    } else if (verb === 'run') this.#run(argument)
    else if (verb === 'expect') this.#expect(argument)
    else if (verb === 'show') return describeReplicas(stage)
    else if (verb === 'hold') this.#hold(argument)
    else if (text === 'release everything') stage.releaseAll()
    else if (verb === 'release') {
      if (!stage.release(argument))
        throw this.#fail(`nothing is held as "${argument}"`, 'Write it as in the line that holds it')
    } else if (text === 'heal') stage.heal()
    else if (text.startsWith('power loss')) this.#powerLoss(text.slice('power loss'.length).trim())
    else if ((verb === 'cut' || verb === 'heal') && rest.length === 2) {
      this.#act(verb, `${rest[0]!}->${rest[1]!}`, '', 1)
      this.#act(verb, `${rest[1]!}->${rest[0]!}`, '', 1)
    } else if (verb === 'client') this.#invoke(text)
    else this.#actByName(verb === 'fire' ? 'timer' : verb, rest)
    return []
  }

  #hold(pattern: string): void {
    if (!this.#stage.hold(pattern))
      throw this.#fail(
        `"${pattern}" holds nothing`,
        'Write "place n0->n1", with * for anything: "timer n1 *"',
      )
  }

  #run(argument: string): void {
    const stage = this.#stage
    const time = /^(\d+) (us|ms)$/.exec(argument)
    if (time !== null) {
      stage.runFor(Number(time[1]) * (time[2] === 'ms' ? 1000 : 1))
      return
    }
    const condition = this.#condition(argument.replace(/^until /, ''), this.#firstNote)
    if (!stage.runUntil(condition, PATIENCE_MICROS) && stage.run.violation === undefined)
      throw this.#fail(
        `"${argument}" has not come true within ${PATIENCE_MICROS / 1000} ms`,
        'Look at what happened instead, and at what is held',
      )
  }

  #expect(argument: string): void {
    if (!this.#condition(argument, 0)())
      throw this.#fail(`"${argument}" does not hold`, 'Mend the story, or the protocol')
  }

  #condition(text: string, firstNote: number): () => boolean {
    const { notes, replies } = this.#scribe
    const condition = conditionOf(text, {
      stage: this.#stage,
      notes: () => notes.slice(firstNote),
      lastReply: (client) => replies.get(client),
    })
    if (condition === undefined) throw this.#fail(`"${text}" is no condition`, conditionForms)
    return condition
  }

  #powerLoss(words: string): void {
    for (const { index } of this.#stage.world.nodes) {
      const site = this.#stage.siteNamed(`crash n${index}`)!
      if (this.#stage.world.armed[site.index]! > 0) this.#act('crash', `n${index}`, words, 1)
    }
  }

  #invoke(text: string): void {
    const operation = operationOf(text)
    if (operation === undefined)
      throw this.#fail(`"${text}" is nothing that a client does`, 'Write "client 0 put k0 101"')
    this.#act('invoke', `c${operation.client}`, operation.text, 1)
  }

  /** `deliver n0->n1 vote x2`. */
  #actByName(kind: string, rest: readonly string[]): void {
    const last = rest.at(-1) ?? ''
    const times = last === 'all' ? MOST_REPETITIONS : Number(/^x(\d+)$/.exec(last)?.[1] ?? 0)
    const words = times === 0 ? rest : rest.slice(0, -1)
    for (const length of [2, 1]) {
      const place = words.slice(0, length).join(' ')
      if (this.#stage.siteNamed(`${kind} ${place}`) === undefined) continue
      this.#act(kind, place, words.slice(length).join(' '), Math.max(1, times))
      return
    }
    throw this.#fail(
      `there is no action "${[kind, ...words].join(' ')}"`,
      'Actions are called as in "deliver n0->n1 vote", "place n0->n1", "crash n0", "fire n1 suspect"',
    )
  }

  #act(kind: string, place: string, words: string, times: number): void {
    const stage = this.#stage
    const name = `${kind} ${place}`
    const site = stage.siteNamed(name)
    if (site === undefined) throw this.#fail(`there is no action "${name}"`, 'Look at how it is called')
    for (let k = 0; k < times; k++) {
      const choice = stage.choiceOf(site, words)
      if (choice < 0) {
        if (times === MOST_REPETITIONS && k > 0) return
        const count = stage.world.armed[site.index]!
        const choices = Array.from({ length: count }, (_, i) => `"${site.describe(i)}"`)
        throw this.#fail(
          `"${this.#step.text}" is not possible here`,
          count === 0
            ? `Nothing can happen at "${name}" now: run until "possible ${name}"`
            : `Its choices are: ${choices.join(', ')}`,
        )
      }
      stage.call(site, choice)
      if (stage.run.violation !== undefined) return
    }
  }
}
