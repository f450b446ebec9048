/** The lines above the columns: who the program is, what its nodes have, and what its hardware is like. */
import {
  type ClockModel,
  type FaultKind,
  type Knobs,
  type RdmaFabric,
  type Rule,
  ruleNames,
} from '../../protocol/index.js'
import type { FreeFault, Variable } from './program.js'
import { type NodeScope, isRegister, takeFault, takeRights } from './scope.js'
import { WordReader, wordsOf } from './words.js'

/** Everything that stands above the columns. */
export class Declarations {
  name = ''
  title = ''
  readonly sources: string[] = []
  readonly rules: Rule[] = []
  readonly knobs: { -readonly [K in keyof Knobs]?: Knobs[K] } = {}
  readonly fabric: { -readonly [K in keyof RdmaFabric]?: RdmaFabric[K] } = {}
  readonly disk: { capacityBytes?: number; flushes?: number } = {}
  readonly clock: { -readonly [K in keyof ClockModel]?: ClockModel[K] } = {}
  readonly faults: FreeFault[] = []
}

const knobValues = {
  poll: ['atomic', 'loads'],
  placement: ['in-order', 'shuffled-in-packet', 'shuffled'],
  fetch: ['at-departure', 'early', 'by-word'],
  visibility: ['prompt', 'lagging'],
  psn: ['derived', 'constant'],
} as const satisfies { readonly [K in keyof Omit<Knobs, 'broken'>]: readonly Knobs[K][] }
const knobNames = Object.keys(knobValues) as (keyof typeof knobValues)[]

const fabricWords = [
  'pairs',
  'depth',
  'bytes',
  'packet',
  'receive-buffers',
  'completions',
  'retries',
  'loopback',
  'rights',
] as const
const keys = ['name', 'title', 'source', 'rules', 'knobs', 'fabric', 'disk', 'clock', 'faults'] as const
const unlimitedFaults = Infinity

/** Reads one line; returns whether it was a declaration. */
export function declare(
  file: string,
  text: string,
  line: number,
  into: Declarations,
  scopes: readonly NodeScope[],
): void {
  const words = /^(\s*)([A-Za-z][\w-]*)\s*:\s*(.*)$/.exec(text)
  const free = words !== null && ['name', 'title', 'source'].includes(words[2]!)
  if (free) {
    const value = words[3]!.trim()
    if (words[2] === 'title') into.title = value
    else if (words[2] === 'source') into.sources.push(value)
    else into.name = nameOf(file, value, line, text.indexOf(value) + 1)
    return
  }
  const reader = new WordReader(file, wordsOf(file, text, line))
  const node = scopes.find(({ node }) => reader.is(`n${String(node)}`))
  if (node !== undefined) {
    reader.take()
    return declareNode(reader, node)
  }
  const nodes = scopes.map((scope) => `n${String(scope.node)}`)
  const key = reader.next
  if (key.kind !== 'name' || !(keys as readonly string[]).includes(key.text))
    reader.fail(
      'expected a declaration or the head of the columns',
      `one of ${keys.join(', ')}; ${nodes.join(', ')} (variables); or a line such as: n0 | n1`,
      [...keys, ...nodes],
    )
  reader.take()
  reader.expect(':')
  switch (key.text as Exclude<(typeof keys)[number], 'name' | 'title' | 'source'>) {
    case 'rules':
      each(reader, () => into.rules.push(reader.oneOf(ruleNames, 'a rule of the rule book')))
      return
    case 'knobs':
      each(reader, () => {
        const knob = reader.oneOf(knobNames, 'a knob')
        const value = reader.oneOf(knobValues[knob], `a value of ${knob}`)
        Object.assign(into.knobs, { [knob]: value })
      })
      return
    case 'fabric':
      each(reader, () => declareFabric(reader, into))
      return
    case 'disk':
      each(reader, () => {
        if (reader.oneOf(['bytes', 'flushes'], 'bytes or flushes') === 'bytes')
          into.disk.capacityBytes = reader.number('the capacity in bytes', 8, 65_536)
        else into.disk.flushes = reader.number('how many flushes may be in flight', 1, 16)
      })
      return
    case 'clock':
      each(reader, () => {
        if (reader.oneOf(['ticks', 'drift'], 'ticks or drift') === 'ticks')
          into.clock.mostTicks = reader.number('after how many ticks clocks stand still', 1, 16)
        else into.clock.driftTicks = reader.number('by how many ticks clocks differ', 0, 16)
      })
      return
    case 'faults':
      each(reader, () => into.faults.push(declareFault(reader, scopes.length)))
      return
  }
}

function nameOf(file: string, value: string, line: number, column: number): string {
  if (/^[A-Za-z][\w.-]*$/.test(value)) return value
  const reader: WordReader = new WordReader(file, [{ kind: 'name', text: value, line, column }])
  return reader.fail(
    'expected a name of letters, digits, ".", "_" and "-"',
    'for instance name: message-passing',
  )
}

/** Things separated by commas, up to the end of the line. */
function each(reader: WordReader, take: () => void): void {
  do take()
  while (reader.accept(','))
  reader.end('separate by ","')
}

function declareFault(reader: WordReader, nodes: number): FreeFault {
  let most = 1
  const target = takeFault(reader, nodes, () => {
    if (reader.next.kind === 'number') most = reader.number('how often', 1, 1000)
    else if (reader.accept('unlimited')) most = unlimitedFaults
  })
  return { target, most }
}

function declareFabric(reader: WordReader, { fabric }: Declarations): void {
  switch (reader.oneOf(fabricWords, 'a property of the fabric')) {
    case 'pairs':
      fabric.pairsPerPeer = reader.number('queue pairs between two nodes', 1, 8)
      return
    case 'depth':
      fabric.sendQueueDepth = reader.number('the depth of a send queue', 1, 64)
      return
    case 'bytes':
      fabric.requestBytes = reader.number('most bytes of a request', 16, 4096)
      return
    case 'packet':
      fabric.packetBytes = reader.number('bytes of a packet', 8, 4096)
      return
    case 'receive-buffers':
      fabric.receiveQueueDepth = reader.number('receive buffers', 0, 64)
      return
    case 'completions':
      fabric.completionQueueDepth = reader.number('the depth of a completion queue', 1, 256)
      return
    case 'retries':
      fabric.receiverRetries = reader.oneOf(['infinite', 'finite'], 'infinite or finite')
      return
    case 'loopback':
      fabric.loopback = true
      return
    case 'rights':
      fabric.initialRights = takeRights(reader)
      return
  }
}

/** `n1: x = 0, b[2]`, `n1 region log relaxed: y`, `n1 windows: w`. */
function declareNode(reader: WordReader, scope: NodeScope): void {
  if (reader.accept('windows')) {
    reader.expect(':')
    each(reader, () => {
      const word = reader.name('the name of a memory window', 'for instance n1 windows: w')
      refuseTaken(reader, scope, word.text, true)
      scope.memoryWindows.push(word.text)
    })
    return
  }
  let name = 'memory'
  let relaxed = false
  if (reader.accept('region')) {
    name = reader.name('the name of a region', 'for instance n1 region log: x = 0').text
    relaxed = reader.accept('relaxed')
  }
  reader.expect(':', '":", "region" or "windows"')
  let at = scope.regions.findIndex((region) => region.name === name)
  if (at < 0) at = scope.regions.push({ name, relaxed, variables: [] }) - 1
  each(reader, () => {
    const variable = declareVariable(reader, scope, at)
    const region = scope.regions[at]!
    scope.regions[at] = { ...region, variables: [...region.variables, variable] }
  })
}

function declareVariable(reader: WordReader, scope: NodeScope, region: number): Variable {
  const word = reader.next
  if (word.kind !== 'name' || !/^[A-Za-z][A-Za-z0-9]*$/.test(word.text) || isRegister(word))
    reader.fail(
      'expected the name of a variable',
      'letters and digits, beginning with a letter; r0, r1, … are registers',
    )
  refuseTaken(reader, scope, word.text, false)
  reader.take()
  const isArray = reader.accept('[')
  const words = isArray ? reader.number('how many words', 1, 512) : 1
  if (isArray) reader.expect(']')
  const initial: number[] = []
  if (reader.accept('='))
    while (initial.length === 0 || reader.next.kind === 'number') initial.push(reader.number('a value'))
  if (initial.length > words)
    reader.failAt(word, `${word.text} has ${String(words)} words`, 'give at most as many values')
  while (initial.length < words) initial.push(0)
  const span = { region, offset: scope.sizeOf(region), words }
  return { name: word.text, node: scope.node, span, isArray, initial }
}

const reserved = [
  'clock',
  'records',
  'record',
  'receive',
  'notified',
  'memory',
  'base',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'if',
  'into',
  'from',
]

function refuseTaken(reader: WordReader, scope: NodeScope, name: string, isTaken: boolean): void {
  const known = [...scope.variables.map((each) => each.name), ...scope.memoryWindows, ...reserved]
  if (!known.includes(name)) return
  const problem = reserved.includes(name) ? `"${name}" is reserved` : `"${name}" is declared already`
  if (isTaken) reader.fail(problem, 'choose another name')
  reader.failAt(reader.next, problem, 'choose another name')
}

export const isFaultFree = (faults: readonly FreeFault[], kind: FaultKind): boolean =>
  faults.every(({ target }) => target.kind !== kind)
