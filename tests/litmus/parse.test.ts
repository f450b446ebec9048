// What is wrong with a file is told with its line, its column, the word, and what mends it.
import { describe, expect, test } from 'vitest'
import { LitmusError, parseLitmus } from '../../model-check/litmus/index.js'

const file = `name: example
title: An example
source: nowhere
rules: fence
knobs: placement in-order
fabric: pairs 2, retries finite
faults: cut 1 n0->n1
n1: x = 0, b[2] = 1 2

  n0                    | n1
  a: write n1.x = 1     | r0 = x
  wait a                | b[0..1] = 3 4

observe: n0:a n1:r0
allowed: ok 0, ok 1
forbidden: flushed *
`

const errorOf = (text: string): LitmusError => {
  try {
    parseLitmus('mine.litmus', text)
  } catch (error) {
    if (error instanceof LitmusError) return error
    throw error
  }
  throw new Error('nothing is wrong')
}

test('a file is read', () => {
  const program = parseLitmus('mine.litmus', file)
  expect(program).toMatchObject({
    name: 'example',
    rules: ['fence'],
    knobs: { placement: 'in-order' },
    fabric: { pairsPerPeer: 2, receiverRetries: 'finite' },
    budget: { cut: 1 },
    observables: [{ kind: 'status' }, { kind: 'register' }],
    allowed: [{ values: [['ok'], ['0']] }, { values: [['ok'], ['1']] }],
    forbidden: [{ values: [['flushed'], undefined] }],
  })
  expect(program.nodes.map(({ threads }) => threads.map(({ operations }) => operations.length))).toEqual([
    [3],
    [3],
  ])
})

// Each mistake: what is replaced by what, where that is told, and words of the message and of the mend.
const mistakes: readonly (readonly [string, string, string, RegExp, RegExp])[] = [
  ['name: example\n', '', '1:1', /has no name/, /begin with a line "name/],
  ['name: example', 'name: ex ample', '1:7', /expected a name of letters/, /for instance/],
  ['rules: fence', 'rules: fense', '4:8', /expected a rule .*"fense"/, /one of .*fence/],
  [
    'placement in-order',
    'placement ordered',
    '5:18',
    /expected a value of placement, found "ordered"/,
    /in-order/,
  ],
  ['placement in-order', 'order in-order', '5:8', /expected a knob, found "order"/, /placement/],
  ['pairs 2', 'pairs 99', '6:15', /out of range, found "99"/, /from 1 to 8/],
  ['retries finite', 'retries never', '6:26', /infinite or finite, found "never"/, /one of/],
  ['cut 1 n0->n1', 'cutt 1', '7:9', /expected a kind of fault, found "cutt"/, /one of crash/],
  ['b[2] = 1 2', 'b[2] = 1 2 3', '8:12', /b has 2 words/, /at most/],
  ['x = 0, b[2]', 'x = 0, x[2]', '8:12', /"x" is declared already/, /another name/],
  ['x = 0, b[2]', 'r1 = 0, b[2]', '8:5', /expected the name of a variable, found "r1"/, /registers/],
  ['  n0                    | n1\n', '', '10:1', /there are no columns/, /n0 \| n1/],
  ['a: write', 'a: wirte', '11:6', /expected an operation, found "wirte"/, /one of write/],
  ['write n1.x', 'write n1.y', '11:15', /expected a variable of n1, found "y"/, /one of x, b/],
  ['write n1.x', 'write n7.x', '11:12', /expected a node, found "n7"/, /one of n0, n1/],
  ['write n1.x = 1', 'write n1.b = 1', '11:12', /2 words are given 1 values/, /b\[0\.\.1\]/],
  [
    'write n1.x = 1',
    'write n1.x from y',
    '11:22',
    /expected a variable of n0, found "y"/,
    /declare it above/,
  ],
  ['= 1     |', '= 1 twice |', '11:21', /expected the end of the operation, found "twice"/, /";"/],
  ['= 1     |', '= r7     |', '11:19', /register r7 is used before/, /load it first/],
  ['| r0 = x', '| r0 = x | r1 = x', '11:34', /this row has 3 cells/, /name every column/],
  ['| r0 = x', '| r0 = b', '11:27', /1 words|2 words/, /as many/],
  ['wait a', 'wait b', '12:8', /expected a label of n0, found "b"/, /one of a/],
  ['wait a', 'wait', '12:7', /expected a label of n0, but the line ends/, /one of a/],
  ['wait a', 'wait a; x = 1', '12:3', /only if none of them waits/, /a row of its own/],
  ['wait a', 'wait a ! b', '12:10', /"!" cannot be read/, /words are/],
  ['b[0..1] = 3 4', 'b[0..2] = 3 4', '12:29', /b has 2 words/, /from 0/],
  ['n0:a n1:r0\n', 'n0:c n1:r0\n', '14:10', /no such register or label, found "n0:c"/, /one of a/],
  ['n0:a n1:r0\n', 'n0:a n1.b\n', '14:15', /expected one word, found "n1.b"/, /n1\.b\[0\]/],
  ['ok 0,', 'okay 0,', '15:10', /expected a status, found "okay"/, /one of ok/],
  ['ok 0,', 'ok zero,', '15:13', /expected a number, found "zero"/, /a whole number/],
  ['ok 0,', 'ok,', '15:10', /n1:r0 has no value in this row/, /\* for any/],
  ['ok 0,', 'ok 0 1,', '15:15', /expected 2 values/, /n0:a n1:r0/],
  ['ok 0,', 'ok 0 n1 dead,', '15:18', /expected how n1 ends, found "dead"/, /waits, down/],
  ['allowed: ok 0, ok 1\n', '', '15:1', /no outcome is allowed/, /list every outcome/],
]

describe.each(mistakes)('%s → %s', (before, after, place, problem, mend) => {
  test(`is told at ${place}`, () => {
    expect(file).toContain(before)
    const error = errorOf(file.replace(before, after))
    expect(error.message).toMatch(problem)
    expect(error.message).toMatch(new RegExp(`^mine\\.litmus:${place}: `))
    expect(error.mend).toMatch(mend)
  })
})

test('a register belongs to one column', () => {
  const error = errorOf('name: t\nn0: x\nn0 | n0\nr0 = x | r0 = x\nobserve: n0:r0\nallowed: 0')
  expect(error.message).toBe('mine.litmus:4:10: register r0 of n0 belongs to another column, found "r0"')
})

test('a kind of fault is free, or in columns', () => {
  const error = errorOf(file.replace('wait a  ', 'fault cut n0->n1'))
  expect(error.message).toMatch(/12:1: "fault cut n0->n1": cut is taken at this point, and everywhere/)
})

test('records are read first after a restart', () => {
  const error = errorOf('name: t\nn0: x\nn0\nx = 1\nr0 = records\nobserve: n0:r0\nallowed: 0')
  expect(error.message).toMatch(/^mine\.litmus:5:1: records are read first after a restart/)
})

test('a word inside another variable is no remote address, one beyond the region is', () => {
  const text = (index: number): string =>
    `name: t\nn1: b[2], y\nn0\nwrite n1.b[${String(index)}] = 1\nobserve: n1.y\nallowed: 0`
  expect(errorOf(text(2)).message).toMatch(/b has 2 words, and this one belongs to another variable/)
  expect(() => parseLitmus('mine.litmus', text(3))).not.toThrow()
})
