// C++ and TypeScript say the same numbers, and those of the contract where the contract has them.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Control, Flag, Right, Status } from '../../protocol/index.js'
import {
  CompletionKind,
  Operation,
  completionField,
  headerField,
  misuses,
  requestField,
} from '../../native/batch-layout.js'
import { endStates, peerStates } from '../../native/index.js'

const source = (path: string): string =>
  readFileSync(new URL(`../../native/${path}`, import.meta.url), 'utf8').replaceAll(/\/\/.*/g, '')

/** The names of an enumeration with their numbers. */
function enumeration(text: string, name: string): Record<string, number> {
  const body = new RegExp(`enum class ${name}[^{]*\\{([^}]*)\\}`).exec(text)?.[1]
  if (body === undefined) throw new Error(`there is no enumeration ${name}`)
  let next = 0
  const pairs = body
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each): [string, number] => {
      const [, key, value] = /^(\w+)(?:\s*=\s*(\d+))?$/.exec(each)!
      next = value === undefined ? next : Number(value)
      return [key!, next++]
    })
  return Object.fromEntries(pairs)
}

/** The constants of a struct of constants. */
const constants = (text: string, name: string): Record<string, number> =>
  Object.fromEntries(
    [...new RegExp(`struct ${name} \\{([^}]*)\\}`).exec(text)![1]!.matchAll(/(\w+) = (\d+)/g)].map(
      ([, key, value]) => [key!, Number(value)],
    ),
  )

/** The 32-bit words of a struct, by name. */
function words(text: string, name: string): Record<string, number> {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\}`).exec(text)![1]!
  const names = [...body.matchAll(/^\s*\w+ (\w+)(?:\[\d+\])?;/gm)].map(([, field]) => field!)
  return Object.fromEntries(names.filter((field) => field !== 'reserved').map((field, i) => [field, i]))
}

const fabric = source('fabric/fabric.h')
const batch = source('batch/batch.h')

test('statuses, control calls, flags and rights are those of the contract', () => {
  expect(enumeration(fabric, 'Status')).toEqual(Status)
  expect(enumeration(fabric, 'Control')).toEqual(Control)
  const { inlined, ...flags } = constants(fabric, 'Flag')
  expect({ ...flags, inline: inlined }).toEqual(Flag)
  expect(constants(fabric, 'Right')).toEqual(Right)
})

test('requests and completions have the same words on both sides', () => {
  expect({ ...enumeration(fabric, 'Operation'), ...enumeration(batch, 'Extra') }).toEqual(Operation)
  expect(enumeration(fabric, 'CompletionKind')).toEqual(CompletionKind)
  expect(words(fabric, 'Completion')).toEqual(completionField)
  expect(words(batch, 'Descriptor')).toEqual(requestField)
  expect(words(batch, 'BatchHeader')).toEqual(headerField)
})

test('mistakes and states have the same names on both sides', () => {
  const names = Object.keys(enumeration(fabric, 'Misuse'))
  expect(misuses.map(([name]) => name)).toEqual(names)
  expect(endStates).toEqual(Object.keys(enumeration(fabric, 'EndState')))
  expect(peerStates).toEqual(Object.keys(enumeration(fabric, 'PeerState')))
})
