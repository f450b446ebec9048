/**
 * Traces as text, to be read, pasted and edited.
 *
 * ```
 * aviary trace 1
 * header: {"createdBy":"aviary", …}
 * sites: ["poll n0", …]
 * parts: [{"name":"n0 private", …}, …]
 * violation: {"kind":"invariant", …}
 * = 5b0c91aa 0:1f2e 1:00c4
 * 0 deliver n0→n1 3   # ping 1
 * …
 * ```
 *
 * One line an action: its index, the name of its site, its subject, and after `#` words that are not read. Lines with
 * `=` are fingerprints: that of the state at that place, then the folds of the parts that changed, as `part:fold`.
 *
 * Contract. `fromText(toText(t))` equals `t` but for the image of the last state, which text does not hold. Blank lines
 * and lines that begin with `#` are skipped. Whoever adds or removes actions by hand removes the fingerprints too
 * (`retrace` computes them anew); the indices are then free. Reading throws nothing but TraceError.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import { ActionLog } from '../run/action-log.js'
import { type Unknown, parseJson } from './check.js'
import { TraceError } from './errors.js'
import { type FingerprintPoints, noPoints, pointCount } from './fingerprints.js'
import { headerFromJson, headerToJson, violationFromJson } from './header.js'
import { type Trace, type TraceHeader, traceFormatVersion } from './trace.js'
import { walk } from './walk.js'

const title = 'aviary trace'

/** The text; with the system at hand each action has words. Throws TraceError when the system cannot follow the trace. */
export function toText(trace: Trace, definition?: SystemDefinition): string {
  let text = ''
  for (const line of textLines(trace, definition)) text += `${line}\n`
  return text
}

export function* textLines(trace: Trace, definition?: SystemDefinition): Generator<string, void> {
  const { actions, header, violation } = trace
  const { sites, parts, ...rest } = headerToJson(header) as TraceHeader
  for (const name of sites)
    if (/^\s|\s$|[\r\n]|\s#(\s|$)/.test(name) || name === '')
      throw new TraceError(
        'invalid',
        'header.sites',
        `the site name ${JSON.stringify(name)} cannot stand in a text`,
        'Rename the timer or input.',
      )
  yield `${title} ${String(traceFormatVersion)}`
  yield `header: ${JSON.stringify(rest)}`
  yield `sites: ${JSON.stringify(sites)}`
  yield `parts: ${JSON.stringify(parts)}`
  if (violation !== undefined) yield `violation: ${JSON.stringify(violation)}`
  const steps = definition === undefined ? undefined : walk(definition, trace)
  let point = 0
  if (trace.fingerprints.length > 0) yield pointLine(trace, point++)
  for (let i = 0; i < actions.length; i++) {
    const step = steps?.next()
    const words = step === undefined || step.done === true ? '' : step.value.words.replace(/\s+/g, ' ').trim()
    yield `${String(i)} ${sites[actions.site(i)]!} ${String(actions.subject(i))}${words === '' ? '' : `   # ${words}`}`
    const due = (i + 1) % header.fingerprintEvery === 0 || i + 1 === actions.length
    if (due && point < trace.fingerprints.length) yield pointLine(trace, point++)
  }
}

function pointLine({ fingerprints, components }: Trace, p: number): string {
  let line = `= ${hex(fingerprints[p]!, 8)}`
  for (let i = components.starts[p]!; i < components.starts[p + 1]!; i++)
    line += ` ${String(components.parts[i])}:${hex(components.folds[i]!, 4)}`
  return line
}
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

export function fromText(text: string): Trace {
  return new TextReader(text).read()
}

class TextReader {
  readonly #lines: readonly string[]
  readonly #heads = new Map<string, Unknown>()
  readonly #points: { line: number; actions: number; words: readonly string[] }[] = []
  readonly #actions = new ActionLog()
  #misnumbered: TraceError | undefined

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/)
  }

  read(): Trace {
    const first = /^aviary trace (\d+)\s*$/.exec(this.#lines[0] ?? '')
    if (first === null)
      throw new TraceError(
        'foreign',
        'line 1',
        'is not the beginning of an Aviary trace',
        `It must be "${title} ${String(traceFormatVersion)}".`,
      )
    const version = Number(first[1])
    if (version > traceFormatVersion)
      throw new TraceError(
        'newer',
        'line 1',
        `the trace has format ${String(version)}, and this Aviary reads up to ${String(traceFormatVersion)}`,
        'Use a newer Aviary.',
      )
    const body = this.#readHeads()
    const header = this.#header()
    const sites = new Map(header.sites.map((name, i) => [name, i]))
    for (let i = body; i < this.#lines.length; i++) this.#readLine(i, sites)
    const points = this.#readPoints(header)
    if (points.fingerprints.length > 0 && this.#misnumbered !== undefined) throw this.#misnumbered
    const violation = this.#heads.get('violation')
    return {
      header,
      actions: this.#actions,
      ...points,
      ...(violation === undefined ? {} : { violation: violationFromJson(violation, this.#actions.length) }),
    }
  }

  /** Reads `key: JSON` lines; returns the first line after them. */
  #readHeads(): number {
    for (let i = 1; ; i++) {
      const line = this.#lines[i]?.trim()
      if (line === '' || line?.startsWith('#') === true) continue
      const found = line === undefined ? null : /^(header|sites|parts|violation): (.*)$/.exec(line)
      if (found === null) return i
      this.#heads.set(found[1]!, parseJson(found[2]!, found[1]!))
    }
  }

  #header(): TraceHeader {
    const head = (name: string): Unknown => {
      const found = this.#heads.get(name)
      if (found === undefined)
        throw new TraceError(
          'truncated',
          name,
          'is missing',
          `After the first line come "header:", "sites:" and "parts:", each with JSON.`,
        )
      return found
    }
    const rest = Object.fromEntries(
      head('header')
        .entries()
        .map(([name, { value }]) => [name, value]),
    )
    return headerFromJson(
      parseJson(
        JSON.stringify({ ...rest, sites: head('sites').value, parts: head('parts').value }),
        'header',
      ),
    )
  }

  #readLine(i: number, sites: ReadonlyMap<string, number>): void {
    const place = `line ${String(i + 1)}`
    const line = this.#lines[i]!.trim()
    const comment = line.search(/\s#(\s|$)/)
    const content = comment < 0 ? line : line.slice(0, comment).trim()
    if (content === '' || content.startsWith('#')) return
    if (content.startsWith('=')) {
      this.#points.push({
        line: i + 1,
        actions: this.#actions.length,
        words: content.slice(1).trim().split(/\s+/),
      })
      return
    }
    const found = /^(\d+)\s+(.*\S)\s+(\d+)$/s.exec(content)
    if (found === null)
      throw new TraceError(
        'invalid',
        place,
        `${JSON.stringify(content.slice(0, 60))} is no action`,
        'An action is its index, the name of its site and its subject: "7 deliver n0→n1 3".',
      )
    const site = sites.get(found[2]!)
    if (site === undefined)
      throw new TraceError(
        'invalid',
        place,
        `there is no site ${JSON.stringify(found[2])}`,
        'The line "sites:" lists the names that there are.',
      )
    const subject = Number(found[3])
    if (subject >= 2 ** 48)
      throw new TraceError('invalid', place, `the subject ${found[3]!} is not below 2^48`, 'Mend the line.')
    if (Number(found[1]) !== this.#actions.length)
      this.#misnumbered ??= new TraceError(
        'invalid',
        place,
        `the action has the index ${found[1]!} where ${String(this.#actions.length)} is next`,
        'Actions were added or removed: remove the lines that begin with "=" too.',
      )
    this.#actions.add(site, subject)
  }

  #readPoints(header: TraceHeader): FingerprintPoints {
    if (this.#points.length === 0) return noPoints
    const every = header.fingerprintEvery
    const count = pointCount(this.#actions.length, every)
    if (this.#points.length !== count)
      throw new TraceError(
        'invalid',
        'fingerprints',
        `there are ${String(this.#points.length)} lines with "=", not ${String(count)}`,
        'Remove them all; they can be computed anew.',
      )
    const fingerprints = new Uint32Array(count)
    const starts = new Uint32Array(count + 1)
    const parts: number[] = []
    const folds: number[] = []
    this.#points.forEach(({ line, actions, words }, p) => {
      const fail = (what: string): TraceError =>
        new TraceError(
          'invalid',
          `line ${String(line)}`,
          what,
          'Remove all lines with "="; they can be computed anew.',
        )
      if (actions !== Math.min(p * every, this.#actions.length))
        throw fail('a fingerprint stands at the wrong place')
      if (!/^[0-9a-f]{8}$/.test(words[0]!)) throw fail('a fingerprint has 8 hexadecimal digits')
      fingerprints[p] = parseInt(words[0]!, 16)
      let last = -1
      for (const word of words.slice(1)) {
        const found = /^(\d{1,5}):([0-9a-f]{4})$/.exec(word)
        const part = Number(found?.[1])
        if (found === null || part <= last || part >= header.parts.length)
          throw fail(`${JSON.stringify(word)} is no fold of a part in ascending order`)
        parts.push((last = part))
        folds.push(parseInt(found[2]!, 16))
      }
      starts[p + 1] = parts.length
    })
    return {
      fingerprints,
      components: { starts, parts: Uint16Array.from(parts), folds: Uint16Array.from(folds) },
    }
  }
}
