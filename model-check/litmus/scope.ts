/** The names that a litmus file declares, and how what it says about memory, labels and registers is resolved. */
import type { NodeId } from '../../protocol/index.js'
import type { FaultTarget, Operand, RegionOf, Relation, Span, Variable } from './program.js'
import { relations } from './program.js'
import { type FaultKind, Right, faultKinds } from '../../protocol/index.js'
import type { Word, WordReader } from './words.js'

export const mostNodes = 4
const mostRegisters = 16

/** What is known of one node while a file is read. */
export class NodeScope {
  readonly regions: RegionOf[] = []
  readonly memoryWindows: string[] = []
  readonly registers: string[] = []
  readonly labels: string[] = []
  /** Per register the column that loads it. */
  readonly #columns = new Map<string, number>()

  constructor(readonly node: NodeId) {}

  get variables(): readonly Variable[] {
    return this.regions.flatMap((region) => region.variables)
  }
  sizeOf(region: number): number {
    return 8 * (this.regions[region]?.variables.reduce((words, each) => words + each.span.words, 0) ?? 0)
  }
  /** The number of a register that a column loads. */
  assign(reader: WordReader, word: Word, column: number): number {
    const owner = this.#columns.get(word.text) ?? column
    if (owner !== column)
      reader.failAt(
        word,
        `register ${word.text} of ${nodeName(this.node)} belongs to another column`,
        'choose another register',
      )
    this.#columns.set(word.text, column)
    const known = this.registers.indexOf(word.text)
    if (known >= 0) return known
    if (this.registers.length === mostRegisters)
      reader.failAt(word, `a node has at most ${String(mostRegisters)} registers`, 'use one of them again')
    this.registers.push(word.text)
    return this.registers.length - 1
  }
  isAssigned(register: string, column: number): boolean {
    return this.#columns.get(register) === column
  }
}

export const isRegister = (word: Word): boolean => word.kind === 'name' && /^r\d+$/.test(word.text)

export function nodeName(node: NodeId): string {
  return `n${String(node)}`
}

/** Takes the name of a node. */
export function takeNode(reader: WordReader, nodes: number): NodeId {
  const known = Array.from({ length: nodes }, (_, node) => nodeName(node))
  const name = reader.oneOf(known, 'a node')
  return known.indexOf(name)
}

function takeOperand(reader: WordReader, scope: NodeScope, column: number): Operand {
  if (isRegister(reader.next)) return { register: takeAssigned(reader, scope, column) }
  return { constant: reader.number('a number or a register') }
}

/** The operands up to whatever is none. */
export function takeOperands(reader: WordReader, scope: NodeScope, column: number): Operand[] {
  const operands = [takeOperand(reader, scope, column)]
  while (reader.next.kind === 'number' || isRegister(reader.next))
    operands.push(takeOperand(reader, scope, column))
  return operands
}

/** Takes a register that has been given a value before. */
export function takeAssigned(reader: WordReader, scope: NodeScope, column: number): number {
  const word = reader.next
  if (!scope.isAssigned(word.text, column))
    reader.fail(
      `register ${word.text} is used before this column gives it a value`,
      `load it first: ${word.text} = x`,
    )
  return scope.registers.indexOf(reader.take().text)
}

export function takeRelation(reader: WordReader): Relation {
  return reader.oneOf(relations, 'a comparison')
}

/** Takes the name of a variable of the node itself, with the words that are meant: `x`, `b`, `b[1]`, `b[0..1]`. */
export function takeLocal(reader: WordReader, scope: NodeScope): Span {
  const names = scope.variables.map(({ name }) => name)
  const word = reader.next
  const variable = scope.variables.find(({ name }) => name === word.text)
  if (variable === undefined || word.kind !== 'name')
    reader.fail(
      `expected a variable of ${nodeName(scope.node)}`,
      names.length === 0
        ? `declare it above: ${nodeName(scope.node)}: x = 0`
        : `one of ${names.join(', ')}, or declare it above`,
      names,
    )
  reader.take()
  const range = takeRange(reader)
  if (range === undefined) return variable.span
  if (range.last >= variable.span.words)
    reader.failAt(
      range.word,
      `${variable.name} has ${String(variable.span.words)} words`,
      'words are counted from 0',
    )
  return part(variable.span, range)
}

interface Range {
  readonly first: number
  readonly last: number
  readonly word: Word
}

const part = (span: Span, { first, last }: Range): Span => ({
  region: span.region,
  offset: span.offset + 8 * first,
  words: last - first + 1,
})

function takeRange(reader: WordReader): Range | undefined {
  if (!reader.accept('[')) return undefined
  const word = reader.next
  const first = reader.number('the number of a word', 0, 4095)
  const last = reader.accept('..') ? reader.number('the number of the last word', first, 4095) : first
  reader.expect(']')
  return { first, last, word }
}

/** Takes `n1.x`: words of a peer's variable or memory window; they may lie beyond the region, which a peer refuses. */
export function takeRemote(
  reader: WordReader,
  scopes: readonly NodeScope[],
): { readonly peer: NodeId; readonly span: Span; readonly isWindow: boolean; readonly isOpen: boolean } {
  const peer = takeNode(reader, scopes.length)
  reader.expect('.', 'a dot and a variable')
  const scope = scopes[peer]!
  const word = reader.next
  const window = scope.memoryWindows.indexOf(word.text)
  const names = [...scope.variables.map(({ name }) => name), ...scope.memoryWindows]
  const variable = scope.variables.find(({ name }) => name === word.text)
  if (word.kind !== 'name' || (variable === undefined && window < 0))
    reader.fail(
      `expected a variable of ${nodeName(peer)}`,
      names.length === 0
        ? `declare it above: ${nodeName(peer)}: x = 0`
        : `one of ${names.join(', ')}, or declare it above`,
      names,
    )
  reader.take()
  const range = takeRange(reader)
  if (variable === undefined) {
    const whole = { region: scope.regions.length + window, offset: 0, words: 1 }
    return {
      peer,
      span: range === undefined ? whole : part(whole, range),
      isWindow: true,
      isOpen: range === undefined,
    }
  }
  if (range === undefined) return { peer, span: variable.span, isWindow: false, isOpen: false }
  const span = part(variable.span, range)
  if (range.last >= variable.span.words && span.offset + 8 * span.words <= scope.sizeOf(span.region))
    reader.failAt(
      range.word,
      `${variable.name} has ${String(variable.span.words)} words, and this one belongs to another variable`,
      `name that variable, or go beyond the region (${String(scope.sizeOf(span.region) / 8)} words)`,
    )
  return { peer, span, isWindow: false, isOpen: false }
}

const rightNames = ['none', 'all', 'write', 'read', 'atomic'] as const

/** Takes `none`, `all`, or some of `write read atomic`. */
export function takeRights(reader: WordReader): number {
  let rights: number = Right[reader.oneOf(rightNames, 'rights')]
  while (rightNames.some((name) => reader.is(name))) rights |= Right[reader.oneOf(rightNames, 'rights')]
  return rights
}

/** Takes `pause n1`, `cut n0->n1`, `sever n0->n1 qp 1`, each with a text for the choice. */
export function takeFault(reader: WordReader, nodes: number, countOf?: () => void): FaultTarget {
  const kind: FaultKind = reader.oneOf(faultKinds, 'a kind of fault')
  countOf?.()
  let node: NodeId | undefined
  let from: NodeId | undefined
  let pair: number | undefined
  if (reader.next.kind === 'name') {
    node = takeNode(reader, nodes)
    if (reader.accept('->')) {
      from = node
      node = takeNode(reader, nodes)
    }
    if (reader.accept('qp')) pair = reader.number('the number of a queue pair', 0, 15)
  }
  const words = reader.next.kind === 'text' ? reader.take().text : ''
  return { kind, node, from, pair, words }
}
